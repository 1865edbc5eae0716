// Adds up notes and coins while they are counted. The server counts again; here nothing is decided.
(() => {
  const places = (box) => Number(box.dataset.decimals);
  const units = (text, decimals) => {
    const [whole, fraction = ""] = text.split(".");
    return BigInt(whole + fraction.padEnd(decimals, "0").slice(0, decimals));
  };
  const written = (box, value) => {
    const digits = value.toString().padStart(places(box) + 1, "0");
    const cut = digits.length - places(box);
    const whole = BigInt(digits.slice(0, cut)).toLocaleString(box.dataset.grouping);
    return box.dataset.sign + whole + (places(box) ? "." + digits.slice(cut) : "");
  };

  function add(box) {
    let sum = 0n, typed = false, wrong = false;
    for (const input of box.querySelectorAll("[data-face]")) {
      const text = input.value.trim(), part = input.parentNode.querySelector("output");
      if (!text) { part.textContent = ""; continue; }
      if (!/^\d+$/.test(text)) { part.textContent = "?"; wrong = true; continue; }
      typed = true;
      const value = units(input.dataset.face, places(box)) * BigInt(text);
      part.textContent = value ? written(box, value) : "–";
      sum += value;
    }
    box.querySelector("[data-count-sum]").textContent = wrong ? "?" : typed ? written(box, sum) : "–";
  }

  document.addEventListener("input", (event) => {
    const box = event.target.closest && event.target.closest("[data-count]");
    if (box) add(box);
  });
  // Enter goes on to the next kind; only the button saves.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey || !event.target.dataset || !event.target.dataset.face) return;
    const box = event.target.closest("[data-count]");
    event.preventDefault();
    const inputs = [...box.querySelectorAll("[data-face]")], next = inputs[inputs.indexOf(event.target) + 1];
    if (next) { next.focus(); next.select(); return; }
    const after = box.closest("form").querySelector("[data-after-count]");
    if (after) after.focus();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("[data-print]")) window.print();
  });
  document.querySelectorAll("[data-count]").forEach(add);
  // Somebody who counts again starts where nothing is typed yet.
  const first = document.querySelector("[data-count-first] [data-face]");
  if (first) window.addEventListener("load", () => setTimeout(() => document.activeElement === document.body && first.focus()));
})();
