"use strict";
/* Asking for a refund: the server checks while somebody types, and inputs that do not apply stay out of sight.
   Everything works without this: the Check button shows the same panel. */
(() => {
  const form = document.getElementById("rf-form");
  if (!form) return;
  const panel = document.getElementById("rf-panel"), said = document.getElementById("rf-said");
  const input = (name) => form.elements[name];
  const place = (name) => input(name) && input(name).closest(".rp-field");

  // Which inputs belong to which way back; any way but the money's own needs a reason.
  const wants = {
    destination_reason: (way) => way !== "source",
    // A cheque cannot be sent back: its drawer gets a transfer, so an account is needed.
    payee_account: (way) => way === "bank_transfer" || (way === "source" && form.dataset.method === "cheque"),
    payee_name: (way) => way !== "credit" && way !== "source",
    consent: (way) => way === "credit",
    paper_consent: (way) => way === "credit",
  };
  const ofCancelled = ["charges_amount", "invoice_id"];

  function unfold() {
    const way = input("destination").value;
    for (const [name, wanted] of Object.entries(wants)) show(name, wanted(way));
    const cancelled = ["cancelled", "free_look"].includes(input("reason_code").value);
    for (const name of ofCancelled) show(name, cancelled || Boolean(input(name).value));
  }

  function show(name, wanted) {
    const field = place(name);
    if (field) field.hidden = !wanted && !field.classList.contains("rp-bad");
  }

  let timer, running = null;
  function look() {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  }

  async function ask() {
    if (running) running.abort();
    running = new AbortController();
    const mine = running, body = new FormData(form);
    for (const name of [...body.keys()]) if (body.get(name) instanceof File) body.delete(name);
    try {
      const answer = await fetch(form.dataset.look, { method: "POST", body, signal: mine.signal });
      const html = await answer.text();
      if (mine.signal.aborted) return;
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      panel.innerHTML = html;
      const verdict = panel.querySelector("[data-verdict]"), gross = panel.querySelector("[data-gross]");
      said.textContent = verdict ? verdict.textContent : "";
      for (const words of form.querySelectorAll("[data-amount]")) words.textContent = gross ? gross.dataset.gross : "";
    } catch (error) {
      if (error.name !== "AbortError") panel.textContent = said.textContent = form.dataset.lost;
    }
  }

  form.addEventListener("input", (event) => { if (event.target.type !== "file") look(); });
  form.addEventListener("change", unfold);
  document.getElementById("rf-check").addEventListener("click", (event) => { event.preventDefault(); ask(); });
  form.addEventListener("submit", () => { if (running) running.abort(); clearTimeout(timer); });
  unfold();
})();
