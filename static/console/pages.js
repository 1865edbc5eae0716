"use strict";
/* Typing an amount beside an invoice means "by hand". Everything works without this. */
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-by-hand]");
  if (!form || !event.target.classList.contains("rp-amount")) return;
  const byHand = form.querySelector('input[name="strategy"][value="manual"]');
  if (byHand) byHand.checked = true;
});
