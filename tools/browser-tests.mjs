// Goes through the pages as a person would: opens the links of mails, clicks, types. See tools/browser-tests.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import assert from 'node:assert/strict';

const { CHROMIUM, SERVER, MAIL_DIR, PICTURES, PROFILE } = process.env;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(what, look) {
  for (let tries = 0; tries < 300; tries++) {
    const found = await look();
    if (found) return found;
    await sleep(50);
  }
  throw new Error(`waited in vain: ${what}`);
}

// ---- the browser ----

const browser = spawn(CHROMIUM, [
  '--headless=new', '--remote-debugging-pipe', `--user-data-dir=${PROFILE}`, '--no-first-run', '--disable-gpu',
  '--hide-scrollbars', '--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : []), 'about:blank',
], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
process.on('exit', () => browser.kill('SIGKILL'));
let number = 0;
const waiting = new Map();
const requests = [];
const complaints = [];
let heard = '';
// Messages end with a NUL.
browser.stdio[4].setEncoding('utf8').on('data', (text) => {
  const messages = (heard + text).split('\0');
  heard = messages.pop();
  messages.forEach(hear);
});
function hear(message) {
  const { id, result, error, method, params } = JSON.parse(message);
  if (id) waiting.get(id)(error ? Promise.reject(new Error(error.message)) : result);
  if (method === 'Network.requestWillBeSent') requests.push(params.request.url);
  if (method === 'Log.entryAdded') {
    const { level, text } = params.entry;
    // Pages of errors have their status; hints are no complaints.
    if (level !== 'verbose' && !/status of (400|404|422)/.test(text)) complaints.push(text);
  }
  if (method === 'Runtime.consoleAPICalled') complaints.push(JSON.stringify(params.args));
}
let sessionId;
const send = (method, params = {}) => new Promise((done) => {
  waiting.set(++number, done);
  browser.stdio[3].write(`${JSON.stringify({ id: number, method, params, sessionId })}\0`);
});
const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
({ sessionId } = await send('Target.attachToTarget', { targetId, flatten: true }));
for (const part of ['Page', 'Runtime', 'Network', 'Log', 'DOM']) await send(`${part}.enable`);
// The pages have to work without; what is evaluated from here runs all the same.
await send('Emulation.setScriptExecutionDisabled', { value: true });

const look = async (expression) => (await send('Runtime.evaluate', { expression, returnByValue: true })).result.value;
const heading = () => look("document.readyState === 'complete' && document.querySelector('h1')?.innerText");
const at = (title) => until(`the page “${title}”`, async () => (await heading()) === title);
const open = async (url) => { await send('Page.navigate', { url }); await until(url, async () => heading()); };

async function click(selector) {
  const [x, y] = await look(`(() => { const box = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2]; })()`);
  for (const type of ['mousePressed', 'mouseReleased']) {
    await send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
  }
}
const type = (text) => send('Input.insertText', { text });
async function press(key, code) {
  const text = key === 'Enter' ? '\r' : undefined;
  for (const type of ['keyDown', 'keyUp']) {
    await send('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode: code, text });
  }
}

async function picture(name) {
  for (const [size, width, height] of [['narrow', 320, 640], ['wide', 1280, 800]]) {
    for (const scheme of ['light', 'dark']) {
      await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
      await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
      assert(await look('document.documentElement.scrollWidth <= innerWidth'), `${name} is too wide for ${width}`);
      const { data } = await send('Page.captureScreenshot');
      writeFileSync(`${PICTURES}/${name}-${size}-${scheme}.png`, Buffer.from(data, 'base64'));
    }
  }
}

// ---- the server ----

async function post(path, body) {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(SERVER + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return answer.status;
}
const seen = new Set();
/** The link of the next mail. */
const link = () => until('a mail', () => {
  let files = [];
  try { files = readdirSync(MAIL_DIR).filter((name) => name.endsWith('.eml') && !seen.has(name)); } catch { /* not yet */ }
  for (const name of files) {
    seen.add(name);
    const mail = readFileSync(`${MAIL_DIR}/${name}`, 'utf8');
    const found = mail.match(/^http:\S+\/api\/auth\/\S+$/m);
    if (found) return found[0].trim();
  }
  return null;
});
const login = (password) => post('/api/auth/login', { username: 'ann', password });

// ---- a person ----

await until('the server', () => fetch(`${SERVER}/healthz`).then((it) => it.ok, () => false));
const first = 'correct horse battery';
const second = 'Авторизація 🔑';

await open(`${SERVER}/`);
await picture('landing');

assert.equal(await post('/api/auth/register', { username: 'ann', email: 'ann@example.com', password: first }), 201);
const confirmation = await link();
await open(confirmation);
assert.equal(await heading(), 'Confirm your address');
await picture('confirm');
assert.equal(await login(first), 401, 'opening the link confirmed the address');
await click('button');
await at('Your address is confirmed');
await picture('confirmed');
assert.equal(await login(first), 200);

await open(confirmation);
assert.equal(await heading(), 'This link does not work any more');
await picture('dead-confirmation');
await click('input[type=email]');
await type('ann@example.com');
await press('Enter', 13);
await at('Look into your mailbox');
await picture('mailbox');

assert.equal(await post('/api/auth/request-password-reset', { email: 'ann@example.com' }), 202);
const reset = await link();
await open(reset);
assert.equal(await heading(), 'Choose a new password');
assert.equal(await look('document.activeElement.id'), 'password', 'one can type at once');
assert.equal(await look('document.activeElement.labels[0].innerText'), 'New password');
await picture('reset');
// Too short: the browser itself says so, nothing is sent.
await type('short');
await click('button');
await sleep(300);
assert.equal(await look('document.querySelector("input[type=password]").value'), 'short');
assert.equal(await look('document.querySelector("[role=alert]")'), null);
// Common: the server says so, at the field.
await look('document.querySelector("input[type=password]").value = ""');
await click('input[type=password]');
await type('password123');
await click('button');
await until('the alert', () => look('document.querySelector("[role=alert]")?.innerText'));
assert.match(await look('document.querySelector("[role=alert]").innerText'), /most common/);
assert.equal(await look('document.querySelector("#password").getAttribute("aria-invalid")'), 'true');
assert.equal(await look('document.querySelector("#password").value'), '', 'the password came back');
assert.equal(await look('document.activeElement.id'), 'password');
await picture('reset-error');
// By keyboard alone: type, on to the button, whose focus can be seen, and press it.
await type(second);
await press('Tab', 9);
assert.equal(await look('document.activeElement.tagName'), 'BUTTON');
assert.notEqual(await look('getComputedStyle(document.activeElement).outlineStyle'), 'none', 'the focus cannot be seen');
await press('Enter', 13);
await at('Your password is changed');
await picture('reset-done');
assert.equal(await login(second), 200);
assert.equal(await login(first), 401);

await open(reset);
assert.equal(await heading(), 'This link does not work any more');
await picture('dead-reset');

const strange = requests.filter((url) => !url.startsWith(`${SERVER}/`) && url !== 'about:blank');
assert.deepEqual(strange, [], 'requests to others');
assert.deepEqual(complaints, [], 'the browser complains');
console.log(`browser tests: passed; ${requests.length} requests, none to others; pictures in ${PICTURES}`);
process.exit(0);
