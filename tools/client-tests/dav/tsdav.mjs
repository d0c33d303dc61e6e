// tsdav: discovery from the server's root, a card made, changed, synced and deleted.
import assert from "node:assert";
import { book, client, found } from "./tsdav-book.mjs";

assert(found, "the address book is found from the root");
const { syncToken } = found;
const name = "tsdav-1.vcf";
const url = new URL(name, book).href;
const card = (fn) => `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:tsdav-1\r\nFN:${fn}\r\nN:Smith;Ann;;;\r\nEND:VCARD\r\n`;
const made = await client.createVCard({ addressBook: found, filename: name, vCardString: card("Ann Smith") });
assert(made.ok, `PUT: ${made.status}`);
const fetched = async () =>
  (await client.fetchVCards({ addressBook: found, objectUrls: [url], useMultiGet: true }))[0];
const first = await fetched();
assert(first.data.includes("FN:Ann Smith") && first.etag, "the card is read by multiget");
const changed = await client.updateVCard({ vCard: { url, data: card("Ann Jones"), etag: first.etag } });
assert(changed.ok, `PUT over it: ${changed.status}`);
const stale = await client.updateVCard({ vCard: { url, data: card("Eve"), etag: first.etag } });
assert.equal(stale.status, 412, "a stale entity tag");
const second = await fetched();
assert(second.data.includes("FN:Ann Jones"), "the change is read");
const hrefs = async (token) => {
  const answers = await client.syncCollection({ url: book, props: { "d:getetag": {} }, syncLevel: 1, syncToken: token });
  return answers.filter((it) => it.href?.endsWith(name)).map((it) => it.status);
};
assert.equal((await hrefs(syncToken ?? "")).length, 1, "sync-collection tells of it once");
const { syncToken: later } = (await client.fetchAddressBooks()).find((it) => it.url === found.url);
const gone = await client.deleteVCard({ vCard: { url, etag: second.etag } });
assert(gone.ok, `DELETE: ${gone.status}`);
assert.deepEqual(await hrefs(later), [404], "sync-collection tells that it is gone");
