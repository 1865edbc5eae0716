// Keys and quick steps at the matching workbench. The server decides everything; this asks it for the panel of one line
// at the same addresses and puts it in place. Without it every link and form works as it stands.
"use strict";
(() => {
  const root = document.getElementById("wb"), panel = document.getElementById("wb-line");
  if (!root || !panel) return;
  const live = document.getElementById("wb-live"), list = () => document.getElementById("wb-list");
  const words = root.dataset;
  let running = null, busy = false;

  const say = (text) => { live.textContent = ""; live.textContent = text; };
  const rows = () => [...(list() ? list().children : [])];
  const current = () => rows().findIndex((row) => row.classList.contains("wb-now"));

  // Only the latest question counts; a deed is never broken off.
  async function ask(url, options = {}) {
    if (busy) return null;
    if (running) running.abort();
    running = new AbortController();
    busy = options.method === "POST";
    panel.classList.add("wb-busy");
    try {
      const answer = await fetch(url, { ...options, signal: busy ? undefined : running.signal, headers: { "X-Workbench": "1", ...(options.headers || {}) } });
      const kind = answer.headers.get("Content-Type") || "";
      const text = await answer.text();
      if (answer.redirected && !text.includes("wb-panel")) { location.assign(answer.url); return null; }
      if (!kind.includes("html") || !text.includes("wb-panel")) { say(answer.status === 403 ? words.signedOut : words.lost); return null; }
      return text;
    } catch (trouble) {
      if (trouble.name !== "AbortError") say(words.lost);
      return null;
    } finally {
      busy = false;
      panel.classList.remove("wb-busy");
    }
  }

  function place(text) {
    if (text === null) return;
    panel.innerHTML = text;
    const strip = panel.querySelector("#wb-new-strip"), old = document.getElementById("wb-strip");
    if (strip && old) old.replaceWith(strip.content.cloneNode(true));
    if (strip) strip.remove();
    const shown = panel.querySelector(".wb-panel");
    const done = shown.dataset.done && list() && list().querySelector(`[data-line="${shown.dataset.done}"]`);
    if (done) done.remove();
    const now = shown.dataset.now;
    for (const row of rows()) {
      const is = row.dataset.line === now;
      row.classList.toggle("wb-now", is);
      if (is) { row.setAttribute("aria-current", "true"); row.scrollIntoView({ block: "nearest" }); } else row.removeAttribute("aria-current");
    }
    if (now && !rows().some((row) => row.dataset.line === now) && done) { location.reload(); return; }
    const field = panel.querySelector("[aria-invalid=true], [autofocus], form.rp-form :is(input:not([type=hidden]), select, textarea)");
    const told = panel.querySelector(".wb-said, .rp-errors");
    if (field) field.focus(); else panel.focus({ preventScroll: true });
    const money = panel.querySelector(".wb-money"), who = panel.querySelector(".wb-party");
    say([told && told.textContent.trim(), money && money.textContent, who && who.textContent.trim()].filter(Boolean).join(". "));
    add();
    preview();
  }

  // What posting would do is asked for once the line is on the screen.
  async function preview() {
    const spot = panel.querySelector("[data-wb-preview]:not([data-wb-preview=''])");
    if (!spot) return;
    const line = panel.querySelector(".wb-panel").dataset.now;
    try {
      const answer = await fetch(spot.dataset.wbPreview, { headers: { "X-Workbench": "1" } });
      const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".wb-preview");
      if (answer.ok && part && spot.isConnected && panel.querySelector(".wb-panel").dataset.now === line) spot.replaceChildren(document.importNode(part, true));
    } catch { /* the link stays */ }
  }

  const open = (url) => ask(url).then(place);
  function choose(step) {
    const all = rows(), at = current();
    const row = all[Math.min(all.length - 1, Math.max(0, at + step))];
    if (row && row !== all[at]) take(row);
  }
  function take(row) {
    for (const one of rows()) one.classList.toggle("wb-now", one === row);
    row.scrollIntoView({ block: "nearest" });
    const url = new URL(row.querySelector("[data-wb-pick]").href);
    history.replaceState(null, "", url);
    const query = url.searchParams;
    query.delete("line");
    open(`${location.pathname.replace(/bank-lines\/.*/, "bank-lines/")}${row.dataset.line}/?${query}`);
  }

  async function send(form, button) {
    const data = new FormData(form, button || undefined), get = (form.method || "get").toLowerCase() === "get";
    const url = form.getAttribute("action");
    place(await (get ? ask(`${url}?${new URLSearchParams(data)}`) : ask(url, { method: "POST", body: data })));
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-wb]")) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
  document.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    const pick = event.target.closest("[data-wb-pick]"), link = event.target.closest("a[data-wb]");
    if (pick) { event.preventDefault(); take(pick.closest("li")); } else if (link) { event.preventDefault(); open(link.href); }
  });

  // The count and sum on the button for several lines; the server reckons its own.
  function add() {
    const button = root.querySelector("[data-wb-sum]");
    if (!button) return;
    const ticked = [...root.querySelectorAll("[name=pick]:checked")];
    const cents = ticked.reduce((sum, tick) => { const [whole, part = ""] = tick.dataset.amount.split("."); return sum + BigInt(whole + part.padEnd(2, "0")); }, 0n);
    const digits = cents.toString().padStart(3, "0");
    button.disabled = !ticked.length;
    button.textContent = words.sum.replace("%n", ticked.length).replace("%a", `${digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",")}.${digits.slice(-2)}`);
  }
  const from = root.querySelector("[data-wb-tick]");
  if (from) {
    from.closest("label").hidden = false;
    from.addEventListener("change", () => {
      for (const tick of root.querySelectorAll("[name=pick]")) tick.checked = from.value !== "" && Number(tick.dataset.score) >= Number(from.value);
      add();
    });
    root.addEventListener("change", add);
    add();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
    const link = (key) => panel.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (event.key === "Escape" && link("Escape")) { event.preventDefault(); open(link("Escape").href); return; }
    if (typing) return;
    const accept = panel.querySelector("[data-wb-accept]");
    if (event.key === "Enter" && accept && !event.target.closest("a, button, summary")) {
      event.preventDefault();
      if (!event.repeat && !busy) send(accept);
    } else if (["ArrowDown", "j"].includes(event.key)) { event.preventDefault(); choose(1); }
    else if (["ArrowUp", "k"].includes(event.key)) { event.preventDefault(); choose(-1); }
    else if (event.key === "/") { event.preventDefault(); document.getElementById("wb-search").focus(); }
    else if (event.key === "x") { const tick = root.querySelector(".wb-now [name=pick]"); if (tick) { tick.checked = !tick.checked; add(); } }
    else if (event.key.length === 1 && link(event.key)) {
      event.preventDefault();
      if (link(event.key).hasAttribute("data-wb")) open(link(event.key).href);
      else window.location.assign(link(event.key).href);
    }
  });

  preview();
})();
