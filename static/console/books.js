"use strict";
/* Running sums under the lines of an adjustment. The server adds up anew and decides. Everything works without this. */
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-adjustment]");
  if (!form || !event.target.dataset.side) return;
  for (const shown of form.querySelectorAll("[data-sum]")) {
    let cents = 0n;
    for (const input of form.querySelectorAll(`input[data-side="${shown.dataset.sum}"]`)) {
      const typed = input.value.replace(/,/g, "").trim().match(/^(\d+)(?:\.(\d{1,2}))?$/);
      if (typed) cents += BigInt(typed[1]) * 100n + BigInt((typed[2] || "").padEnd(2, "0"));
    }
    const whole = (cents / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
    shown.textContent = `${whole}.${(cents % 100n).toString().padStart(2, "0")}`;
  }
});
