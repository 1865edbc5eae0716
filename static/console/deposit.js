// Adds up a deposit slip while it is made out. The server adds up again; here nothing is decided.
(() => {
  const form = document.querySelector("[data-deposit]");
  if (!form) return;
  const box = form.querySelector("[data-count]"), cash = form.querySelector("[name=cash_amount]");
  const out = (name) => form.querySelector(`[data-sum=${name}]`);
  const decimals = box ? Number(box.dataset.decimals) : 2;
  const sample = out("cheques").textContent.trim();
  const sign = box ? box.dataset.sign : sample.replace(/[\d.,]+.*$/, "");
  const grouping = box ? box.dataset.grouping : "en-US";

  const units = (text) => {
    const [whole, fraction = ""] = text.replace(/,/g, "").split(".");
    return BigInt((whole || "0") + fraction.padEnd(decimals, "0").slice(0, decimals));
  };
  const written = (value) => {
    const digits = value.toString().padStart(decimals + 1, "0"), cut = digits.length - decimals;
    return sign + BigInt(digits.slice(0, cut)).toLocaleString(grouping) + (decimals ? "." + digits.slice(cut) : "");
  };
  const counted = () => {
    let sum = 0n, typed = false;
    for (const input of box ? box.querySelectorAll("[data-face]") : []) {
      const pieces = input.value.trim();
      if (!/^\d+$/.test(pieces)) continue;
      typed = true;
      sum += units(input.dataset.face) * BigInt(pieces);
    }
    return typed ? sum : null;
  };

  function add() {
    let sum = 0n, count = 0;
    for (const tick of form.querySelectorAll(".dep-tick:checked")) { sum += units(tick.dataset.amount); count += 1; }
    const typed = cash.value.trim(), found = counted();
    const money = /^[\d,]*\.?\d*$/.test(typed) && typed ? units(typed) : typed ? null : found ?? 0n;
    out("count").textContent = count;
    out("cheques").textContent = written(sum);
    out("cash").textContent = money === null ? "?" : written(money);
    out("total").textContent = money === null ? "?" : written(sum + money);
  }

  for (const button of form.querySelectorAll("[data-tick]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const tick of form.querySelectorAll(".dep-tick:not(:disabled)")) tick.checked = button.dataset.tick === "all";
      add();
    });
  }
  form.addEventListener("input", add);
  form.addEventListener("change", add);
  add();
})();
