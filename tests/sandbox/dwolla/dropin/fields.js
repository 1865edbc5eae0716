/* Runs inside the frame: asks the page for a client token, calls the API with it, tells the page how it ended. */
(function () {
  "use strict";
  const VENDOR = "application/vnd.dwolla.v1.hal+json";
  const asked = new URLSearchParams(location.search);
  const form = document.querySelector("form");
  const message = document.querySelector("[role=status]");
  const waiting = new Map();

  const tell = (what) => window.parent.postMessage(what, "*");
  const fit = () => tell({ height: Math.ceil(document.body.getBoundingClientRect().height) });

  window.addEventListener("message", (event) => {
    const waits = event.source === window.parent && waiting.get(event.data.ask);
    if (!waits) return;
    waiting.delete(event.data.ask);
    if (event.data.token) waits.resolve(event.data.token);
    else waits.reject(new Error(event.data.failed));
  });

  function token(action) {
    const ask = crypto.getRandomValues(new Uint32Array(2)).join("-");
    return new Promise((resolve, reject) => {
      waiting.set(ask, { resolve, reject });
      tell({ action, ask });
    });
  }

  async function post(action, path, body) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { accept: VENDOR, "content-type": VENDOR, authorization: `Bearer ${await token(action)}` },
      body: body ? JSON.stringify(body) : "",
    });
    const text = await answer.text();
    if (answer.status >= 300 || answer.status === 202) throw JSON.parse(text);
    return answer.headers.get("location");
  }

  const flows = {
    async bank(fields) {
      const path = `/customers/${encodeURIComponent(asked.get("customer"))}/funding-sources`;
      const href = await post("customer.fundingsources.create", path, fields);
      if (asked.get("deposits")) {
        await post("customer.microdeposits.create", `${new URL(href).pathname}/micro-deposits`);
      }
      return { resource: "funding-sources", response: { location: href, _links: { "funding-source": { href } } } };
    },
    async deposits(fields) {
      const path = `/funding-sources/${encodeURIComponent(asked.get("bank"))}/micro-deposits`;
      const amount = (value) => ({ value, currency: "USD" });
      await post("customer.microdeposits.verify", path, {
        amount1: amount(fields.amount1),
        amount2: amount(fields.amount2),
      });
      return { resource: "micro-deposits", response: { _links: { self: { href: location.origin + path } } } };
    },
  };

  function words(error) {
    const errors = error._embedded ? error._embedded.errors : [error];
    return errors.map((one) => one.message).join(" ");
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    message.className = "";
    message.textContent = "One moment …";
    try {
      const done = await flows[form.dataset.flow](Object.fromEntries(new FormData(form)));
      message.className = "dwolla-success";
      message.textContent = form.dataset.done;
      form.reset();
      tell({ success: done });
    } catch (error) {
      message.className = "dwolla-error";
      message.textContent = words(error);
      tell({ error: { code: error.code || "Error", message: words(error), ...error } });
    } finally {
      button.disabled = false;
      fit();
    }
  });

  for (const hint of document.querySelectorAll("[data-fill]")) {
    hint.addEventListener("click", () => {
      for (const [name, value] of Object.entries(JSON.parse(hint.dataset.fill))) form.elements[name].value = value;
    });
  }
  window.addEventListener("load", fit);
  window.addEventListener("resize", fit);
})();
