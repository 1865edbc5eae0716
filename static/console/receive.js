// Receive payment. The server decides every figure and sentence; this puts them in place and moves the focus.
"use strict";
(() => {
  const root = document.getElementById("receive");
  if (!root) return;
  const $ = (selector, inside = root) => inside.querySelector(selector);
  const words = root.dataset;
  const finder = $("#rcv-find"), list = $("#rcv-list"), status = $("#rcv-find-status");
  const card = $("#rcv-card"), desk = $("#rcv-desk"), done = $("#rcv-done"), taken = $("#rcv-taken");
  const nobody = $("#rcv-nobody").innerHTML;
  const form = () => $("#rcv-form");

  function later(wait, work) {
    let timer;
    const soon = (...args) => { clearTimeout(timer); timer = setTimeout(() => work(...args), wait); };
    soon.cancel = () => clearTimeout(timer);
    return soon;
  }

  // Answers may overtake each other; only the latest question counts.
  function asker() {
    let running = null;
    const ask = async (url, options = {}) => {
      if (running) running.abort();
      running = new AbortController();
      const mine = running;
      try {
        const response = await fetch(url, { ...options, signal: mine.signal, headers: { Accept: "application/json, text/html", ...(options.headers || {}) } });
        const text = await response.text();
        if (mine.signal.aborted) return null;
        if (response.redirected || response.status === 401) return { trouble: words.signedOut };
        if ((response.headers.get("Content-Type") || "").includes("json")) return { status: response.status, data: JSON.parse(text) };
        if (response.status === 403) return { trouble: words.refused };
        return response.ok ? { status: response.status, html: text } : { trouble: words.lost };
      } catch (error) {
        return error.name === "AbortError" ? null : { trouble: words.lost };
      }
    };
    ask.stop = () => running && running.abort();
    return ask;
  }

  function element(tag, text, className = "") {
    const made = document.createElement(tag);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  // The customer finder: a combobox; the list's active line follows the arrow keys.

  const askFind = asker(), askDesk = asker(), askPreview = asker();
  let active = -1, shownFor = "", takeWhenFound = false;

  function showList(results) {
    list.replaceChildren(...results.map((row, n) => {
      const line = document.createElement("li");
      line.id = `rcv-option-${n}`;
      line.setAttribute("role", "option");
      line.dataset.code = row.code;
      const left = element("div", "");
      left.append(element("b", row.name), " ", element("span", row.code, "rcv-code"));
      if (row.other_name) left.append(" ", element("span", row.other_name, "rcv-quiet"));
      left.append(document.createElement("br"), element("small", [row.phone, row.why, row.is_on_hold && words.hold, !row.is_active && words.closed].filter(Boolean).join(" · ")));
      const right = element("div", "", "is-owed");
      right.append(element("span", row.open));
      if (row.overdue) right.append(document.createElement("br"), element("small", `▲ ${words.overdue} ${row.overdue}`, "is-late"));
      line.append(left, right);
      return line;
    }));
    const count = results.length;
    list.hidden = !count;
    finder.setAttribute("aria-expanded", String(Boolean(count)));
    say(!count ? words.none : count === 1 ? words.foundOne : words.found.replace("%n", count), !count);
    activate(count ? 0 : -1);
  }

  // What a reader hears of the list; what there is no list for, everybody sees.
  function say(words, visibly) {
    status.textContent = words;
    status.className = visibly ? "rcv-nothing" : "rcv-sr";
  }

  function hideList() {
    list.hidden = true;
    finder.setAttribute("aria-expanded", "false");
    finder.removeAttribute("aria-activedescendant");
    active = -1;
  }

  function activate(n) {
    const lines = [...list.children];
    lines.forEach((line, place) => line.setAttribute("aria-selected", String(place === n)));
    active = n;
    if (n < 0) return finder.removeAttribute("aria-activedescendant");
    finder.setAttribute("aria-activedescendant", lines[n].id);
    lines[n].scrollIntoView({ block: "nearest" });
  }

  const find = later(120, async () => {
    const text = finder.value.trim();
    if (!text) { shownFor = ""; say("", false); return hideList(); }
    const answer = await askFind(`${words.find}?q=${encodeURIComponent(text)}`);
    if (!answer) return;
    if (answer.trouble || answer.data.errors) {
      hideList();
      say(answer.trouble || answer.data.errors[0].message, true);
      return;
    }
    shownFor = text;
    showList(answer.data.results);
    if (takeWhenFound) { takeWhenFound = false; takeActive(); }
  });

  function takeActive() {
    const line = list.children[active];
    if (line) choose(line.dataset.code);
  }

  finder.addEventListener("input", () => { takeWhenFound = false; done.hidden = true; find(); });
  finder.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const lines = list.children.length;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && lines) {
      event.preventDefault();
      list.hidden = false;
      finder.setAttribute("aria-expanded", "true");
      activate((active + (event.key === "ArrowDown" ? 1 : -1) + lines) % lines);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (finder.value.trim() && finder.value.trim() !== shownFor) { takeWhenFound = true; find(); } else takeActive();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (!list.hidden) return hideList();
      finder.value = "";
      clear();
    }
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const line = event.target.closest("[role=option]");
    if (line) choose(line.dataset.code);
  });
  finder.addEventListener("blur", () => setTimeout(hideList, 100));
  $("#rcv-find-form").addEventListener("submit", (event) => event.preventDefault());

  async function choose(code) {
    hideList();
    askPreview.stop();
    const answer = await askDesk(`${words.desk}?customer=${encodeURIComponent(code)}`);
    if (!answer) return;
    if (!answer.html) { say(answer.trouble || answer.data.errors[0].message, true); return; }
    const parts = new DOMParser().parseFromString(answer.html, "text/html");
    card.innerHTML = $("[data-part=card]", parts).innerHTML;
    desk.innerHTML = $("[data-part=form]", parts).innerHTML;
    const found = $("#rcv-found");
    if (found) found.remove();
    done.hidden = true;
    finder.value = "";
    shownFor = "";
    list.replaceChildren();
    say("", false);
    begin();
    $("#rcv-amount").focus();
  }

  function clear() {
    askPreview.stop();
    preview.cancel();
    desk.replaceChildren();
    card.innerHTML = nobody;
    if (location.search) history.replaceState(null, "", location.pathname);
    finder.focus();
  }

  // The form: each change asks the server what it would do.

  function begin() {
    if (!form()) return;
    showMethod();
    if ($("#rcv-amount").value) preview();
  }

  function showMethod() {
    const method = form().elements.method.value;
    form().querySelectorAll("[data-only]").forEach((part) => {
      part.hidden = part.dataset.only !== method;
      if (part.tagName === "FIELDSET") part.disabled = part.hidden;
    });
  }

  const isByHand = () => form().elements.strategy.value === "manual";

  function typed(deed = "") {
    const data = new FormData(form());
    if (!isByHand()) [...data.keys()].filter((name) => name.startsWith("apply-")).forEach((name) => data.delete(name));
    // Pictures go out with the save alone: a preview needs none and stays quick.
    if (deed) data.set("do", deed); else [...data.entries()].filter(([, value]) => value instanceof File).forEach(([name]) => data.delete(name));
    return data;
  }

  const preview = later(150, async () => {
    if (!form()) return;
    const asked = form();
    const answer = await askPreview(words.preview, { method: "POST", body: typed() });
    if (!answer || asked !== form()) return;
    if (answer.trouble) return showErrors([{ field: "", message: answer.trouble }], true);
    show(answer.data);
  });

  function put(place, value) {
    if (place && place.textContent !== value) place.textContent = value;
  }

  function show(data) {
    if (data.table) {
      const name = document.activeElement && document.activeElement.name;
      $("#rcv-table").innerHTML = data.table;
      if (name && name.startsWith("apply-") && form().elements[name]) form().elements[name].focus();
    }
    if (data.is_empty) empty(); else fill(data);
    showErrors(data.errors, false);
    showWays(data.ways);
    if (!data.errors.length) $("#rcv-errors").hidden = true;
  }

  function fill(data) {
    for (const name of ["words", "day", "reading", "lookalike", "open_after"]) put($(`[data-cell=${name}]`), data[name] || "");
    for (const name of ["total_applied", "applied_total"]) put($(`[data-cell=${name}]`), data.applied);
    put($("[data-cell=total_left]"), data.left_over);
    put($("[data-cell=discount_total]"), data.discount);
    for (const [strategy, cells] of Object.entries(data.strategies)) showStrategy(strategy, cells);
    for (const [key, cells] of Object.entries(data.rows)) showRow(key, cells);
    showWarnings(data.warnings);
    $("#rcv-lookalike").hidden = !data.lookalike;
  }

  function empty() {
    for (const name of ["words", "reading"]) put($(`[data-cell=${name}]`), "");
    for (const name of ["total_applied", "total_left"]) put($(`[data-cell=${name}]`), "–");
    for (const name of ["applied_total", "discount_total"]) put($(`[data-cell=${name}]`), "");
    form().querySelectorAll("[data-strategy] [data-cell]").forEach((cell) => put(cell, cell.dataset.cell === "part" ? "" : "–"));
    form().querySelectorAll(".rcv-measure").forEach((line) => line.classList.add("is-nothing"));
    form().querySelectorAll("[data-row]").forEach((row) => {
      row.className = "";
      put($("[data-cell=discount]", row), "–");
      put($("[data-cell=after]", row), $("[data-open]", row).textContent);
      if (!isByHand()) $("input", row).value = "";
    });
    showWarnings([]);
    $("#rcv-lookalike").hidden = true;
  }

  function showStrategy(strategy, cells) {
    const place = $(`[data-strategy="${strategy}"]`);
    place.classList.toggle("is-refused", cells.refused);
    for (const cell of place.querySelectorAll("[data-cell]")) {
      put(cell, cells[cell.dataset.cell]);
      if (cell.tagName === "B") cell.parentNode.classList.toggle("is-nothing", cells[cell.dataset.cell] === "–");
    }
  }

  function showRow(key, cells) {
    const row = $(`[data-row="${key}"]`);
    if (!row) return;
    row.className = cells.tone ? `is-${cells.tone}` : "";
    put($("[data-cell=discount]", row), cells.discount);
    put($("[data-cell=after]", row), cells.after);
    if (!isByHand()) $("input", row).value = cells.apply;
  }

  function showWarnings(warnings) {
    const place = $("#rcv-warnings");
    const now = warnings.map((warning) => warning.message).join("\n");
    if (place.dataset.now === now) return;
    place.dataset.now = now;
    place.replaceChildren(...warnings.map((warning) => {
      const line = element("li", warning.message);
      line.dataset.code = warning.code;
      return line;
    }));
  }

  // Where a refused cheque may go instead: the vault, or back with a slip.
  function showWays(ways) {
    const place = $("#rcv-ways");
    place.replaceChildren(...(ways || []).map((way) => { const link = element("a", way.words); link.href = way.url; return link; }));
    place.hidden = !place.children.length;
  }

  // An error stands beside its field, and after a save also at the top, where the focus goes.
  function showErrors(errors, atTop) {
    const by = {};
    for (const error of errors) by[error.field.startsWith("count-") ? "denominations" : error.field] = error;
    form().querySelectorAll("[data-error]").forEach((place) => {
      const error = by[place.dataset.error];
      place.hidden = !error || (place.dataset.error === "lookalike_reason" && !$("#rcv-lookalike").hidden);
      put(place, error ? error.message : "");
    });
    for (const input of form().elements) {
      if (input.name && errors.some((error) => error.field === input.name)) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    if (!atTop) return;
    $("#rcv-errors ul").replaceChildren(...errors.map((error) => element("li", error.label ? `${error.label}: ${error.message}` : error.message)));
    $("#rcv-errors").hidden = !errors.length;
    const first = errors.map((error) => form().elements[error.field]).find((input) => input && input.focus && !input.hidden && input.type !== "hidden");
    const count = errors.some((error) => error.field.startsWith("count-") || error.field === "denominations") && $(".rcv-count");
    if (count) count.open = true;
    if (first) first.focus(); else $("#rcv-errors").scrollIntoView({ block: "nearest" });
  }

  let saving = false;
  async function save(deed) {
    if (saving || !form()) return;
    saving = true;
    preview.cancel();
    askPreview.stop();
    const here = form(), buttons = here.querySelectorAll("button");
    here.setAttribute("aria-busy", "true");
    buttons.forEach((button) => { button.disabled = true; });
    const answer = await asker()(words.save, { method: "POST", body: typed(deed) });
    saving = false;
    here.removeAttribute("aria-busy");
    buttons.forEach((button) => { button.disabled = false; });
    if (!answer || answer.trouble) return showErrors([{ field: "", message: answer ? answer.trouble : words.lost }], true);
    if (answer.data.errors) {
      const alike = answer.data.errors.find((error) => error.field === "lookalike_reason");
      if (alike) { $("#rcv-lookalike").hidden = false; put($("[data-cell=lookalike]"), alike.message); }
      showWays(answer.data.ways);
      return showErrors(answer.data.errors, true);
    }
    finish(answer.data);
  }

  function finish(data) {
    const made = new DOMParser().parseFromString(data.row, "text/html").querySelector("li");
    taken.querySelectorAll(".is-new").forEach((line) => line.classList.remove("is-new"));
    const again = [...taken.children].find((line) => $(".rcv-number", line).textContent === data.payment.number);
    if (again) again.remove();
    made.classList.add("is-new");
    taken.prepend(made);
    let message = data.message;
    if (data.open_receipt) {
      const tab = window.open(data.receipt.url, "_blank");
      if (tab) tab.opener = null; else message += ` ${words.blocked}`;
    }
    clear();
    done.textContent = message;
    done.hidden = false;
  }

  root.addEventListener("input", (event) => {
    if (!event.target.closest("#rcv-form")) return;
    if (event.target.name && event.target.name.startsWith("apply-")) form().elements.strategy.value = "manual";
    preview();
  });
  root.addEventListener("change", (event) => {
    if (!event.target.closest("#rcv-form")) return;
    if (event.target.name === "method") showMethod();
    preview();
  });
  root.addEventListener("submit", (event) => {
    if (event.target.id !== "rcv-form") return;
    event.preventDefault();
    save(event.submitter && event.submitter.value ? event.submitter.value : "next");
  });

  desk.addEventListener("click", (event) => {
    const row = event.target.closest("[data-strategy]");
    if (row && !event.target.closest("label") && !$("input", row).checked) $("input", row).click();
  });

  let lastEscape = 0;
  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "F2") {
      event.preventDefault();
      finder.focus();
      finder.select();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form()) {
      event.preventDefault();
      save("print");
    } else if (event.key === "Enter" && event.target.tagName === "INPUT" && event.target.closest("#rcv-form")) {
      event.preventDefault();
      preview();
    } else if (event.key === "Escape" && form() && root.contains(event.target)) {
      const nothingTyped = !$("#rcv-amount").value;
      if (nothingTyped || event.timeStamp - lastEscape < 3000) { say("", false); return clear(); }
      lastEscape = event.timeStamp;
      showErrors([], false);
      $("#rcv-errors ul").replaceChildren(element("li", words.again));
      $("#rcv-errors").hidden = false;
    }
  });

  // The theme shows the page only once its own scripts have run, too late for autofocus.
  const start = () => setTimeout(() => {
    if (document.activeElement === document.body) (form() ? $("#rcv-amount") : finder).focus();
  });
  if (document.readyState === "complete") start(); else window.addEventListener("load", start);
  begin();
})();
