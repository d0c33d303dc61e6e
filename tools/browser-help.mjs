// What the tests in a browser share: people with a window each, and what holds of every page that they see.
import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_TOOLS}/package.json`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
export const { API, ADMIN, ANN, PASSWORD, MAIL_DIR, SHOTS } = process.env;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const troubles = [];
const bytesOf = async (path) => (await (await fetch(API + path)).arrayBuffer()).byteLength;
const STYLE_AND_SCRIPT = await bytesOf("/style.css") + await bytesOf("/app.js");
let pages = 0;
let last;
process.on("uncaughtException", async (error) => {
  console.error(error);
  console.error(last?.url(), (await last?.textContent("main", { timeout: 1000 }).catch(() => ""))?.slice(0, 600));
  process.exit(1);
});

/** A browser of one person, in which everything that should not be is noted. */
export async function person({ script = true, width = 1280, scheme = "light", locale = "en-GB", server = API } = {}) {
  const context = await browser.newContext({
    javaScriptEnabled: script, viewport: { width, height: width < 700 ? 740 : 900 }, colorScheme: scheme, locale, timezoneId: "Europe/Kyiv",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10000);
  last = page;
  page.withoutScript = !script;
  page.on("console", (it) => {
    // The browser itself says when an answer was an error.
    if (["error", "warning"].includes(it.type()) && !/status of (4\d\d|503)/.test(it.text())) troubles.push(`${page.url()}: ${it.text()}`);
  });
  page.on("response", (it) => {
    if (it.request().resourceType() === "document" && it.status() !== 303) page.bytes = it.body().then((body) => body.length, () => 0);
  });
  page.on("pageerror", (error) => troubles.push(`${page.url()}: ${error}`));
  page.on("request", (it) => { if (!it.url().startsWith(server)) troubles.push(`asked elsewhere: ${it.url()}`); });
  return { page, context };
}
export const go = (page, path) => page.goto(API + path);
export const heading = async (page, text) => assert.equal((await page.textContent("h1")).trim(), text, page.url());

/** Holds of every page: nothing serious for axe, not wider than the window and nothing left of it, nothing jumps, at most 60 kB. */
const judged = new Set();
export async function check(page, name, kind = "") {
  pages += 1;
  if (process.env.VERBOSE) console.log(new Date().toISOString(), name);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert(wide <= 0, `${name} is ${wide} px too wide`);
  const left = await page.evaluate(() => [...document.querySelectorAll("main *")].find((it) => it.checkVisibility() && it.getBoundingClientRect().left < -1)?.outerHTML.slice(0, 200));
  assert(!left, `${name} has something left of the window: ${left}`);
  const bytes = (await page.bytes) + STYLE_AND_SCRIPT;
  assert(bytes <= 60000, `${name} has ${bytes} bytes with its style and script`);
  if (page.withoutScript) return; // no timers there, which the rest needs
  const shift = await page.evaluate(() => new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((it) => { if (!it.hadRecentInput) sum += it.value; })).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 50);
  }));
  assert(shift < 0.01, `${name} jumps: ${shift}`);
  // What axe says of a page depends on its content and colours, and takes a second.
  if (judged.has(`${name} ${kind}`)) return;
  judged.add(`${name} ${kind}`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  const serious = violations.filter((it) => ["serious", "critical"].includes(it.impact));
  assert.deepEqual(serious.map((it) => `${it.id}: ${it.nodes[0].html}`), [], name);
}
export const shot = (page, name) => page.screenshot({ path: `${SHOTS}/${name}.png` });

const seen = new Set();
export async function link(kind, name) {
  for (let tries = 0; tries < 200; tries++) {
    for (const file of readdirSync(MAIL_DIR).filter((it) => it.endsWith(".eml") && !seen.has(it))) {
      const raw = readFileSync(`${MAIL_DIR}/${file}`, "utf8");
      // Mails in English are quoted-printable, others in base 64.
      const plain = raw.replace(/\r\n\r\n((?:[A-Za-z0-9+/]+=*\r\n)+)/g, (_, text) => `\r\n\r\n${Buffer.from(text, "base64")}\r\n`);
      const mail = plain.replaceAll("=\r\n", "").replaceAll("=3D", "=");
      const found = mail.match(new RegExp(`http:\\S+/${kind}/\\S+`));
      if (found && mail.includes(`To: ${name}@example.com`)) { seen.add(file); return found[0]; }
    }
    await sleep(50);
  }
  throw new Error(`no mail with ${kind}`);
}

export async function signIn(page, name, password = PASSWORD) {
  await go(page, "/login");
  await page.fill("#username", name);
  await page.fill("#password", password);
  await page.click("main button");
  await page.waitForURL(`${API}/contacts`);
}

export const ask = async (path, token, method = "GET", body) => {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const answer = await fetch(API + path, { method, headers, body: body && JSON.stringify(body) });
  return answer.status === 204 ? null : answer.json();
};
export const token = async (name) => (await ask("/api/auth/login", null, "POST", { username: name, password: PASSWORD })).access_token;

const FIRST = ["Олена", "Jürgen", "Grace", "Łukasz", "محمد", "Chloé", "Taras", "Ada", "山田", "Zoë"];
const LAST = ["Бондаренко", "Müller", "Hopper", "Żółć", "الأحمد", "Dupont", "Shevchenko", "Lovelace", "太郎", "Ødegård"];
export function csv(count) {
  const rows = [...Array(count).keys()].map((n) => `${FIRST[n % 10]},${LAST[Math.floor(n / 10) % 10]} ${n},person${n}@example.com,+380 44 555 ${String(1000 + n)},19${50 + (n % 50)}-${String((n % 12) + 1).padStart(2, "0")}-15`);
  return ["First Name,Last Name,E-mail 1 - Value,Phone 1 - Value,Birthday", ...rows].join("\n");
}

/** Ends the run, which failed if the browser had something to complain about. */
export async function finish(what) {
  assert.deepEqual(troubles, [], "the browser complains");
  await browser.close();
  console.log(`${what}: passed; ${pages} pages looked at, pictures in ${SHOTS}`);
}
