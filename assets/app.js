// Makes the pages quicker: search while typing, keys, rows of a form, selecting, copying, cropping a picture.
// Every page works without it.
(() => {
  "use strict";
  const $ = (selector, inside = document) => inside.querySelector(selector);
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  // The server shows instants by the reader's clock from the next page on.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [host, secure] = location.protocol === "https:" ? ["__Host-", ";secure"] : ["", ""];
  if (zone) document.cookie = `${host}zone=${encodeURIComponent(zone)};path=/;max-age=31536000;samesite=lax${secure}`;

  // ---- Selecting ----
  const boxes = () => all('.rows input[name=ids]');
  function count() {
    const bar = $(".bar");
    if (!bar) return;
    const chosen = boxes().filter((box) => box.checked).length;
    const every = $('[name=all]', bar)?.checked;
    const text = $(".count", bar);
    bar.classList.toggle("on", chosen > 0);
    text.textContent = chosen && !every ? text.dataset.some.replace("{}", chosen) : text.dataset.none;
    const page = $("[data-all]", bar);
    page.checked = chosen > 0 && chosen === boxes().length;
    page.indeterminate = chosen > 0 && !page.checked;
    $('[value="merge"]', bar).disabled = every || chosen < 2 || chosen > 6;
  }
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-all]")) boxes().forEach((box) => { box.checked = target.checked; });
    if (target.name === "all" && target.checked) boxes().forEach((box) => { box.checked = true; });
    if (target.matches("[name=ids], [data-all]") && !target.checked && $("[name=all]")) $("[name=all]").checked = false;
    if (target.matches("[data-crop]")) crop(target);
    count();
  });
  // The browser fills boxes in when somebody comes back
  window.addEventListener("pageshow", count);

  // ---- Search while typing ----
  const search = $("#search");
  let waiting = 0, newest = 0, kept = [];
  async function look() {
    const mine = ++newest;
    const address = `/contacts?search=${encodeURIComponent(search.value.trim())}`;
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== newest) return;
    // To sign in, and then on
    if (answer.redirected) return location.assign(answer.url);
    // Of an error, what it says
    const fresh = $("#found", page) ?? $("main p", page);
    if (!fresh) return;
    fresh.id = "found";
    search.ariaInvalid = $("#search", page)?.ariaInvalid;
    const { id } = document.activeElement;
    kept.push(...all("#found .rows li").filter((it) => $("input", it).checked));
    $("#found").replaceWith(fresh);
    const list = $("#found .rows");
    // What was selected stays so, and stands first
    if (list) {
      kept.forEach((it) => $(`input[value="${$("input", it).value}"]`, list)?.closest("li").remove());
      list.prepend(...kept.splice(0));
    }
    // To be sorted by what was found
    const head = $("main .head", page);
    if (head) $("main .head").replaceWith(head);
    // Whoever is there stays there
    document.getElementById(id)?.focus();
    all(".labels a[aria-current]").forEach((it) => it.removeAttribute("aria-current"));
    document.title = page.title;
    $("#said").textContent = ($("#found :is(.count, .empty h2)") ?? fresh).textContent;
    history.replaceState(null, "", search.value.trim() ? address : "/contacts");
    count();
  }
  if ($("#found")) {
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => look().catch(() => {}), 150);
    });
  }

  // ---- Keys ----
  const typing = (target) => /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|radio)$/.test(target.type);
  function move(step) {
    const names = all(".rows a.name");
    const at = names.indexOf(row()?.querySelector("a.name"));
    const next = names[at < 0 ? (step > 0 ? 0 : names.length - 1) : at + step];
    next?.focus();
  }
  const row = () => document.activeElement.closest?.(".rows li");
  const keys = {
    "/": () => search?.focus(),
    j: () => move(1),
    k: () => move(-1),
    n: () => $("a.new")?.click(),
    e: () => { const to = $("[aria-keyshortcuts=e]") ?? row()?.querySelector("a.name"); if (to) location.assign(to.pathname.replace(/(\/edit)?$/, "/edit")); },
    x: () => row()?.querySelector('input[name=ids]')?.click(),
    "?": () => $("#keys")?.showModal(),
  };
  // A layout of other letters (or of other signs, as the Ukrainian one) has our keys where the Latin one has them.
  const named = ({ key, code, shiftKey }) => {
    if (key > "~" && !shiftKey) return code.replace("Key", "").toLowerCase();
    return code === "Slash" ? { ".": "/", ",": "?" }[key] ?? key : key;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape") {
      all(".menu[open], .pop[open]").forEach((it) => { it.open = false; $("summary", it).focus(); });
      if (event.target === search) search.blur();
      return;
    }
    if (typing(event.target) || $("dialog[open]")) return;
    const act = keys[named(event)];
    if (act) { event.preventDefault(); act(); }
  });
  for (const kind of ["click", "focusin"]) document.addEventListener(kind, ({ target }) => {
    all(".menu[open], .pop[open]").forEach((it) => { if (!it.contains(target)) it.open = false; });
  });
  document.addEventListener("toggle", ({ target }) => {
    if (target.open) $(".drop > input:not([type])", target)?.focus();
  }, true);

  // ---- Rows of a form ----
  const renumber = (text, list, at) => text.replace(new RegExp(`\\b${list}\\.\\d+`, "g"), `${list}.${at}`);
  function add(button) {
    const set = button.closest("[data-list]");
    const list = set.dataset.list;
    const rows = all("[data-row]", set);
    const [, number] = button.value.split(".");
    const fresh = rows[rows.length - 1].cloneNode(true);
    all("[name], [for], [id]", fresh).forEach((it) => {
      ["name", "id", "for", "value", "aria-describedby"].forEach((key) => {
        const text = it.getAttribute(key);
        if (text && (key !== "value" || "remove" in it.dataset)) it.setAttribute(key, renumber(text, list, number));
      });
      if (it.type === "radio") { it.value = number; it.checked = false; }
      else if (it.type === "checkbox") it.checked = false;
      else if (it.tagName === "INPUT") { it.value = ""; it.removeAttribute("value"); }
      else if (it.ariaLabel) it.ariaLabel = it.ariaLabel.replace(/\d+$/, Number(number) + 1);
      it.removeAttribute("aria-invalid");
    });
    all(".fault", fresh).forEach((it) => it.remove());
    button.before(fresh);
    button.value = `${list}.${Number(number) + 1}`;
    $("input", fresh).focus();
  }
  function remove(button) {
    const set = button.closest("[data-list]");
    const gone = button.closest("[data-row]");
    if (all("[data-row]", set).length === 1) all("input", gone).forEach((it) => { if (it.type !== "radio") { it.value = ""; it.checked = false; } });
    else gone.remove();
    const radios = all('[type=radio]', set);
    if (radios.length && !radios.some((it) => it.checked)) radios[0].checked = true;
    $("[data-row] input", set).focus();
  }

  // ---- Copying, printing, labels to choose ----
  all(".suggest li").forEach((it) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = it.textContent;
    button.dataset.suggest = "";
    it.replaceChildren(button);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    if (!button) return;
    const { dataset } = button;
    if ("add" in dataset) { event.preventDefault(); add(button); }
    if ("remove" in dataset) { event.preventDefault(); remove(button); }
    if ("print" in dataset) print();
    if (dataset.copy) {
      const field = document.getElementById(dataset.copy);
      getSelection().selectAllChildren(field);
      const done = () => { button.textContent = dataset.copied; };
      if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(done, () => {});
      else if (document.execCommand("copy")) done();
    }
    if ("suggest" in dataset) {
      const field = $("[name=labels]");
      const text = button.textContent;
      // As the server writes it
      const label = /^"|[,،、，]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
      const labels = (field.value.match(/\s*"(?:[^"]|"")*"\s*(?=[,،、，]|$)|[^,،、，]+/g) ?? []).map((it) => it.trim()).filter(Boolean);
      const at = labels.findIndex((it) => it.toLowerCase() === label.toLowerCase());
      if (at < 0) labels.push(label); else labels.splice(at, 1);
      field.value = labels.join(", ");
    }
  });

  // ---- A picture, cut to a square by dragging ----
  async function crop(input) {
    const [file] = input.files;
    $(".crop", input.parentElement)?.remove();
    if (!file || !window.createImageBitmap) return;
    let picture;
    // The server says what is wrong with it
    try { picture = await createImageBitmap(file); } catch { return; }
    // Another was chosen meanwhile
    if (input.files[0] !== file) return;
    const size = Math.min(720, picture.width, picture.height);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    canvas.ariaHidden = true;
    const box = document.createElement("div");
    box.className = "crop";
    box.append(canvas);
    input.after(box);
    const scale = size / Math.min(picture.width, picture.height);
    const [wide, high] = [picture.width * scale, picture.height * scale];
    let [x, y] = [(size - wide) / 2, (size - high) / 2];
    let from = null;
    const draw = () => {
      const to = canvas.getContext("2d");
      // JPEG has no transparency: it would become black
      to.fillStyle = "#fff";
      to.fillRect(0, 0, size, size);
      to.drawImage(picture, x, y, wide, high);
    };
    const keep = () => canvas.toBlob((blob) => {
      const chosen = new DataTransfer();
      chosen.items.add(new File([blob], "photo.jpg", { type: "image/jpeg" }));
      input.files = chosen.files;
    }, "image/jpeg", 0.9);
    canvas.addEventListener("pointerdown", (event) => { from = event; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      const factor = size / canvas.clientWidth;
      x = Math.min(0, Math.max(size - wide, x + (event.clientX - from.clientX) * factor));
      y = Math.min(0, Math.max(size - high, y + (event.clientY - from.clientY) * factor));
      from = event;
      draw();
    });
    canvas.addEventListener("pointerup", () => { from = null; keep(); });
    draw();
    keep();
  }

  // What was typed comes back with a page, and so does what it was typed on: the number of a new contact, or the
  // revision that it began from. Else it would overwrite unseen what was changed meanwhile. Where the contact says all
  // that was typed, it was saved.
  const began = $('main [name="form"]') ?? $('main [name="revision"]');
  const typed = (it) => it.value !== (it.defaultValue ?? it.value) || it.checked !== it.defaultChecked;
  window.addEventListener("pageshow", () => {
    if (began && [...began.form.elements].some(typed)) began.value = history.state ?? began.value;
  });
  document.addEventListener("input", ({ target }) => { if (began && target.form === began.form) history.replaceState(began.value, ""); });

  // A second click on a button that was pressed sends nothing twice; another button, or other ticks, do.
  const sent = new WeakMap();
  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (form.method !== "post") return;
    const what = `${[...new FormData(form)]} ${submitter?.value}`;
    if (sent.get(form) === what) return event.preventDefault();
    sent.set(form, what);
    // A download leaves the page where it is
    setTimeout(() => sent.delete(form), 4000);
  });
  count();
})();
