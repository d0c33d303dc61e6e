// Goes through the pages as people would: registers, brings contacts in, finds one, labels two, merges a double, connects a
// phone, takes everything back. Run by tools/browser-tests beside tools/live-server.
import { strict as assert } from "node:assert";
import { API, PASSWORD, ask, check, csv, finish, go, heading, link, person, shot, signIn, token } from "./browser-help.mjs";

/** As it is printed on A4 the page has the whole width, names stand in one line, and nothing is there to be pressed. */
async function onPaper(page) {
  const window = page.viewportSize();
  await page.setViewportSize({ width: 718, height: 1047 });
  await page.emulateMedia({ media: "print" });
  const [wide, tall] = await page.evaluate(() => [document.querySelector("main").offsetWidth, Math.max(...[...document.querySelectorAll(".rows .name")].map((it) => it.offsetHeight))]);
  assert(wide > 650 && tall > 0 && tall < 40, `${page.url()} is printed ${wide} px wide, with a name ${tall} px high`);
  assert(!(await page.isVisible("nav.main")) && !(await page.isVisible(".top")));
  await page.emulateMedia({ media: null });
  await page.setViewportSize(window);
}

// ---- Five minutes of somebody new, with the script and without --------------------------------------------------------

for (const script of [true, false]) {
  const name = script ? "carol" : "dave";
  const { page, context } = await person({ script });
  await go(page, "/");
  await check(page, "welcome");
  await page.click("text=Create an account");
  await page.fill("#username", name);
  await page.fill("#email", `${name}@example.com`);
  await page.fill("#password", "password123");
  await page.click("main button");
  assert.match(await page.textContent("#password-fault"), /most common/);
  assert.equal(await page.inputValue("#username"), name, "what was typed is lost");
  await check(page, "register with a fault");
  await page.fill("#password", PASSWORD);
  await page.click("main button");
  await heading(page, "Look into your mailbox");
  await page.goto(await link("confirmed_email", name));
  await heading(page, "Confirm your address");
  await check(page, "confirm");
  await page.click("main button");
  await heading(page, "Your address is confirmed");
  await page.click("main a.button");
  await page.fill("#username", name);
  await page.fill("#password", "wrong");
  await page.click("main button");
  assert.match(await page.textContent("[role=alert]"), /Invalid username or password/);
  await page.fill("#password", PASSWORD);
  await page.click("main button");
  await page.waitForURL(`${API}/contacts`);
  await check(page, "the empty book");
  if (script) await shot(page, "empty");

  // Import 300 people, and take a look before
  await page.click(".choices >> text=Import");
  await page.setInputFiles("#file", { name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(csv(300)) });
  await page.fill("#label", "old book");
  await page.click("text=Preview");
  await page.waitForURL(`${API}/import/found`);
  await check(page, "what is in the file");
  await page.click("text=Import 300 contacts");
  await page.waitForURL(`${API}/contacts`);
  assert.match(await page.textContent(".flash"), /300 contacts were imported/);
  await check(page, "the list");
  assert.equal(await page.isVisible("#page"), script, "a box that does nothing");
  assert.match(await page.textContent(".count"), /300 contacts/);

  // Find one
  await page.fill("#search", "ada lovelace 177");
  if (script) { // told to screen readers, too
    await page.waitForFunction(() => document.querySelector("#said").textContent === "1 contact");
    await page.fill("#search", "nobody is called so");
    await page.waitForFunction(() => document.querySelector("#said").textContent === "Nothing found");
    await page.fill("#search", "ada lovelace 177");
    await page.waitForFunction(() => document.querySelectorAll(".rows li").length === 1);
  }
  else await page.press("#search", "Enter");
  assert.equal(await page.locator(".rows li").count(), 1);
  await page.click(".rows a.name");
  await page.waitForURL(/\/contacts\/\d+$/);
  await heading(page, "Ada Lovelace 177");
  await check(page, "a contact");

  // Edit: another number, a birthday without a year
  await page.click("main >> text=Edit");
  await page.click("[data-list=addresses] [data-add]");
  const list = await page.locator("[data-list=addresses]").boundingBox();
  assert(list.y > 0 && list.y < 700, `the new row is out of sight: ${list.y}`);
  await page.click("[data-list=phones] [data-add]");
  await page.fill('[name="phones.1.value"]', "+49 30 7654321");
  await page.fill('[name="phones.1.label"]', "boat house");
  await page.fill('[name="birthday"]', "5/6");
  if (script) await page.click(".more summary"); // else it was opened with the new row
  await page.click("[data-list=dates] [data-add]");
  const hint = await page.getAttribute('[name="dates.1.value"]', "aria-describedby");
  assert.match(await page.locator(`[id="${hint}"]`).textContent(), /17 May/, "a new row does not say how a date is written");
  await check(page, "edit");
  await page.fill('[name="phones.0.value"]', "12");
  await page.click("text=Save");
  assert.match(await page.textContent('[id="phones.0.value-fault"]'), /digits|characters/);
  assert.equal(await page.inputValue('[name="phones.1.label"]'), "boat house", "what was typed is lost");
  assert.match(await page.textContent("#birthday-fault"), /two days/);
  await page.fill('[name="birthday"]', "5.6.");
  await page.fill('[name="phones.0.value"]', "+380 44 555 1177");
  if (script) { // a photo is cut to a square
    const png = await page.evaluate(() => Object.assign(document.createElement("canvas"), { width: 60, height: 30 }).toDataURL().split(",")[1]);
    await page.setInputFiles("#photo", { name: "wide.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") });
    await page.waitForSelector(".crop canvas");
    await page.waitForFunction(() => document.querySelector("#photo").files[0]?.name === "photo.jpg");
  }
  await page.click("text=Save");
  await page.waitForURL(/\/contacts\/\d+$/);
  assert.match(await page.textContent(".facts"), /boat house/);
  const path = new URL(page.url()).pathname;
  if (script) assert.equal(await page.evaluate(async (photo) => {
    const { width, height } = await createImageBitmap(await (await fetch(photo)).blob());
    return width - height;
  }, `${path}/photo`), 0, "the photo is no square");

  // Give two a label
  await go(page, "/contacts?search=Grace");
  const boxes = page.locator('.rows input[name="ids"]');
  await boxes.nth(0).check();
  await boxes.nth(1).check();
  if (script) assert.match(await page.textContent(".count"), /2 selected/);
  await page.click(".bar .pop summary");
  await page.fill("#bulk-label", "navy");
  await page.click("text=Add");
  await page.waitForURL(/\/contacts/);
  assert.match(await page.textContent(".flash"), /2 contacts got the label “navy”/);
  await page.click(".labels >> text=navy");
  assert.equal(await page.locator(".rows li").count(), 2);
  if (script) { // the title follows the search
    await page.fill("#search", "Grace");
    await page.waitForFunction(() => document.title.startsWith("Contacts"));
    await page.goBack();
    await page.click(".labels >> text=navy");
  }
  await check(page, "a label");
  await page.click("text=Change label");
  await check(page, "a label that changes");
  await page.fill("#to", "sea");
  await page.click("text=Rename");
  await page.waitForURL(`${API}/contacts?label=sea`);
  assert.match(await page.textContent(".flash"), /is called “sea” now/);
  assert.equal(await page.locator(".rows li").count(), 2);

  // What is selected stays so while more is looked for; no single key deletes; the list can be printed
  if (script) {
    await go(page, "/contacts");
    const first = await page.textContent(".rows a.name >> nth=0");
    await page.check(".rows input >> nth=0");
    assert(await page.isDisabled('.bar [value="merge"]'), "one alone can be merged");
    await page.fill("#search", "ada lovelace 177");
    await page.waitForFunction(() => document.querySelectorAll(".rows li").length === 2);
    assert.equal(await page.textContent(".rows a.name >> nth=0"), first);
    await page.check(".rows input >> nth=1");
    assert.match(await page.textContent(".count"), /2 selected/);
    assert(!(await page.isDisabled('.bar [value="merge"]')), "two cannot be merged");
    await page.focus(".rows a.name >> nth=0");
    for (const key of ["Delete", "Backspace", ..."abcdfghilmopqrstuvwyz#!"]) await page.keyboard.press(key);
    assert.equal(await page.locator(".rows li").count(), 2, "a single key does something");
    await onPaper(page);
  }

  // Merge a double
  const api = await token(name);
  for (const title of ["Admiral", "Commodore"]) {
    await ask("/api/contacts", api, "POST", { first_name: "Double", last_name: "Trouble", job_title: title, email: "double@example.com" });
  }
  await page.click("nav >> text=Duplicates");
  await check(page, "duplicates");
  if (script) await shot(page, "duplicates");
  await page.check("label:has-text('Commodore') input");
  await page.click("text=Merge 2");
  await page.waitForURL(`${API}/duplicates`);
  assert.match(await page.textContent(".flash"), /Merged/);
  for (const name of ["Twin", "Twin", "Peer", "Peer"]) await ask("/api/contacts", api, "POST", { first_name: name, email: `${name}@example.com` });
  await go(page, "/duplicates");
  await check(page, "likely duplicates");
  await page.click("text=Merge all 2 likely groups");
  await page.waitForURL(`${API}/duplicates`);
  assert.match(await page.textContent(".flash"), /2 groups were merged/);
  await go(page, "/contacts?search=Double");
  await page.click(".rows a.name");
  await page.waitForURL(/\/contacts\/\d+$/);
  assert.match(await page.textContent("main"), /Commodore/);

  // Delete, undo, and what the history says
  await page.click("text=Delete");
  await page.waitForURL(`${API}/contacts`);
  await page.click(".flash >> text=Undo");
  await page.waitForURL(`${API}/contacts`);
  assert.match(await page.textContent(".flash"), /The change was undone/);
  await go(page, "/history");
  await check(page, "history");
  await page.click("text=Back to before this >> nth=0");
  await check(page, "rewind");
  await go(page, "/trash");
  await check(page, "trash");
  await go(page, "/birthdays");
  await check(page, "birthdays");
  if (script) await onPaper(page);
  await page.click("text=Make an address");
  assert.match(await page.textContent("#calendar-url"), /\/calendars\/.*\.ics$/);

  // Connect a phone
  await page.click(".menu summary");
  await page.click(".menu >> text=Connect a phone");
  await check(page, "connect");
  await page.fill("#name", "my phone");
  await page.fill("#password", PASSWORD);
  await page.click("text=Make a password");
  await page.waitForSelector("#secret");
  await check(page, "connected");
  const secret = await page.textContent("#secret");
  if (script) {
    await page.click('[data-copy="secret"]');
    await page.waitForFunction(() => document.querySelector('[data-copy="secret"]').textContent === "Copied");
  }
  const basic = Buffer.from(`${name}:${secret}`).toString("base64");
  const dav = await fetch(`${API}/dav/`, { method: "PROPFIND", headers: { Authorization: `Basic ${basic}`, Depth: "0" } });
  assert.equal(dav.status, 207, "the new password does not open CardDAV");
  for (const other of ["/settings", "/import", "/export", "/contacts/new", path]) {
    await go(page, other);
    await check(page, other);
  }

  // A contact that two change
  const { page: second, context: secondContext } = await person({ script });
  await signIn(second, name);
  await go(page, `${path}/edit`);
  await go(second, `${path}/edit`);
  await second.fill("#last_name", "Second");
  await second.click("text=Save");
  await second.waitForURL(API + path);
  await page.fill("#last_name", "First");
  await page.click("text=Save");
  const both = await page.textContent("[role=alert]");
  assert(/Second/.test(both) && /First/.test(both), both);
  await check(page, "conflict");
  await page.click("text=Save");
  await page.waitForURL(API + path);
  assert.match(await page.textContent("h1"), /First/);
  await secondContext.close();

  // Out
  await page.click(".menu summary");
  await page.click("text=Sign out");
  await page.waitForURL(`${API}/`);
  await go(page, "/contacts");
  assert.match(page.url(), /\/login\?next=/);
  await context.close();
}

// ---- By keyboard alone, from the sign-in page to a merged duplicate ----------------------------------------------------
{
  const { page, context } = await person();
  const api = await token("carol");
  for (const phone of ["+1 202 555 0123", "+1 202 555 0123"]) await ask("/api/contacts", api, "POST", { first_name: "Key", last_name: "Board", phone });
  const focused = (selector) => page.evaluate((it) => document.activeElement?.matches(it), selector);
  const tabTo = async (selector) => {
    for (let tries = 0; tries < 150; tries++) {
      if (await focused(selector)) {
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement, "::after").outlineStyle);
        assert.match(outline, /solid|auto/, `the focus on ${selector} cannot be seen`);
        return;
      }
      await page.keyboard.press("Tab");
    }
    throw new Error(`Tab does not reach ${selector}`);
  };
  const press = async (key, url) => { await Promise.all([url && page.waitForURL(url), page.keyboard.press(key)]); };
  await go(page, "/login");
  await page.keyboard.type("carol");
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await press("Enter", `${API}/contacts`);
  await press("/");
  assert(await focused("#search"), "/ does not search");
  await page.keyboard.type("key board");
  await page.waitForFunction(() => document.querySelectorAll(".rows li").length === 2);
  await press("Escape");
  await press("j");
  assert(await focused(".rows li:first-child a.name"), "j does not go down");
  await press("x");
  assert.match(await page.textContent(".count"), /1 selected/);
  await press("x");
  // A choice alone sends nothing (WCAG 3.2.2).
  await page.focus("#sort");
  await press("ArrowDown");
  assert.equal(await page.inputValue("#sort"), "-name");
  await press("Tab");
  await press("Enter", /sort=-name/);
  await page.goBack();
  await page.waitForURL(/search=key/);
  await press("Escape");
  await press("j");
  await press("k");
  await press("?");
  assert(await page.isVisible("#keys"), "? does not show the keys");
  await press("Escape");
  await press("Enter", /\/contacts\/\d+$/);
  await press("e", /\/edit$/);
  await page.goBack();
  await page.keyboard.press("Escape");
  await tabTo('nav.main a[href="/duplicates"]');
  await press("Enter", `${API}/duplicates`);
  await tabTo("form.panel button.main");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".flash");
  assert.match(await page.textContent(".flash"), /Merged/);
  await press("n", /\/contacts\/new$/);
  await context.close();
}

// ---- On a phone with a keyboard: what has the focus is not under a bar (WCAG 2.4.11) -------------------------------------
{
  const { page, context } = await person({ width: 320 });
  await signIn(page, "carol");
  const first = await page.getAttribute(".rows a.name", "href");
  for (const path of ["/contacts", `${first}/edit`]) for (const key of ["Tab", "Shift+Tab"]) {
    await go(page, path);
    for (let presses = 0; presses < 40; presses++) {
      await page.keyboard.press(key);
      const under = await page.evaluate(() => {
        const it = document.activeElement;
        const { x, y, width, height } = it.getBoundingClientRect();
        const bar = document.elementFromPoint(x + width / 2, y + height / 2)?.closest("nav.main, .top, .head");
        return bar && !bar.contains(it) && `${it.outerHTML.slice(0, 80)} is under ${bar.className}`;
      });
      assert(!under, `${path}, ${key}: ${under}`);
    }
  }
  const widths = await page.evaluate(() => [...document.querySelectorAll(".entry .field input")].map((it) => it.offsetWidth).filter((it) => it));
  assert(Math.min(...widths) >= 100, `there is hardly room to write: ${widths}`);
  await context.close();
}

// ---- What a browser or the script could stop: odd values, coming back, two actions in a row ------------------------------
{
  const { page, context } = await person();
  const { id } = await ask("/api/contacts", await token("carol"), "POST", { first_name: "Odd" });
  await signIn(page, "carol");
  await go(page, `/contacts/${id}/edit`);
  await page.click("details.more > summary");
  await page.fill('[name="urls.0.value"]', "www.example.com");
  await page.fill('[name="emails.0.value"]', "олена@приклад.укр");
  await page.click("main .head button");
  await page.waitForURL(`${API}/contacts/${id}`);
  await go(page, "/contacts/new");
  await page.fill("#first_name", "Typed");
  await page.click('nav.main a[href="/birthdays"]');
  await page.waitForURL(`${API}/birthdays`);
  await page.goBack();
  assert.equal(await page.inputValue("#first_name"), "Typed", "what was typed is lost after Back");
  // Saved, come back to and saved once more: one contact. What a phone changed meanwhile is not overwritten unseen.
  for (const time of ["first", "second"]) {
    await page.press("#first_name", "Enter");
    await page.waitForURL(/\/contacts\/\d+$/);
    if (time === "first") await page.goBack();
  }
  const typed = await ask("/api/contacts?first_name=Typed", await token("carol"));
  assert.equal(typed.length, 1, "a form that is come back to makes a second contact");
  const back = `/contacts/${typed[0].id}`;
  await go(page, `${back}/edit`);
  await page.fill("#job_title", "By me");
  await go(page, "/birthdays");
  await ask(`/api${back}`, await token("carol"), "PATCH", { job_title: "By the phone" });
  await page.goBack();
  assert.equal(await page.inputValue("#job_title"), "By me");
  await page.press("#job_title", "Enter");
  await page.waitForSelector("[role=alert] table");
  // What was saved oneself is no other's change.
  await page.press("#job_title", "Enter");
  await page.waitForURL(API + back);
  await go(page, `${back}/edit`);
  for (const title of ["Once", "Twice"]) {
    await page.fill("#job_title", title);
    await page.press("#job_title", "Enter");
    await page.waitForURL(API + back);
    if (title === "Once") await page.goBack();
  }
  // What the phone changed after it, or while a fault was in the form, is not overwritten unseen either.
  for (const birthday of ["", "nonsense"]) {
    await go(page, `${back}/edit`);
    await page.fill("#job_title", "By me");
    await page.fill("#birthday", birthday);
    await page.press("#job_title", "Enter");
    if (birthday) await page.waitForSelector("#birthday-fault"); else await page.waitForURL(API + back);
    await ask(`/api${back}`, await token("carol"), "PATCH", { job_title: `By the phone${birthday}` });
    await page.goBack();
    await page.fill("#birthday", "");
    await page.fill("#organization", `Navy${birthday}`);
    await page.press("#organization", "Enter");
    await page.waitForSelector("[role=alert] table");
  }
  await go(page, "/contacts/new");
  const clear = await page.evaluate(() => Object.assign(document.createElement("canvas"), { width: 60, height: 60 }).toDataURL().split(",")[1]);
  await page.setInputFiles("#photo", { name: "clear.png", mimeType: "image/png", buffer: Buffer.from(clear, "base64") });
  await page.waitForFunction(() => document.querySelector("#photo").files[0]?.name === "photo.jpg");
  assert(await page.evaluate(async () => {
    const context = document.createElement("canvas").getContext("2d");
    context.drawImage(await createImageBitmap(document.querySelector("#photo").files[0]), 0, 0);
    return context.getImageData(5, 5, 1, 1).data[0] > 250;
  }), "a picture without a ground becomes black");
  await go(page, "/contacts?search=Odd");
  await page.check(".rows input >> nth=0");
  await Promise.all([page.waitForEvent("download"), page.click('.bar [value="export"]')]);
  await page.click(".bar .pop summary");
  await page.fill("#bulk-label", "twice");
  await page.click('.bar [value="add_label"]');
  await page.waitForSelector(".flash");
  assert.match(await page.textContent(".flash"), /“twice”/);
  await page.click(".menu summary");
  await page.focus("#search");
  assert.equal(await page.getAttribute(".menu", "open"), null, "the menu stays open");
  await context.close();
}

// ---- What a contact says never runs, and reads in its own direction ------------------------------------------------------
{
  const { page, context } = await person();
  const api = await token("carol");
  const evil = '"><img src=x onerror="window.evil = 1">';
  const { id } = await ask("/api/contacts", api, "POST", { first_name: evil, last_name: evil, organization: evil, nickname: evil, additional_data: evil, labels: [evil], urls: [{ value: "javascript:window.evil=1", label: evil }] });
  const arabic = await ask("/api/contacts", api, "POST", { first_name: "محمد", last_name: "الأحمد", phone: "+966 11 555 0199", organization: "شركة" });
  await signIn(page, "carol");
  for (const path of ["/contacts", `/contacts/${id}`, `/contacts/${id}/edit`, "/history", "/duplicates", `/contacts/${arabic.id}`]) {
    await go(page, path);
    await check(page, path);
    assert.equal(await page.evaluate(() => window.evil), undefined, path);
    assert.equal(await page.locator('main img[src="x"], a[href^="javascript"]').count(), 0, path);
  }
  await go(page, "/contacts?sort=-created_at");
  const indent = await page.getByText("شركة").evaluate((it) => {
    const text = document.createRange();
    text.selectNodeContents(it);
    return text.getBoundingClientRect().left - it.getBoundingClientRect().left;
  });
  assert(indent < 2, `an organisation in Arabic begins ${indent} px right of the others`);
  await context.close();
}

// ---- Every page in light and dark, on a phone, a tablet and a desk; in Ukrainian; at 200 % ------------------------------
{
  const paths = ["/contacts", "/contacts/new", "/birthdays", "/duplicates", "/history", "/trash", "/import", "/export", "/settings", "/settings/connect", "/admin", "/admin/events"];
  const { page: root } = await person();
  await signIn(root, "carol");
  const people = [["carol", 360, "dark"], ["carol", 768, "light"], ["carol", 1280, "dark"], ["carol", 320, "light"], ["root", 1280, "light"], ["root", 360, "dark"]];
  for (const [name, width, scheme] of people) {
    const { page, context } = await person({ width, scheme });
    await go(page, "/");
    await check(page, "/", scheme);
    await shot(page, `welcome-${width}-${scheme}`);
    await signIn(page, name);
    const first = await page.locator(".rows a.name").first().getAttribute("href").catch(() => null);
    const all = name === "root" ? paths : paths.filter((it) => !it.startsWith("/admin"));
    for (const path of [...all, ...(name === "root" ? [] : [first, `${first}/edit`])]) {
      await go(page, path);
      await check(page, path.replace(/\d+/, "one"), scheme);
      const file = path.replace(/^\//, "").replaceAll("/", "-").replace(/\d{2,}|(?<=contacts-)\d/, "one");
      await shot(page, `${name}-${file}-${width}-${scheme}`);
    }
    await context.close();
  }
  const { page, context } = await person({ locale: "uk-UA", width: 640 }); // half of 1,280: as at 200 %
  await signIn(page, "carol");
  assert.equal(await page.getAttribute("html", "lang"), "uk");
  for (const path of paths.filter((it) => !it.startsWith("/admin"))) {
    await go(page, path);
    await check(page, `${path} uk`);
    await shot(page, `uk${path.replaceAll("/", "-")}`);
  }
  await context.close();
}

await finish("browser tests");
