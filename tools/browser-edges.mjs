// Pages that are seen rarely: the second factor, mailed links, errors, administration, the steps of an import, the trash and
// the history of many. Each in both languages, light and dark, wide and narrow, with the script and without. Words are not
// looked for where two languages have them: what a page is, its address and its fields say. Run by tools/browser-tests.
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import { API, PASSWORD, check, finish, go, link, person, shot, signIn, sleep } from "./browser-help.mjs";

/** The code of an authenticator app (RFC 6238) for a secret in base 32. */
function code(secret) {
  const bits = [...secret.replace(/\W/g, "")].map((it) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(it).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((it) => parseInt(it, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));
  const hash = createHmac("sha1", key).update(step).digest();
  return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1000000).padStart(6, "0");
}

const is = (page, path) => assert.equal(page.url().replace(API, ""), path);
const press = (page, form) => page.click(`:is(form[action="${form}"], form[action^="${form}?"]) button >> nth=0`);

const readers = [
  { locale: "en-GB", scheme: "light", width: 1280 },
  { locale: "uk-UA", scheme: "dark", width: 320 },
  { locale: "uk-UA", scheme: "light", width: 360, script: false },
  { locale: "en-GB", scheme: "dark", width: 320, script: false },
];

for (const [number, reader] of readers.entries()) {
  const name = `reader${number}`;
  const kind = `${reader.locale} ${reader.scheme} ${reader.width}`;
  const { page, context } = await person(reader);
  const see = async (what) => { await check(page, what, kind); if (number < 2) await shot(page, `edge-${number}-${what.replace(/\W+/g, "-")}`); };

  // ---- An account, its mails, its second factor ----
  await go(page, "/register");
  await see("register");
  await page.fill("#username", name);
  await page.fill("#email", `${name}@example.com`);
  await page.fill("#password", PASSWORD);
  await press(page, "/register");
  await see("mailbox");
  const confirmation = await link("confirmed_email", name);
  await page.goto(confirmation);
  await see("confirm an address");
  await press(page, "/api/auth/confirm-email");
  await see("confirmed");
  await page.goto(confirmation);
  await see("dead confirmation");

  await go(page, "/forgot");
  await see("forgot");
  await page.fill("#reset-email", `${name}@example.com`);
  await press(page, "/forgot");
  const reset = await link("reset-password", name);
  await page.goto(reset);
  await see("new password");
  await page.fill("#new_password", "password123");
  await press(page, "/api/auth/reset-password");
  assert(await page.isVisible("#new_password-fault"));
  await see("a weak new password");
  await page.fill("#new_password", PASSWORD);
  await press(page, "/api/auth/reset-password");
  await see("password is new");
  await page.goto(reset);
  await see("dead reset");

  await go(page, "/login");
  await page.fill("#username", name);
  await page.fill("#password", "wrong");
  await press(page, "/login");
  assert(await page.isVisible("[role=alert]"));
  await see("login with a fault");
  await signIn(page, name);

  await go(page, "/settings");
  await page.fill("#totp-password", "wrong");
  await press(page, "/settings/totp");
  assert(await page.isVisible("#totp-password-fault"));
  await see("settings with a fault");
  await page.fill("#totp-password", PASSWORD);
  await press(page, "/settings/totp");
  is(page, "/settings/totp");
  await see("second factor");
  await page.fill("#code", "000000");
  await press(page, "/settings/totp/confirm");
  assert(await page.isVisible("#code-fault"));
  await see("second factor with a wrong code");
  await page.fill("#code", code(await page.getAttribute("[name=secret]", "value")));
  await press(page, "/settings/totp/confirm");
  is(page, "/settings/recovery-codes");
  await see("recovery codes");
  const codes = await page.locator(".codes code").allTextContents();
  await go(page, "/settings");
  await see("settings with a second factor");

  const out = async () => { await page.click(".menu summary"); await press(page, "/logout"); };
  await out();
  await go(page, "/login?next=/birthdays");
  await page.fill("#username", name);
  await page.fill("#password", PASSWORD);
  await press(page, "/login");
  is(page, "/login/code");
  await see("code");
  await page.fill("#code", "000000");
  await press(page, "/login/code");
  assert(await page.isVisible("#code-fault"));
  await see("wrong code");
  await page.fill("#code", codes[0]);
  await press(page, "/login/code");
  is(page, "/birthdays");
  await go(page, "/settings");
  await page.fill("#totp-password", PASSWORD);
  await page.fill("#code", codes[1]);
  await press(page, "/settings/totp/off");
  await see("settings after the second factor");

  // ---- The steps of an import ----
  const upload = async (file) => {
    await go(page, "/import");
    await page.setInputFiles("#file", { name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(file) });
    await press(page, "/import");
  };
  await upload("");
  await see("an empty file");
  await upload("\u0000\u0001 nothing");
  await see("a file that is none");
  await upload("Imię,Nazwisko,Telefon,Urodziny,Hobby,Pies,Kot,Auto\n" + "Łukasz,Żółć,+48 22 555 01 99,31.31.1990,chess,Azor,Filemon,Fiat\n".repeat(3));
  await see("columns");
  await page.selectOption('[name="map.0"]', "first_name");
  await page.click('.acts [value="look"]');
  await see("columns looked at");
  await page.click('[value="import"]');
  await see("imported");
  await upload("Оля;Коваль;0671234567;;нотатка\nІван;Мороз;0671234568;;ще\n");
  await see("a table without a header");
  await upload(`${"Q".repeat(100)};${"Колонка".repeat(9)};Щось;Ім'я\n${"знач".repeat(15)};a;b;c\n`);
  await see("long columns");
  await page.selectOption('[name="map.2"]', "labels");
  await page.press("#label", "Enter");
  assert.equal(await page.inputValue('[name="map.2"]'), "labels");
  is(page, "/import/found");
  const many = [...Array(120).keys()];
  await upload(`${many.map((n) => `Стовпець ${n}`).join(",")}\n${many.map((n) => `значення ${n}`).join(",")}`);
  await see("many columns");
  await page.fill('[name="map.0"]', reader.locale === "uk-UA" ? "Ім’я" : "First name");
  await page.click('[value^="columns."]');
  await see("other columns");
  await page.click('[value="import"]');
  await see("imported from many columns");
  const card = (n) => `BEGIN:VCARD\nVERSION:3.0\nFN:${n % 9 ? `Олена Бондаренко ${n}` : ""}\nBDAY:31.31.1990\nEND:VCARD\n`;
  await upload([...Array(90).keys()].map(card).join(""));
  await see("rows");
  await page.click('[value="rows.25"]');
  await see("other rows");
  await page.click('[value="import"]');
  await upload([...Array(90).keys()].map(card).join(""));
  await see("nothing new");

  // ---- Labels of entries that are one long word ----
  await go(page, "/contacts/new");
  await page.fill("#first_name", "Ada");
  await page.fill('[name="phones.0.value"]', "0671234567");
  await page.fill('[name="phones.0.label"]', "донаудампфшифф".repeat(3));
  await page.click("main .head button");
  await see("a long label");

  // ---- Many deleted, restored, taken back; a choice to merge ----
  await go(page, "/contacts?search=Бондаренко");
  for (const at of [0, 1, 2]) await page.check(`.rows input >> nth=${at}`);
  await page.click('[value="merge"]');
  await see("chosen to merge");
  await page.goBack();
  for (const at of [0, 1, 2]) await page.check(`.rows input >> nth=${at}`);
  await page.click('[value="delete"]');
  await see("deleted");
  await go(page, "/trash");
  await see("trash of many");
  // Enter on a box restores what is ticked, and nothing beside it.
  await page.check(".rows input >> nth=0");
  await page.press(".rows input >> nth=0", "Enter");
  await page.waitForSelector(".flash");
  assert.equal(await page.locator(".rows li").count(), 2);
  await page.click('[name="one"] >> nth=0');
  await see("one restored");
  await go(page, "/history");
  await see("history of many");
  await page.click(".stretches a.button >> nth=0");
  await see("rewind of many");
  await press(page, "/history/rewind");
  await see("rewound");
  await go(page, "/contacts?search=" + "nobody");
  await see("nothing found");
  await page.goto(`${API}/contacts?label=${"x".repeat(300)}`);
  await see("a label that there is not");
  await go(page, "/labels");
  await see("labels");

  // ---- Errors ----
  for (const path of ["/nowhere", "/contacts/999999999", "/contacts/x", "/admin", "/contacts?cursor=x", "/birthdays?from=x"]) {
    await go(page, path);
    await see(`error ${path}`);
  }
  await go(page, "/contacts/new");
  await page.fill("#first_name", "Lost");
  const cookies = await context.cookies();
  await context.clearCookies();
  await page.click("main .head button");
  await see("a session that ended");
  await context.addCookies(cookies);
  await go(page, "/import");
  writeFileSync(`${process.env.SHOTS}/big.csv`, Buffer.alloc(51 * 1024 * 1024, 97));
  await page.setInputFiles("#file", `${process.env.SHOTS}/big.csv`);
  await press(page, "/import");
  await page.waitForSelector("h1", { timeout: 30000 });
  await see("a file that is too large");

  // ---- Farewell ----
  await go(page, "/settings");
  await page.fill("#delete-password", PASSWORD);
  await press(page, "/settings/delete");
  is(page, "/farewell");
  await see("farewell");
  await context.close();
}

// ---- Administration ----
for (const reader of readers.slice(0, 2)) {
  const kind = `${reader.locale} ${reader.scheme} ${reader.width}`;
  const { page, context } = await person(reader);
  await signIn(page, "root");
  await go(page, "/admin");
  await check(page, "accounts", kind);
  await page.click(".things .pop summary >> nth=0");
  await check(page, "accounts with a menu", kind);
  const ann = page.locator('.things li:has(strong:text-is("ann"))');
  await page.keyboard.press("Escape");
  await go(page, "/admin?search=ann");
  await ann.locator("summary").click();
  await ann.locator('[value="delete"]').click();
  await check(page, "sure", kind);
  await page.click('.acts a.button');
  for (const action of ["disable", "enable"]) {
    await go(page, "/admin?search=ann");
    await ann.locator("summary").click();
    await ann.locator(`[value="${action}"]`).click();
    await check(page, `after ${action}`, kind);
  }
  await go(page, "/admin/events?user_id=1");
  await check(page, "events of one", kind);
  // The last admin stays one.
  await go(page, "/admin?search=root");
  await page.click(".things .pop summary >> nth=0");
  await page.click('button[value="user"]');
  await check(page, "the last admin", kind);
  await context.close();
}

// ---- Opened by another name of the server ----
for (const reader of readers.slice(0, 2)) {
  const { page, context } = await person({ ...reader, server: "http://" });
  await page.goto(`${API.replace("127.0.0.1", "localhost")}/login?next=/birthdays`);
  await page.fill("#username", "ann");
  await page.fill("#password", PASSWORD);
  await page.click("main button");
  await check(page, "opened by another name", `${reader.locale} ${reader.scheme} ${reader.width}`);
  await page.click("main a.button");
  is(page, "/login?next=/birthdays");
  await context.close();
}

// ---- Too many requests, and a server without its database ----
const listening = (it) => new Promise((done) => it.listen(0, "127.0.0.1", () => done(it.address().port)));
const taken = createServer();
const own = await listening(taken);
taken.close();
const database = new URL(process.env.DATABASE_URL);
const { port, hostname } = database;
const lines = new Set();
const wire = createServer((from) => {
  const to = connect(Number(port), hostname);
  for (const it of [from, to]) { lines.add(it); it.on("error", () => {}); it.on("close", () => { from.destroy(); to.destroy(); }); }
  from.pipe(to).pipe(from);
});
database.host = `127.0.0.1:${await listening(wire)}`;
const { RATE_LIMIT_EXEMPT, ...rest } = process.env;
const server = spawn(process.env.CONTACTD || "target/debug/contactd", ["serve"], {
  stdio: process.env.VERBOSE ? "inherit" : "ignore", env: { ...rest, DATABASE_URL: String(database), LISTEN_ADDR: `127.0.0.1:${own}`, RATE_LIMIT_LOGIN: "2/60" },
});
process.on("exit", () => server.kill());
const there = `http://127.0.0.1:${own}`;
for (let tries = 0; tries < 300 && !(await fetch(`${there}/readyz`).then((it) => it.ok, () => false)); tries++) await sleep(100);
const { page: first, context: firstContext } = await person({ server: there });
await first.goto(`${there}/login`);
await first.fill("#username", "ann");
await first.fill("#password", PASSWORD);
await first.click("main button");
await first.waitForURL(`${there}/contacts`);
const session = await firstContext.cookies();
await firstContext.close();
for (const reader of readers.slice(0, 2)) {
  const kind = `${reader.locale} ${reader.scheme} ${reader.width}`;
  const { page, context } = await person({ ...reader, server: there });
  const status = async (path, press) => {
    const [answer] = await Promise.all([page.waitForResponse((it) => it.request().resourceType() === "document"), press ? page.click(press) : page.goto(there + path)]);
    return answer.status();
  };
  let last = 0;
  for (let tries = 0; tries < 4 && last !== 429; tries++) {
    await page.goto(`${there}/login`);
    await page.fill("#username", "ann");
    await page.fill("#password", "wrong");
    last = await status("", "main button");
  }
  assert.equal(last, 429, "there is no limit");
  await check(page, "too many requests", kind);
  await context.close();
}
wire.close();
lines.forEach((it) => it.destroy());
for (const reader of readers.slice(0, 2)) {
  const { page, context } = await person({ ...reader, server: there });
  await context.addCookies(session);
  assert.equal((await page.goto(`${there}/contacts`)).status(), 503);
  await check(page, "without its database", `${reader.locale} ${reader.scheme}`);
  await context.close();
}
server.kill();

await finish("browser tests of rare pages");
