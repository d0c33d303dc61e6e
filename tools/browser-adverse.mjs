// The pages where something goes wrong or is slow: a session that ends while somebody searches, a server that refuses, an
// answer that comes late, a photo that is chosen anew before the first one was read, letters twice as large on a phone.
// Run by tools/browser-tests.
import { strict as assert } from "node:assert";
import { API, PASSWORD, check, csv, finish, go, person, signIn, sleep } from "./browser-help.mjs";

const LIVE = "**/contacts?search=*";
const { page, context } = await person();
await signIn(page, "ann");
await go(page, "/import");
await page.setInputFiles("#file", { name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(csv(120)) });
await page.click('form[action="/import"] button >> nth=0');
await page.waitForURL(`${API}/import/found`);
await page.click('[value="import"]');
await page.waitForURL(`${API}/contacts`);

// ---- Search while typing ----
// Whoever went on by keyboard before the answer came stays at the contact, which is found still.
await page.route(LIVE, async (it) => { await sleep(600); await it.continue(); });
await page.fill("#search", "lovelace");
await sleep(300);
await page.keyboard.press("Escape");
const first = page.locator('.rows a.name:has-text("Lovelace")').first();
const id = await first.getAttribute("id");
await first.focus();
await page.waitForFunction(() => document.querySelector("#said").textContent);
assert.equal(await page.evaluate(() => document.activeElement.id), id, "an answer to a search takes the focus away");
await page.unroute(LIVE);

// Where the server refuses, nobody sees others below what was typed. What was selected is there once it answers again.
await go(page, "/contacts");
await page.check(".rows input >> nth=0");
const refusal = (await (await fetch(`${API}/nowhere`, { headers: { Accept: "text/html" } })).text());
await page.route(LIVE, (it) => it.fulfill({ status: 429, contentType: "text/html", body: refusal }));
await page.fill("#search", "nobody");
await page.waitForFunction(() => /nothing here/.test(document.querySelector("#said").textContent));
assert.equal(await page.locator(".rows li").count(), 0, "contacts that nobody looked for");
assert.match(await page.textContent("#found"), /nothing here/);
assert.equal(await page.inputValue("#search"), "nobody");
await check(page, "a search that was refused");
await page.unroute(LIVE);
await page.fill("#search", "lovelace");
await page.waitForSelector(".rows li");
assert.match(await page.textContent(".bar .count"), /1 selected/);

// A session that ended: what was looked for is found after signing in again.
await context.clearCookies();
await page.fill("#search", "lovelace 17");
await page.waitForURL(/login/);
await page.fill("#username", "ann");
await page.fill("#password", PASSWORD);
await page.click("main button");
await page.waitForURL(/search=lovelace/);

// Who takes back that all are meant, by the box of the page, and selects one, means one.
await go(page, "/contacts");
await page.check(".rows input >> nth=0");
await page.check("[name=all]");
await page.uncheck("[data-all]");
await page.check(".rows input >> nth=0");
assert.match(await page.textContent(".bar .count"), /1 selected/);
assert(!(await page.isChecked("[name=all]")), "whoever deletes one contact deletes all");

// Where the script does not come, what can be done with the selected ones is there all the same.
await context.route("**/app.js", (it) => it.abort());
const plain = await context.newPage();
await go(plain, "/contacts");
assert(!(await plain.isVisible('.bar [value="delete"]')));
await plain.check(".rows input >> nth=0");
assert(await plain.isVisible('.bar [value="delete"]'), "without the script that was promised nothing can be done");
await plain.close();
await context.unroute("**/app.js");

// ---- A form ----
await go(page, "/contacts/new");
await page.click("[data-list=phones] [data-add]");
const names = await page.locator("[data-list=phones] [data-remove]").evaluateAll((all) => all.map((it) => it.ariaLabel));
assert.deepEqual(names, ["Remove 1", "Remove 2"], "rows that a screen reader cannot tell apart");

const picture = (size, colour) => page.evaluate(([size, colour]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const to = canvas.getContext("2d");
  to.fillStyle = colour;
  to.fillRect(0, 0, size, size);
  return canvas.toDataURL().split(",")[1];
}, [size, colour]).then((text) => Buffer.from(text, "base64"));
const [slow, quick] = [await picture(7000, "#f00"), await picture(60, "#0f0")];
for (const buffer of [slow, quick]) await page.setInputFiles("#photo", { name: "a.png", mimeType: "image/png", buffer });
await sleep(4000);
assert.equal(await page.locator(".crop").count(), 1, "two pictures to cut");
const green = await page.evaluate(async () => {
  const to = document.createElement("canvas").getContext("2d");
  to.drawImage(await createImageBitmap(document.querySelector("#photo").files[0]), 0, 0);
  return to.getImageData(5, 5, 1, 1).data[1];
});
assert(green > 200, "the picture that was chosen first is sent");

// ---- Widths ----
await page.setViewportSize({ width: 900, height: 700 });
await go(page, "/contacts");
await page.check(".rows input >> nth=0");
const tall = await page.locator(".bar .count").evaluate((it) => it.offsetHeight);
assert(tall < 60, `what is selected is told letter by letter, ${tall} px high`);
// A phone on its side, or 400 %: what is fixed leaves room to see what is typed.
const one = await page.getAttribute(".rows a.name", "href");
await page.setViewportSize({ width: 320, height: 256 });
await go(page, `${one}/edit`);
const covered = await page.evaluate(() => {
  scrollTo(0, 400);
  const bars = [...document.querySelectorAll(".top, .edit > .head, nav.main")].map((it) => it.getBoundingClientRect());
  return bars.reduce((sum, { top, bottom }) => sum + Math.max(0, Math.min(bottom, innerHeight) - Math.max(top, 0)), 0);
});
assert(covered < 128, `${covered} of 256 px are covered`);
// The bar of what is selected goes up to where the others were, and no rows are seen above it.
await page.setViewportSize({ width: 844, height: 390 });
await go(page, "/contacts");
await page.check(".rows input >> nth=0");
await page.evaluate(() => scrollTo(0, 600));
assert.equal(await page.locator(".bar").evaluate((it) => it.getBoundingClientRect().top), 0, "rows above the bar");
await page.setViewportSize({ width: 390, height: 800 });
for (const path of ["/contacts", "/export", "/contacts/new", "/birthdays", "/settings"]) {
  await go(page, path);
  await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert(wide <= 0, `${path} with letters twice as large is ${wide} px too wide`);
}

await finish("browser tests of adverse conditions");
