// /docs in a real browser: sign in, create a contact, see it listed; nothing asked elsewhere, nothing refused by the
// policy, nothing wider than a phone. Pictures go to SHOTS. Run by tools/browser-docs beside tools/live-server.
import { strict as assert } from "node:assert";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_TOOLS}/package.json`);
const { chromium } = require("playwright-core");
const { API, ANN, PASSWORD, SHOTS } = process.env;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });

async function open(options, path = "/docs") {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const troubles = [];
  page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("request", (request) => { if (!request.url().startsWith(API) && !request.url().startsWith("data:")) troubles.push(request.url()); });
  await page.goto(API + path);
  return { page, troubles, context };
}

async function shot(page, name, fullPage = false) {
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage });
}

const wide = { viewport: { width: 1100, height: 900 }, colorScheme: "light" };
const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: "dark" };

for (const [name, options] of Object.entries({ "wide-light": wide, "wide-dark": { ...wide, colorScheme: "dark" }, "narrow-dark": phone, "narrow-light": { ...phone, colorScheme: "light" } })) {
  const { page, troubles, context } = await open(options);
  await page.waitForSelector("#session form");
  await shot(page, `docs-${name}`);

  // A wrong password is told.
  await page.fill("#name", ANN);
  await page.fill("#password", "wrong password");
  await page.click("text=Authorize");
  await page.waitForSelector(".session .error");
  assert.equal(await page.textContent(".session .error"), "Invalid username or password");
  troubles.length = 0; // the browser logs the 401

  await page.fill("#password", PASSWORD);
  await page.click("text=Authorize");
  await page.waitForSelector("text=Signed in as");

  // Create a contact with the example body.
  await page.click("#create_contact > summary");
  await page.click("#create_contact .try button[type=submit]");
  await page.waitForSelector("#create_contact .answer strong");
  assert.match(await page.textContent("#create_contact .answer strong"), /^201/);
  const created = JSON.parse(await page.textContent("#create_contact .answer pre.body"));
  await page.locator("#create_contact").scrollIntoViewIfNeeded();
  await shot(page, `docs-${name}-create`);

  // See it listed: a filter by name.
  await page.click("#list_contacts > summary");
  await page.fill("#list_contacts-search", "smith");
  await page.selectOption("#list_contacts-sort", "-created_at");
  await page.click("#list_contacts .try button[type=submit]");
  await page.waitForSelector("#list_contacts .answer strong");
  const list = JSON.parse(await page.textContent("#list_contacts .answer pre.body"));
  assert.deepEqual(list[0], created);
  await shot(page, `docs-${name}-list`);

  // Read it through the path.
  await page.click("#get_contact > summary");
  await page.fill("#get_contact-id", String(created.id));
  await page.click("#get_contact .try button[type=submit]");
  await page.waitForSelector("#get_contact .answer strong");
  assert.deepEqual(JSON.parse(await page.textContent("#get_contact .answer pre.body")), created);

  // Every call opens, and nothing is wider than the window.
  await page.evaluate(() => document.querySelectorAll("details").forEach((it) => { it.open = true; }));
  await page.waitForTimeout(200);
  await page.evaluate(() => document.querySelectorAll("details").forEach((it) => { it.open = true; }));
  const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(width <= inner, `${name}: ${width} > ${inner}`);
  const unnamed = await page.evaluate(() => [...document.querySelectorAll("input, select, textarea")].filter((it) => !it.labels.length).length);
  assert.equal(unnamed, 0, "every field has a label");
  await page.evaluate(() => document.querySelectorAll("details").forEach((it) => { it.open = false; }));

  // The search hides what does not fit.
  await page.fill("#find", "birthday");
  assert.equal(await page.locator(".call:visible").count(), await page.locator('.call[data-words*="birthday"]').count());
  assert.deepEqual(troubles, [], name);
  await context.close();
}

for (const [name, options] of Object.entries({ "wide-light": wide, "narrow-dark": phone })) {
  const { page, troubles, context } = await open(options, "/");
  await shot(page, `landing-${name}`);
  await page.click("text=For programs: the API");
  await page.waitForSelector("#session form");
  assert.deepEqual(troubles, []);
  await context.close();
}
await browser.close();
console.log("/docs in the browser: ok");
