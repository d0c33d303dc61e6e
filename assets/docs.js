// Shows /openapi.json, and sends requests to this server. No library, no inline script; whatever
// comes from outside becomes text, never markup.
"use strict";

let api; // the document
let session = null; // {name, access_token, refresh_token, until}; gone when the page is closed

// ---- elements

// h("p", {class: "x", onclick: f}, "text", other elements, lists of them)
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(9).filter((child) => child != null && child !== false));
  return element;
}

// The only Markdown in the document: `code`, and empty lines between paragraphs.
function inline(text) {
  return text.split("`").map((part, at) => (at % 2 ? h("code", {}, part) : part));
}

function prose(text) {
  return (text || "").split("\n\n").filter(Boolean).map((part) => h("p", {}, inline(part)));
}

// ---- schemas

// What a reference stands for; anything else is itself.
function follow(thing) {
  if (!thing || !thing.$ref) return thing;
  const path = thing.$ref.slice(2).split("/");
  const found = path.reduce((at, name) => at[name.replace(/~1/g, "/").replace(/~0/g, "~")], api);
  const { $ref, ...own } = thing;
  return { ...follow(found), ...own };
}

function range(min, max, unit) {
  if (min === undefined && max === undefined) return null;
  const number = (n) => n.toLocaleString("en");
  if (min === undefined || min === 0) return max === undefined ? null : `at most ${number(max)}${unit}`;
  if (max === undefined) return `at least ${number(min)}${unit}`;
  return min === max ? `${number(min)}${unit}` : `${number(min)} to ${number(max)}${unit}`;
}

// A schema in a line of words.
function inWords(raw) {
  const schema = follow(raw);
  if (schema.anyOf) return schema.anyOf.map(inWords).join(", or ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((word) => JSON.stringify(word)).join(" | ");
  const types = [schema.type].flat().filter(Boolean);
  let words = types.filter((type) => type !== "null");
  if (words[0] === "array") words = [`list of ${inWords(schema.items)}`];
  const details = [
    ...words,
    { "int64": null, "date": "YYYY-MM-DD", "date-time": "an instant" }[schema.format] ??
      (schema.format === "int64" ? null : schema.format),
    range(schema.minLength, schema.maxLength, " characters"),
    range(schema.minItems, schema.maxItems, " items"),
    schema.format === "int64" ? null : range(schema.minimum, schema.maximum, ""),
    schema.default !== undefined && `default ${schema.default}`,
  ];
  const told = details.filter(Boolean).join(", ") || "anything";
  return types.includes("null") ? `${told}, or null` : told;
}

function members(raw) {
  const schema = follow(raw);
  const items = schema.type === "array" ? follow(schema.items) : schema;
  if (!items.properties) return h("p", { class: "soft" }, inWords(schema));
  const rows = Object.entries(items.properties).map(([name, member]) => {
    const { description } = follow(member);
    const deeper = follow(follow(member).items || member);
    const required = (items.required || []).includes(name);
    return h("li", {},
      h("code", {}, name), required && h("abbr", { title: "required" }, "*"), " ",
      h("span", { class: "soft" }, deeper.properties ? "" : inWords(member)),
      description && h("span", { class: "note" }, inline(description)),
      deeper.properties && members(deeper));
  });
  return [schema.type === "array" && h("p", { class: "soft" }, "A list, each item with:"), h("ul", { class: "members" }, rows)];
}

// An example: the schema's own, or one made up from its members.
function example(raw) {
  const schema = follow(raw);
  if (schema.examples) return schema.examples[0];
  if ("example" in schema) return schema.example;
  if ("const" in schema) return schema.const;
  if (schema.anyOf) return example(schema.anyOf[0]);
  if (schema.enum) return schema.enum[0];
  if (schema.default !== undefined) return schema.default;
  switch ([schema.type].flat()[0]) {
    case "array": return [example(schema.items)];
    case "object": return Object.fromEntries(Object.entries(schema.properties || {}).map(([name, it]) => [name, example(it)]));
    case "integer": return 1;
    case "boolean": return true;
    default: return { "date": "1990-04-12", "date-time": "2026-11-22T12:00:00Z" }[schema.format] ?? "text";
  }
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

// ---- signing in

async function takeTokens(answer, name) {
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  session = { name, ...body, until: Date.now() + body.expires_in * 1000 - 10000 };
}

async function signIn(name, password) {
  // The password grant of OAuth 2, as the document says.
  const form = new URLSearchParams({ grant_type: "password", username: name, password });
  await takeTokens(await fetch(api.components.securitySchemes.signIn.flows.password.tokenUrl, { method: "POST", body: form }), name);
}

async function accessToken() {
  if (session && Date.now() > session.until) {
    const body = JSON.stringify({ refresh_token: session.refresh_token });
    const headers = { "Content-Type": "application/json" };
    const name = session.name;
    try {
      await takeTokens(await fetch("/api/auth/refresh", { method: "POST", body, headers }), name);
    } catch {
      session = null;
      showSession();
    }
  }
  return session && session.access_token;
}

function showSession(error) {
  const panel = document.getElementById("session");
  if (session) {
    panel.replaceChildren(
      h("p", { role: "status" }, "Signed in as ", h("strong", {}, session.name), ". Requests carry your access token until you close this page."),
      h("button", { type: "button", class: "quiet", onclick: forget }, "Forget the token"));
    return;
  }
  const name = h("input", { id: "name", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
  const password = h("input", { id: "password", type: "password", autocomplete: "current-password", required: true });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await signIn(name.value, password.value);
      showSession();
    } catch (failure) {
      showSession(failure.message);
      document.getElementById("name").value = name.value;
    }
  };
  panel.replaceChildren(
    h("form", { class: "signin", onsubmit: submit },
      h("div", {}, h("label", { for: "name" }, "Username or e-mail address"), name),
      h("div", {}, h("label", { for: "password" }, "Password"), password),
      h("button", { type: "submit" }, "Authorize")),
    error ? h("p", { class: "error", role: "alert" }, error) : "");
}

function forget() {
  session = null;
  showSession();
}

// ---- calls

function who(call) {
  if (!call.security.length) return "anyone";
  return call.security.some((way) => (way.token || []).includes("admin")) ? "admin" : "user";
}

const WHO = { anyone: "Anyone may call it.", user: "For whoever is signed in.", admin: "For admins." };

function field(id, label, input, note) {
  return h("div", { class: "field" }, h("label", { for: id }, label), input, note && h("p", { class: "hint" }, note));
}

// The form of a call, and what its fields say.
function tryIt(path, verb, call) {
  const id = call.operationId;
  const fields = (call.parameters || []).map(follow).map((parameter) => {
    const schema = follow(parameter.schema);
    const key = `${id}-${parameter.name}`;
    const input = schema.enum
      ? h("select", { id: key }, h("option", { value: "" }, "—"), schema.enum.map((word) => h("option", {}, word)))
      : h("input", { id: key, required: parameter.required, autocomplete: "off", placeholder: parameter.example ?? schema.default ?? "" });
    const note = [inline(parameter.description || ""), parameter.description && h("br"), inWords(schema)];
    return { parameter, input, row: field(key, [parameter.name, parameter.in === "header" && h("span", { class: "soft" }, " (header)")], input, note) };
  });
  const body = requestBody(id, call);
  const output = h("div", { class: "answer", role: "status" });
  const submit = async (event) => {
    event.preventDefault();
    output.replaceChildren(h("p", { class: "soft" }, "…"));
    let target = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { parameter, input } of fields) {
      if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value !== "" && parameter.in === "query") query.set(parameter.name, input.value);
      else if (input.value !== "") headers[parameter.name] = input.value;
    }
    if ([...query].length) target += `?${query}`;
    const token = await accessToken();
    if (token && call.security.length) headers.Authorization = `Bearer ${token}`;
    const sent = body && body.read();
    if (sent && sent.type) headers["Content-Type"] = sent.type;
    try {
      const answer = await fetch(target, { method: verb.toUpperCase(), headers, body: sent && sent.body, cache: "no-store" });
      output.replaceChildren(...(await shown(answer)), curl(target, verb, headers, sent));
    } catch (failure) {
      output.replaceChildren(h("p", { class: "error" }, `No answer: ${failure.message}`));
    }
  };
  return h("form", { class: "try", onsubmit: submit, novalidate: false },
    fields.length > 0 && h("div", { class: "fields" }, fields.map((it) => it.row)), body && body.rows,
    h("button", { type: "submit" }, "Send"), output);
}

function requestBody(id, call) {
  if (!call.requestBody) return null;
  const content = call.requestBody.content;
  const types = Object.keys(content);
  const type = h("select", { id: `${id}-type` }, types.map((one) => h("option", {}, one)));
  const text = h("textarea", { id: `${id}-body`, spellcheck: "false" });
  const file = h("input", { id: `${id}-file`, type: "file" });
  const isFile = types[0] === "multipart/form-data";
  const fill = () => {
    const media = content[type.value];
    const sample = media.example ?? example(media.schema);
    const form = type.value === "application/x-www-form-urlencoded";
    text.value = form ? String(new URLSearchParams(sample)) : pretty(sample);
    text.rows = Math.min(14, text.value.split("\n").length + 1);
  };
  type.addEventListener("change", fill);
  fill();
  const read = () => {
    if (!isFile) return { type: type.value, body: text.value };
    const form = new FormData();
    if (file.files[0]) form.set("file", file.files[0]);
    return { type: null, body: form };
  };
  const rows = isFile
    ? field(`${id}-file`, "file", file)
    : [types.length > 1 && field(`${id}-type`, "Type of the body", type), field(`${id}-body`, "Body", text)];
  return { rows, read };
}

async function shown(answer) {
  const type = answer.headers.get("Content-Type") || "";
  let text;
  if (/json|text|xml/.test(type)) {
    text = await answer.text();
    if (/json/.test(type)) {
      try { text = pretty(JSON.parse(text)); } catch { /* as it is */ }
    }
  } else {
    const size = (await answer.blob()).size;
    text = size ? `${type}, ${size.toLocaleString("en")} bytes` : "";
  }
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return [
    h("p", {}, h("strong", { class: answer.ok ? "good" : "bad" }, `${answer.status} ${answer.statusText}`)),
    text && h("pre", { tabindex: "0", class: "body" }, text),
    h("details", { class: "small" }, h("summary", {}, "Headers"), h("pre", { tabindex: "0" }, headers)),
  ].filter(Boolean);
}

// The same request for a terminal; the token is left out, so that it can be shown around.
function curl(target, verb, headers, sent) {
  const quote = (text) => `'${text.replace(/'/g, "'\\''")}'`;
  const parts = ["curl", verb === "get" ? "" : `-X ${verb.toUpperCase()}`, quote(location.origin + target)];
  for (const [name, value] of Object.entries(headers)) {
    parts.push(name === "Authorization" ? '-H "Authorization: Bearer $TOKEN"' : `-H ${quote(`${name}: ${value}`)}`);
  }
  if (sent) parts.push(typeof sent.body === "string" ? `--data-binary ${quote(sent.body)}` : "-F file=@picture.png");
  return h("details", { class: "small" }, h("summary", {}, "As a command"), h("pre", { tabindex: "0" }, parts.filter(Boolean).join(" ")));
}

function answers(call) {
  return Object.entries(call.responses).map(([status, raw]) => {
    const response = follow(raw);
    const content = Object.entries(response.content || {});
    const headers = Object.entries(response.headers || {}).filter(([name]) => !/^(X-Request-Id|RateLimit-.*)$/.test(name));
    return h("details", { class: "small" },
      h("summary", {}, h("strong", {}, status), " ", inline(response.description)),
      headers.length > 0 && h("ul", { class: "members" }, headers.map(([name, it]) => h("li", {}, h("code", {}, name), " ", h("span", { class: "soft" }, inline(follow(it).description || ""))))),
      Object.entries(response.links || {}).map(([name, link]) => followUp(name, link)),
      content.map(([type, media]) => {
        const named = Object.values(media.examples || {}).map((it) => it.value);
        const samples = named.length ? named : [example(media.schema)];
        return [h("p", {}, h("code", {}, type)), /json/.test(type) && [members(media.schema), samples.map((it) => h("pre", { tabindex: "0" }, pretty(it)))]];
      }));
  });
}

// The call that follows, such as the one that undoes this one, with an example.
function followUp(name, link) {
  const calls = Object.entries(api.paths).flatMap(([path, verbs]) => Object.entries(verbs).map(([verb, call]) => ({ path, verb, call })));
  const { path, verb } = calls.find((it) => it.call.operationId === link.operationId);
  const words = name[0].toUpperCase() + name.slice(1).replace(/_/g, " ");
  const body = link.requestBody ? ` ${JSON.stringify(link.requestBody)}` : "";
  return [
    h("p", {}, h("strong", {}, words), " ", inline(link.description)),
    h("pre", { tabindex: "0" }, `${verb.toUpperCase()} ${path.replace("{id}", 42)}${body}`),
  ];
}

function inside(path, verb, call) {
  const content = Object.entries((call.requestBody || {}).content || {});
  return [
    prose(call.description),
    h("p", { class: "soft" }, WHO[who(call)]),
    h("h4", {}, "Try it"),
    tryIt(path, verb, call),
    content.length > 0 && h("h4", {}, "What it takes"),
    content.map(([type, media]) => [h("p", {}, h("code", {}, type)), /json|form/.test(type) && members(media.schema)]),
    h("h4", {}, "What it answers"),
    answers(call),
  ].flat(9).filter(Boolean);
}

function callDetails(path, verb, call) {
  const access = who(call);
  const box = h("details", { class: "call", id: call.operationId, "data-words": `${verb} ${path} ${call.summary} ${call.operationId}`.toLowerCase() },
    h("summary", {},
      h("span", { class: `verb ${verb}` }, verb.toUpperCase()), " ",
      h("code", { class: "path" }, path.split("/").flatMap((part, at) => (at ? ["/", h("wbr"), part] : [part]))), " ",
      h("span", { class: "what" }, call.summary), " ",
      access !== "anyone" && h("span", { class: "who" }, access === "admin" ? "admin" : "signed in")));
  // Built when it is first opened.
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(h("div", { class: "inside" }, inside(path, verb, call)));
  });
  return box;
}

function show() {
  const groups = api.tags.map((tag) => {
    const calls = Object.entries(api.paths).flatMap(([path, verbs]) =>
      Object.entries(verbs).filter(([, call]) => call.tags[0] === tag.name).map(([verb, call]) => callDetails(path, verb, call)));
    return h("section", {}, h("h2", {}, tag.name), prose(tag.description), calls);
  });
  const find = h("input", { id: "find", type: "search", autocomplete: "off", oninput: () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const group of groups) {
      for (const call of group.querySelectorAll(".call")) call.hidden = !words.every((word) => call.dataset.words.includes(word));
      group.hidden = !group.querySelector(".call:not([hidden])");
    }
  } });
  document.getElementById("docs").replaceChildren(
    h("p", {}, `${api.info.summary} Version ${api.info.version}; for programs: `, h("a", { href: "/openapi.json" }, "/openapi.json"), ` (OpenAPI ${api.openapi}).`),
    h("details", { class: "small rules" }, h("summary", {}, "What holds for every call"), prose(api.info.description)),
    h("section", { class: "session" }, h("h2", {}, "Sign in"), h("div", { id: "session" })),
    field("find", "Find a call", find),
    ...groups);
  showSession();
  const open = () => {
    const call = location.hash && document.getElementById(location.hash.slice(1));
    if (call && call.matches("details")) {
      call.open = true;
      call.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", open);
  open();
}

fetch("/openapi.json")
  .then((answer) => answer.json())
  .then((document) => { api = document; show(); })
  .catch((failure) => document.getElementById("docs").append(h("p", { class: "error" }, `The description could not be read: ${failure.message}`)));
