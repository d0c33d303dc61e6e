// ical.js, which Thunderbird and Nextcloud read cards with: every card of a folder has one FN or more.
import assert from "node:assert";
import { readFileSync, readdirSync } from "node:fs";
import ICAL from "ical.js";

const folder = process.argv[2];
const names = readdirSync(folder);
for (const name of names) {
  const card = new ICAL.Component(ICAL.parse(readFileSync(`${folder}/${name}`, "utf8")));
  assert.equal(card.name, "vcard", name);
  assert(card.getFirstPropertyValue("fn"), name);
}
console.log(`ical.js: ${names.length} cards read`);
