// The vault's forms: next month's cheque, amounts in words, counting one after the other. Everything works without it.
"use strict";
(() => {
  const later = (wait, work) => { let timer; return (...args) => { clearTimeout(timer); timer = setTimeout(() => work(...args), wait); }; };

  // Finding the customer: the list follows what is typed.
  const finder = document.getElementById("vt-find-form");
  if (finder) {
    const input = document.getElementById("vt-find"), list = document.getElementById("vt-found"), said = document.getElementById("vt-find-said");
    let asked = 0;
    const line = (row) => {
      const item = document.createElement("li"), link = document.createElement("a"), name = document.createElement("b"), code = document.createElement("span");
      const address = new URL(finder.dataset.open, location.href);
      new URLSearchParams(location.search).forEach((value, key) => { if (key !== "q") address.searchParams.set(key, value); });
      address.searchParams.set("customer", row.code);
      link.href = address; name.textContent = row.name; code.textContent = row.code; code.className = "rp-code";
      link.append(name, " ", code);
      const small = document.createElement("small"), owed = document.createElement("span");
      small.textContent = [row.other_name, row.phone, row.why].filter(Boolean).join(" · ");
      owed.textContent = row.open; owed.className = "vt-owed";
      item.append(link, " ", small, " ", owed);
      return item;
    };
    const find = later(130, async () => {
      const text = input.value.trim(), mine = ++asked;
      if (!text) { list.replaceChildren(); said.textContent = ""; return; }
      const answer = await fetch(`${finder.dataset.find}?q=${encodeURIComponent(text)}`).catch(() => null);
      if (mine !== asked || !answer || !answer.ok) return;
      const rows = (await answer.json()).results;
      const nothing = document.createElement("li");
      nothing.className = "rp-empty";
      nothing.textContent = finder.dataset.none;
      list.replaceChildren(...(rows.length ? rows.map(line) : [nothing]));
      said.textContent = rows.length ? finder.dataset.found.replace("%n", rows.length) : finder.dataset.none;
    });
    input.addEventListener("input", find);
    finder.addEventListener("submit", (event) => {
      const links = list.querySelectorAll("a");
      if (links.length === 1) { event.preventDefault(); location.href = links[0].href; }
    });
  }

  // Taking in.
  const form = document.getElementById("vt-form");
  if (form) takeIn(form);

  function takeIn(form) {
    const rows = document.getElementById("vt-rows"), spare = document.getElementById("vt-spare");
    const most = Number(form.dataset.most) - 1, spareKey = String(most);
    const all = () => [...rows.children];
    const key = (row) => row.dataset.row;
    const part = (row, name) => form.elements[`${name}-${key(row)}`];
    const typed = ["number", "bank", "branch", "date", "amount", "words_amount"];
    const isBlank = (row) => typed.every((name) => !part(row, name).value) && !row.querySelector(":checked[type=checkbox]");

    const next = document.getElementById("vt-next-month"), add = document.getElementById("vt-add"), more = document.getElementById("vt-more");
    next.hidden = add.hidden = false;
    more.remove();
    // Without scripts there are several empty rows; with them one, and the buttons bring the rest.
    all().slice(1).filter(isBlank).forEach((row) => row.remove());

    function another() {
      const place = Math.max(-1, ...all().map((row) => Number(key(row)))) + 1;
      if (place >= most) return null;
      const holder = document.createElement("div");
      holder.append(spare.content.cloneNode(true));
      const row = holder.firstElementChild;
      row.dataset.row = place;
      for (const name of ["id", "name", "for"]) {
        row.querySelectorAll(`[${name}]`).forEach((element) => {
          element.setAttribute(name, element.getAttribute(name).replace(new RegExp(`-${spareKey}$`), `-${place}`));
        });
      }
      row.querySelector("input[name=row]").value = place;
      row.querySelector("[data-words]").textContent = form.dataset.row.replace("%n", place + 1);
      rows.append(row);
      return row;
    }

    add.addEventListener("click", () => { const row = another(); if (row) { part(row, "number").focus(); total(); } });
    next.addEventListener("click", () => {
      const last = all().filter((row) => !isBlank(row)).pop() || all()[0];
      const blank = all().find((row) => row !== last && isBlank(row));
      const row = isBlank(last) ? last : blank || another();
      if (!row || row === last) { part(last, "number").focus(); return; }
      for (const name of ["bank", "branch", "drawer", "kind", "amount", "words_amount"]) part(row, name).value = part(last, name).value;
      part(row, "number").value = plusOne(part(last, "number").value);
      part(row, "date").value = monthLater(part(all()[0], "date").value, part(last, "date").value);
      ask(row);
      total();
      part(row, "number").focus();
      part(row, "number").select();
    });

    // The last digits count up and keep their leading zeros.
    const plusOne = (text) => text.replace(/(\d+)(\D*)$/, (_all, digits, tail) => (BigInt(digits) + 1n).toString().padStart(digits.length, "0") + tail);

    // A month after the last; the day of the month is the first cheque's, or the last day a shorter month has.
    function monthLater(first, last) {
      const wanted = /^\d{4}-\d{2}-(\d{2})$/.exec(first || last), found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(last);
      if (!found) return "";
      const year = Number(found[1]) + (found[2] === "12" ? 1 : 0), month = (Number(found[2]) % 12) + 1;
      const longest = new Date(Date.UTC(year, month, 0)).getUTCDate();
      const day = Math.min(wanted ? Number(wanted[1]) : Number(found[3]), longest);
      return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
    }

    // What the amount and the date say; the server reads and writes them.
    const asked = new WeakMap();
    async function ask(row) {
      const data = new FormData();
      data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
      data.set("currency", form.elements.currency.value);
      for (const name of ["amount", "words_amount", "date"]) data.set(name, part(row, name).value);
      const mine = (asked.get(row) || 0) + 1;
      asked.set(row, mine);
      const answer = await fetch(form.dataset.words, { method: "POST", body: data }).catch(() => null);
      if (!answer || !answer.ok || answer.redirected || asked.get(row) !== mine) return;
      const said = await answer.json();
      row.querySelectorAll("[data-said]").forEach((place) => { place.textContent = said[place.dataset.said] || ""; });
    }
    const askSoon = later(200, ask);

    function total() {
      const count = all().filter((row) => !isBlank(row)).length, button = document.getElementById("vt-take");
      if (button) button.textContent = count === 1 ? form.dataset.takeOne : count ? form.dataset.take.replace("%n", count) : button.dataset.plain || button.textContent;
    }

    form.addEventListener("input", (event) => {
      const row = event.target.closest("[data-row]");
      total();
      if (row && /^(amount|words_amount|date)-/.test(event.target.name)) askSoon(row);
      if (event.target.name === "currency") all().filter((one) => !isBlank(one)).forEach(ask);
    });
    let sent = false;
    form.addEventListener("submit", (event) => { if (sent) event.preventDefault(); sent = true; });
    window.addEventListener("pageshow", () => { sent = false; });
    total();
    const errors = document.getElementById("vt-errors");
    const wrong = form.querySelector("[aria-invalid=true]");
    if (wrong) wrong.focus(); else if (errors) errors.focus(); else part(all()[0], "number").focus();
  }

  // Counting: one cheque after the other, each a line.
  const counting = document.getElementById("vt-count");
  if (counting) {
    const lines = document.getElementById("id_found"), place = document.getElementById("vt-lines"), scan = document.getElementById("vt-scan");
    const inputs = ["number", "bank", "amount"].map((name) => document.getElementById(`vt-scan-${name}`));
    scan.hidden = false;
    const say = () => {
      const count = lines.value.split("\n").filter((line) => line.trim()).length;
      place.textContent = !count ? "" : count === 1 ? place.dataset.one : place.dataset.many.replace("%n", count);
    };
    const take = () => {
      const empty = inputs.find((input) => !input.value.trim());
      if (empty) { empty.focus(); return; }
      const [number, bank, amount] = inputs.map((input) => input.value.trim().replace(/\t/g, " "));
      lines.value += (lines.value && !lines.value.endsWith("\n") ? "\n" : "") + [number, bank, amount].join("\t") + "\n";
      lines.scrollTop = lines.scrollHeight;
      inputs[0].value = inputs[2].value = "";
      inputs[0].focus();
      say();
    };
    inputs.forEach((input, n) => input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      const next = inputs.slice(n + 1).find((one) => !one.value.trim());
      if (next) next.focus(); else take();
    }));
    document.getElementById("vt-scan-add").addEventListener("click", take);
    lines.addEventListener("input", say);
    let sent = false;
    counting.addEventListener("submit", (event) => { if (sent) event.preventDefault(); sent = true; });
    window.addEventListener("pageshow", () => { sent = false; });
    say();
    if (!lines.getAttribute("aria-invalid")) inputs[0].focus();
  }
})();
