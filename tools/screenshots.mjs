// The pictures in docs/images/: pages wide and light, and narrow and dark. Run by tools/screenshots.
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_TOOLS}/package.json`);
const { chromium } = require("playwright-core");
const { API, ANN, PASSWORD, SHOTS } = process.env;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
const windows = {
  wide: { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  narrow: { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
};

async function ask(path, body, token) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const answer = await fetch(API + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const { access_token: token } = await ask("/api/auth/login", { username: ANN, password: PASSWORD });
const soon = (days, year) => {
  const day = new Date(Date.now() + days * 86400000).toISOString().slice(4, 10);
  return year ? year + day : `-${day}`;
};
// Invented people.
const people = [
  { first_name: "Ada", last_name: "Novak", organization: "Harbour Works", email: "ada.novak@example.com", phone: "+49 30 1234567", birthday: soon(3, 1984), labels: ["work", "sailing"] },
  { first_name: "Олена", last_name: "Бондаренко", email: "olena@example.net", phone: "+380 44 234 5678", birthday: soon(9, 1991), labels: ["family"] },
  { first_name: "Bruno", last_name: "Castelli", organization: "Trattoria da Bruno", phone: "+39 06 555 0134", labels: ["friends"] },
  { first_name: "Chidi", last_name: "Okafor", organization: "Lighthouse School", email: "chidi.okafor@example.org", birthday: soon(21, 1979), labels: ["work"] },
  { first_name: "Freya", last_name: "Lindqvist", email: "freya@example.com", phone: "+46 8 555 019", birthday: soon(40), labels: ["friends", "sailing"] },
  { first_name: "Haruki", last_name: "Tanaka", organization: "Tanaka Optics", email: "h.tanaka@example.jp", phone: "+81 3 5550 1234", labels: ["work"] },
  { first_name: "Inès", last_name: "Moreau", phone: "+33 1 55 50 12 34", birthday: soon(62, 2015), labels: ["family"] },
  { first_name: "Marta", last_name: "Nowak", email: "marta.nowak@example.pl", labels: ["family"] },
  { first_name: "Omar", last_name: "Haddad", organization: "Haddad & Sons", phone: "+961 1 555 012", labels: [] },
  { first_name: "Priya", last_name: "Raman", email: "priya@example.in", phone: "+91 22 5550 1234", birthday: soon(88, 1988), labels: ["friends"] },
];
for (const one of people) await ask("/api/contacts", one, token);
const { id } = await ask("/api/contacts", {
  prefix: "Dr.", first_name: "Jürgen", last_name: "Müller", nickname: "Jojo", organization: "Example GmbH", department: "Research", job_title: "Head of Optics",
  emails: [{ value: "j.mueller@example.com", label: "work" }, { value: "jojo@example.net", label: "home" }],
  phones: [{ value: "+49 30 7654321", label: "work" }, { value: "+49 170 555 0199", label: "boat house" }],
  addresses: [{ label: "home", street: "Lindenstr. 5", postal_code: "10969", city: "Berlin", country: "Germany" }],
  birthday: soon(12, 1984), dates: [{ value: "2015-05-16", label: "anniversary" }], relations: [{ value: "Anna Müller", label: "sister" }],
  urls: [{ value: "https://mueller.example", label: "blog" }], additional_data: "Met in Oslo; allergic to nuts.", labels: ["family", "sailing"],
}, token);
await ask("/api/contacts", { first_name: "Jürgen", last_name: "Müller", phone: "+49 170 5550199" }, token);

const pages = {
  contacts: "/contacts", contact: `/contacts/${id}`, edit: `/contacts/${id}/edit`, birthdays: "/birthdays", duplicates: "/duplicates",
  import: "/import", connect: "/settings/connect", history: "/history", settings: "/settings", docs: "/docs",
};
for (const [size, options] of Object.entries(windows)) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(`${API}/login`);
  await page.fill("[name=username]", ANN);
  await page.fill("[name=password]", PASSWORD);
  await Promise.all([page.waitForURL("**/contacts**"), page.click("main form button[type=submit]")]);
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(API + path);
    await page.screenshot({ path: `${SHOTS}/${name}-${size}.png` });
  }
  await context.close();
}
await browser.close();
