/* The sum of what is chosen, as it will be shown by the server next; and one press of the button that pays. */
(function () {
  "use strict";
  const PLAIN = /^\d{1,9}(\.\d{1,2})?$/;

  function cents(text) {
    const plain = text.replace(/,/g, "").trim();
    if (!PLAIN.test(plain)) return null;
    const parts = plain.split(".");
    return Number(parts[0]) * 100 + Number(((parts[1] || "") + "00").slice(0, 2));
  }

  /* As the server writes money: zero is its 0, with sign and decimals. */
  function written(sum, zero) {
    const shape = /0(\.0+)?$/.exec(zero);
    const digits = shape[1] ? shape[1].length - 1 : 0;
    const plain = (sum / 100).toLocaleString(zero.startsWith("₹") ? "en-IN" : "en-US", {
      minimumFractionDigits: digits, maximumFractionDigits: digits
    });
    return zero.slice(0, shape.index) + plain;
  }

  for (const form of document.querySelectorAll("form[data-zero]")) {
    const place = form.querySelector("[data-total]");
    if (!place) continue;
    const add = function () {
      let sum = 0;
      for (const box of form.querySelectorAll("input[name=invoices]:checked")) {
        const amount = cents(form.elements["amount_" + box.value].value);
        if (amount === null) { sum = null; break; }
        sum += amount;
      }
      place.textContent = sum === null ? "–" : written(sum, form.dataset.zero);
    };
    form.addEventListener("input", add);
    add();
    place.parentElement.hidden = false;
  }

  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", function () {
      window.setTimeout(function () { form.querySelector("button").disabled = true; }, 0);
    });
    window.addEventListener("pageshow", function () { form.querySelector("button").disabled = false; });
  }
})();
