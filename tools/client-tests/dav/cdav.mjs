// @nextcloud/cdav-library, which is made for browsers: jsdom stands in for one, and xmldom with xpath where XML is read,
// since jsdom's XPath knows no namespaces.
import assert from "node:assert";
import { DOMParser } from "@xmldom/xmldom";
import { JSDOM } from "jsdom";
import xpath from "xpath";

const { URL: book, USER, PASSWORD } = process.env;
const { window } = new JSDOM("", { url: book, contentType: "text/html" });
Object.assign(globalThis, { window, document: window.document, XMLSerializer: window.XMLSerializer, XPathResult: xpath.XPathResult });
globalThis.DOMParser = class extends DOMParser {
  parseFromString(...text) {
    const document = super.parseFromString(...text);
    document.evaluate = (path, node, resolver, ...rest) => {
      const result = xpath.evaluate(path, node, { lookupNamespaceURI: resolver }, ...rest);
      const next = result.iterateNext.bind(result);
      result.iterateNext = () => next() ?? null; // as browsers say that there is no more
      return result;
    };
    return document;
  }
};
const { default: Client } = await import("@nextcloud/cdav-library");
const headers = { Authorization: `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}` };
const client = new Client({ rootUrl: new URL("/", book).href }, {}, headers);
client._request.defaultHeaders = { ...client._request.defaultHeaders, ...headers };
await client.connect({ enableCardDAV: true });
const homes = client.addressBookHomes;
const books = (await Promise.all(homes.map((home) => home.findAllAddressBooks()))).flat();
const found = books.find((it) => new URL(it.url, book).pathname === new URL(book).pathname);
assert(found, "the address book is found from the root");
assert(process.env.PEER || found.isWriteable(), "it may be written to");
const before = (await found.findAllVCards()).length;
const data = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:cdav-1\r\nFN:Ann Smith\r\nN:Smith;Ann;;;\r\nEND:VCARD\r\n";
const card = await found.createVCard(data);
// By PROPFIND, which Radicale and Xandikos do not answer with a card.
assert(process.env.PEER || card.data.includes("FN:Ann Smith"), "the new card is read");
card.data = data.replace("Ann Smith", "Ann Jones");
await card.update();
const cards = await found.findAllVCards();
assert.equal(cards.length, before + 1);
// As Nextcloud's Contacts asks.
const props = ["getetag", "getcontenttype", "resourcetype"].map((name) => ({ name: ["DAV:", name] }));
props.push({ name: ["urn:ietf:params:xml:ns:carddav", "address-data"] });
const named = await found.addressbookMultiget([new URL(card.url, book).pathname], props);
assert.equal(named.length, 1);
assert(named[0].data.includes("FN:Ann Jones"), "the change is read by multiget");
await card.delete();
assert.equal((await found.findAllVCards()).length, before);
