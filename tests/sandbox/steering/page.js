"use strict";

const MOST = 200;
const EVERY = 2000;
const at = (id) => document.getElementById(id);
let boxes = [];
let current = "";
let drawn = "";

function make(tag, facts = {}, ...inside) {
  const made = Object.assign(document.createElement(tag), facts);
  made.append(...inside);
  return made;
}

function say(text, bad = false) {
  at("said").textContent = text;
  at("said").className = bad ? "bad" : "";
}

async function ask(path, body) {
  const how = body === undefined ? {} : {
    method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" },
  };
  const reply = await fetch(path, how);
  const found = await reply.json();
  if (!reply.ok) throw new Error(found.error || `HTTP ${reply.status}`);
  return found;
}

async function doing(work) {
  try {
    await work();
    await look();
  } catch (wrong) {
    say(wrong.message, true);
  }
}

const here = (what) => `sandboxes/${current}/${what}`;
const short = (iso) => iso.slice(0, 19).replace("T", " ");

function table(place, empty, columns, rows) {
  const newest = rows.slice().reverse().slice(0, MOST);
  if (!rows.length) {
    at(place).replaceChildren(make("p", { className: "empty", textContent: empty }));
    return;
  }
  const head = make("tr", {}, ...columns.map(([title, , kind]) =>
    make("th", { textContent: title, className: kind || "", scope: "col" })));
  const body = newest.map((row) => make("tr", {}, ...columns.map(([title, cell, kind]) => {
    const shown = cell(row);
    const made = make("td", { className: shown === "" ? "none" : kind || "" }, shown instanceof Node ? shown : String(shown));
    made.dataset.title = title;
    return made;
  })));
  at(place).replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

function counted(place, rows) {
  at(place).textContent = rows.length > MOST ? `${MOST} newest of ${rows.length}` : `${rows.length}`;
}

function outcome(row) {
  const word = row.is_done ? ["✓ received", "good"]
    : row.gave_up ? ["✕ given up", "bad"]
    : row.tries ? ["↻ to be tried again", "bad"] : ["… waiting", ""];
  const status = row.status === null ? "" : row.status === 0 ? ", nobody answered" : `, HTTP ${row.status}`;
  const tries = row.tries > 1 ? `, ${row.tries} times` : "";
  return make("span", { className: word[1], textContent: word[0] + status + tries });
}

function again(row) {
  const button = make("button", { type: "button", textContent: "Send again" });
  button.onclick = () => doing(async () => {
    const { statuses } = await ask(here("webhooks/send"), { place: row.place });
    say(`${row.topic} sent again: ${statuses.map((one) => one ? `HTTP ${one}` : "nobody answered").join(", ")}`);
  });
  return button;
}

function drawLedger(entries) {
  counted("ledger-count", entries);
  table("ledger", "Nothing happened here yet.", [
    ["When", (row) => short(row.at), "at"], ["What", (row) => row.kind.replaceAll("_", " ")],
    ["Amount", (row) => row.amount, "money"], ["Currency", (row) => row.currency],
    ["Merchant's key", (row) => row.key, "long"], ["Reference", (row) => row.ref, "long"],
    ["Note", (row) => row.note, "long"],
  ], entries);
}

function drawShown(rows) {
  at("shown-part").hidden = !rows.length;
  counted("shown-count", rows);
  const columns = rows.length ? Object.keys(rows[rows.length - 1]) : [];
  table("shown", "", columns.map((name) => [
    name, (row) => name === "at" ? short(row.at) : row[name] ?? "", name === "at" ? "at" : "long",
  ]), rows);
}

function drawHooks(state) {
  counted("hooks-count", state.webhooks);
  table("hooks", "It had nothing to tell yet.", [
    ["When", (row) => short(row.made_at), "at"], ["Event", (row) => row.topic, "long"],
    ["About", (row) => row.key, "long"], ["Outcome", outcome], ["", again],
  ], state.webhooks);
  for (const name of ["muted", "shuffled"]) at(name).checked = state.webhook_switches[name];
  if (document.activeElement !== at("repeat")) at("repeat").value = state.webhook_switches.repeat;
}

function drawFaults(faults) {
  table("faults", "All is well.", [
    ["Fault", (row) => row.kind], ["Path", (row) => row.path || "any", "long"], ["Body", (row) => row.body || "any", "long"],
    ["Hits", (row) => row.times === null ? `${row.hits}, always` : `${row.hits} of ${row.times}`], ["Seconds", (row) => row.seconds, "money"],
  ], faults);
}

function drawDeeds(forms) {
  at("deeds").replaceChildren(...forms.map((deed) => {
    const form = make("form");
    if (deed.help) form.append(make("p", { textContent: deed.help }));
    for (const one of deed.parameters) {
      const must = one.default === null;
      form.append(make("label", {}, one.name.replaceAll("_", " "), make("input", {
        name: one.name, required: must, value: must ? "" : one.default, autocomplete: "off",
      })));
    }
    form.append(make("button", { textContent: deed.label }));
    form.onsubmit = (event) => {
      event.preventDefault();
      doing(async () => {
        const { done } = await ask(here("deeds"), { name: deed.name, ...Object.fromEntries(new FormData(form)) });
        say(`${deed.label}: ${done === "None" ? "done" : done}`);
      });
    };
    return make("details", {}, make("summary", { textContent: deed.label }), form);
  }));
  if (!forms.length) at("deeds").replaceChildren(make("p", { className: "empty", textContent: "Nothing by hand." }));
}

/* What is typed into forms stays: they are drawn once for each processor, tables with every look. */
function drawForms(state) {
  at("title").textContent = state.title;
  const box = boxes.find((one) => one.name === current);
  Object.assign(at("url"), { href: box.url, textContent: box.url });
  at("hook").textContent = state.webhook_url || "nobody";
  at("kinds").replaceChildren(...state.fault_kinds.map((kind) => make("option", { value: kind, textContent: kind.replaceAll("_", " ") })));
  at("latency").elements.seconds.value = state.latency;
  drawDeeds(state.deed_forms);
  drawn = current;
  at("main").hidden = false;
}

async function look() {
  const asked = current;
  const [{ now }, state, { entries }] = await Promise.all([ask("sandboxes"), ask(here("state")), ask(here("ledger"))]);
  if (asked !== current) return;
  at("now").textContent = `${short(now)} UTC`;
  if (drawn !== current) drawForms(state);
  drawLedger(entries);
  drawShown(state.shown);
  drawHooks(state);
  drawFaults(state.faults);
}

function choose(name) {
  current = name;
  history.replaceState(null, "", `#${name}`);
  for (const tab of at("tabs").children) {
    tab.setAttribute("aria-current", tab.value === name);
    if (tab.value === name) tab.scrollIntoView({ block: "nearest", inline: "center" });
  }
  say("");
  doing(async () => {});
}

function listen() {
  for (const button of document.querySelectorAll("[data-step]")) {
    button.onclick = () => doing(async () => {
      const { now } = await ask("clock", { [button.dataset.step]: 1 });
      say(`It is now ${short(now)} UTC in all sandboxes.`);
    });
  }
  for (const name of ["muted", "shuffled"]) {
    at(name).onchange = () => doing(() => ask(here("webhooks/set"), { [name]: at(name).checked }));
  }
  at("repeat").onchange = () => doing(() => ask(here("webhooks/set"), { repeat: Number(at("repeat").value) }));
  at("clear").onclick = () => doing(() => ask(here("faults/clear"), {}));
  at("fault").onsubmit = (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(at("fault")));
    const times = given.times ? Number(given.times) : null;
    doing(async () => {
      await ask(here("faults"), { ...given, times, seconds: Number(given.seconds) });
      say(`The fault waits for its call: ${given.kind.replaceAll("_", " ")}.`);
    });
  };
  at("latency").onsubmit = (event) => {
    event.preventDefault();
    doing(async () => {
      const { seconds } = await ask(here("latency"), { seconds: Number(at("latency").elements.seconds.value) });
      say(`Every answer now takes ${seconds} s.`);
    });
  };
}

async function start() {
  ({ sandboxes: boxes } = await ask("sandboxes"));
  at("tabs").replaceChildren(...boxes.map((one) => {
    const tab = make("button", { type: "button", value: one.name, textContent: one.title });
    tab.onclick = () => choose(one.name);
    return tab;
  }));
  listen();
  if (!boxes.length) return say("No sandbox runs.", true);
  const wished = location.hash.slice(1);
  choose(boxes.some((one) => one.name === wished) ? wished : boxes[0].name);
  setInterval(() => { if (!document.hidden) look().catch((wrong) => say(`${wrong.message}: does ./run still run?`, true)); }, EVERY);
}

start().catch((wrong) => say(wrong.message, true));
