// tsdav as a client that holds a copy of the book, kept by its own smartCollectionSync. A wish is a line of JSON on standard input,
// its answer a line on standard output; pairs.py is who asks.
import readline from "node:readline";
import { client, found } from "./tsdav-book.mjs";

let held = { ...found, syncToken: undefined, objects: [], objectMultiGet: client.addressBookMultiGet.bind(client) };
held.objects = await client.fetchVCards({ addressBook: found });
held.syncToken = found.syncToken;
const named = (name) => {
  const card = held.objects.find((it) => it.data.split(/\r?\n/).includes(`FN:${name}`));
  if (!card) throw new Error(`no ${name}`);
  return card;
};
const good = (answer) => {
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
};
const wishes = {
  async sync() {
    const [now] = (await client.fetchAddressBooks()).filter((it) => it.url === found.url);
    const objects = held.objects.map(({ url, etag, data }) => ({ url, etag, data }));
    const next = await client.smartCollectionSync({ collection: { ...held, objects }, method: "webdav", account: client.account });
    held = { ...next, objectMultiGet: held.objectMultiGet, syncToken: next.syncToken ?? now.syncToken };
  },
  async add({ card }) {
    const filename = `${/^UID:(\S+)/m.exec(card)[1]}.vcf`;
    good(await client.createVCard({ addressBook: found, filename, vCardString: card }));
  },
  async rename({ name, new: to }) {
    const card = named(name);
    good(await client.updateVCard({ vCard: { ...card, data: card.data.replaceAll(name, to) } }));
  },
  async delete({ name }) {
    good(await client.deleteVCard({ vCard: named(name) }));
  },
  async cards() {
    return held.objects.map((it) => it.data);
  },
};
for await (const line of readline.createInterface({ input: process.stdin })) {
  const wish = JSON.parse(line);
  let answer;
  try {
    answer = { ok: (await wishes[wish.do](wish)) ?? null };
  } catch (error) {
    answer = { error: String(error.stack) };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);
