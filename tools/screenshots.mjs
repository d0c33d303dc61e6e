// The pictures in docs/images/: each page narrow and dark, and wide and light. Run by tools/screenshots.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_TOOLS}/package.json`);
const { chromium } = require("playwright-core");
const { API, ANN, PASSWORD, MAIL_DIR, SHOTS } = process.env;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
const windows = {
  wide: { viewport: { width: 1280, height: 1000 }, colorScheme: "light" },
  narrow: { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
};

const ask = (path, body) =>
  fetch(API + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

// The link of the newest mail of a kind, once it is there.
async function link(kind) {
  for (let tries = 0; tries < 200; tries++) {
    const mails = readdirSync(MAIL_DIR).filter((name) => name.endsWith(".eml"));
    const links = mails.map((name) => readFileSync(`${MAIL_DIR}/${name}`, "utf8").match(new RegExp(`^http:\\S+/${kind}/\\S+$`, "m")));
    // Ann's own link was used before this began.
    const fresh = links.filter((it) => it).map((it) => it[0].trim());
    for (const found of fresh) if ((await fetch(found)).status === 200) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`no mail with ${kind}`);
}

await ask("/api/auth/register", { username: "bob", email: "bob@example.com", password: PASSWORD });
await ask("/api/auth/request-password-reset", { email: ANN });
const pages = { landing: API, docs: `${API}/docs`, confirm: await link("confirmed_email"), password: await link("reset-password") };

for (const [size, options] of Object.entries(windows)) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  for (const [name, url] of Object.entries(pages)) {
    await page.goto(url);
    if (name === "docs") {
      await page.fill("#name", ANN);
      await page.fill("#password", PASSWORD);
      await page.click("text=Authorize");
      await page.waitForSelector("text=Signed in as");
      await page.click("#create_contact > summary");
      await page.click("#create_contact .try button[type=submit]");
      await page.waitForSelector("#create_contact .answer strong");
      await page.evaluate(() => document.activeElement.blur());
      if (size === "wide") await page.fill("#find", "create a contact");
      await page.evaluate(() => scrollTo(0, 0));
    }
    if (name === "password") await page.fill("#password", "four words in a row");
    const { width, height } = page.viewportSize();
    // The other pages are short: no picture of an empty half.
    const clip = { x: 0, y: 0, width, height: name === "docs" ? height : 560 };
    await page.screenshot({ clip, path: `${SHOTS}/${name}-${size}.png` });
  }
  await context.close();
}
await browser.close();
