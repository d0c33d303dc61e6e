// The pictures in docs/images/: pages of a small book of invented people, on a desk in light and on a phone in dark. Run by
// tools/screenshots.
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_TOOLS}/package.json`);
const { chromium } = require("playwright-core");
const { API, ANN, PASSWORD, SHOTS } = process.env;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
const windows = {
  wide: { viewport: { width: 1280, height: 860 }, colorScheme: "light" },
  narrow: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: "dark" },
};

const headers = { "Content-Type": "application/json" };
const ask = async (path, body, method = "POST") => {
  const answer = await fetch(API + path, { method, headers, body: JSON.stringify(body) });
  return answer.status === 204 ? null : answer.json();
};
headers.Authorization = `Bearer ${(await ask("/api/auth/login", { username: "ann", password: PASSWORD })).access_token}`;

// ---- People ----

const today = new Date();
const soon = (days, year) => {
  const day = new Date(today.getTime() + days * 86400000).toISOString().slice(4, 10);
  return day === "-02-29" ? `${year}-02-28` : year + day;
};
const home = (street, postal_code, city, country) => [{ label: "home", primary: true, street, postal_code, city, country }];
const people = [
  { first_name: "Олена", last_name: "Бондаренко", organization: "Київський зоопарк", job_title: "Ветеринарка", phone: "+380 67 123 45 67", email: "olena@example.com", birthday: soon(3, 1988), labels: ["family", "Kyiv"] },
  { first_name: "Chloé", last_name: "Dupont", organization: "Librairie Dupont", phone: "+33 1 55 55 01 99", email: "chloe@example.fr", labels: ["choir"] },
  { first_name: "Grace", last_name: "Hopper", organization: "US Navy", phone: "+1 202 555 0123", email: "grace@example.com", birthday: soon(11, 1906), labels: ["work"] },
  { first_name: "Ada", last_name: "Lovelace", email: "ada@analytical.example", phone: "+44 20 7946 0958", birthday: soon(12, 1990), labels: ["work", "choir"] },
  {
    prefix: "Dr.", first_name: "Jürgen", last_name: "Müller", nickname: "Jojo", organization: "Example GmbH", department: "Research", job_title: "Head of Optics",
    emails: [{ value: "j.mueller@example.com", label: "work", primary: true }, { value: "jojo@example.net", label: "home" }],
    phones: [{ value: "+49 30 1234567", label: "work", primary: true }, { value: "+49 33 000", label: "boat house" }],
    addresses: home("Lindenstr. 5", "10969", "Berlin", "Germany"), birthday: soon(40, 1984), dates: [{ value: "2015-05-16", label: "anniversary" }],
    relations: [{ value: "Anna Müller", label: "sister" }], urls: [{ value: "https://mueller.example", label: "blog" }], additional_data: "Met in Oslo; allergic to nuts.", labels: ["family", "work"],
  },
  { first_name: "Taras", last_name: "Shevchenko", organization: "Kobzar Press", phone: "+380 44 555 01 23", email: "taras@example.com", birthday: soon(71, 1979), labels: ["Kyiv"] },
  { first_name: "Łukasz", last_name: "Żółć", phone: "+48 22 555 01 99", email: "lukasz@example.pl", birthday: soon(16, 1995), labels: ["choir", "family"] },
  { organization: "Bakery at the corner", phone: "+49 30 555 0142", labels: [] },
  { first_name: "Zoë", last_name: "Ødegård", organization: "Oslo Opera", phone: "+47 21 55 01 00", email: "zoe@example.no", birthday: soon(24, 1992), labels: ["choir"] },
  { first_name: "Nadia", last_name: "Haddad", organization: "Radio Beirut", phone: "+961 1 555 019", email: "nadia@example.org", labels: ["work"] },
  { first_name: "Ivan", last_name: "Franko", email: "ivan@example.com", phone: "+380 32 555 01 77", birthday: soon(55, 1986), labels: ["Kyiv", "family"] },
  { first_name: "Maya", last_name: "Okafor", organization: "Lagos Maps", phone: "+234 1 555 0188", email: "maya@example.ng", labels: [] },
];
const ids = [];
for (const person of people) ids.push((await ask("/api/contacts", person)).id);

// Portraits: a head and shoulders in two colours each.
const painter = await browser.newPage();
for (const [at, id] of ids.entries()) {
  if (at % 2 || people[at].last_name === undefined) continue;
  const png = await painter.evaluate(({ hue }) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 240;
    const pen = canvas.getContext("2d");
    const sky = pen.createLinearGradient(0, 0, 240, 240);
    sky.addColorStop(0, `hsl(${hue} 55% 78%)`);
    sky.addColorStop(1, `hsl(${hue + 40} 50% 58%)`);
    pen.fillStyle = sky;
    pen.fillRect(0, 0, 240, 240);
    pen.fillStyle = `hsl(${hue + 190} 30% 30%)`;
    pen.beginPath();
    pen.ellipse(120, 245, 92, 88, 0, 0, 7);
    pen.fill();
    pen.fillStyle = "hsl(28 45% 72%)";
    pen.beginPath();
    pen.ellipse(120, 108, 46, 56, 0, 0, 7);
    pen.fill();
    pen.fillStyle = `hsl(${hue + 20} 30% 22%)`;
    pen.beginPath();
    pen.ellipse(120, 78, 52, 40, 0, Math.PI, 7);
    pen.fill();
    return canvas.toDataURL().split(",")[1];
  }, { hue: (at * 67) % 360 });
  await fetch(`${API}/api/contacts/${id}/photo`, { method: "PUT", headers: { ...headers, "Content-Type": "image/png" }, body: Buffer.from(png, "base64") });
}
await ask(`/api/contacts/${ids[4]}`, { job_title: "Head of Research" }, "PATCH");

// ---- Pictures ----

for (const [size, options] of Object.entries(windows)) {
  const context = await browser.newContext({ ...options, locale: "en-GB", timezoneId: "Europe/Kyiv" });
  const page = await context.newPage();
  const shot = async (name) => {
    // Faces may still be on their way; those below the window never come.
    await page.evaluate(() => {
      const seen = [...document.images].filter((it) => it.getBoundingClientRect().top < innerHeight);
      return Promise.all(seen.map((it) => it.decode()));
    });
    await page.screenshot({ path: `${SHOTS}/${name}-${size}.png` });
  };
  if (size === "wide") {
    await page.goto(`${API}/docs`);
    await page.fill("#name", ANN);
    await page.fill("#password", PASSWORD);
    await page.click("text=Authorize");
    await page.waitForSelector("text=Signed in as");
    await page.fill("#find", "create a contact");
    await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
    await shot("docs");
  }
  await page.goto(`${API}/login`);
  await page.fill("#username", "ann");
  await page.fill("#password", PASSWORD);
  await page.click("main button");
  await page.waitForURL(`${API}/contacts`);
  await shot("contacts");
  await page.goto(`${API}/contacts/${ids[4]}`);
  await shot("contact");
  if (size === "narrow") {
    await page.goto(`${API}/birthdays`);
    await shot("birthdays");
  }
  await page.goto(`${API}/settings/connect`);
  await page.fill("#name", size === "wide" ? "my laptop" : "my phone");
  await page.fill("#password", PASSWORD);
  await page.click("text=Make a password");
  await page.waitForSelector("#secret");
  await shot("connect");
  await context.close();
}
await browser.close();
