// Notes of each stop what it looks like before and while it has the focus. A group of radio buttons is one stop.
() => {
  const STOPS = "a[href], button, input, select, textarea, summary, iframe, [tabindex]";

  const ring = el => {
    const style = getComputedStyle(el);
    return [style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow].join(" ");
  };
  const named = el => {
    const words = el.getAttribute("aria-label") || el.innerText || el.name || el.id || "";
    return `${el.tagName.toLowerCase()} ${words.trim().slice(0, 40)}`;
  };
  const isOneOfGroup = el => {
    if (el.type !== "radio" || !el.name) return true;
    const all = [...(el.form || document).querySelectorAll(`input[type=radio][name="${CSS.escape(el.name)}"]`)];
    const group = all.filter(one => !one.disabled);
    return el === (group.find(one => one.checked) || group[0]);
  };
  const isStop = el => {
    if (el.disabled || el.tabIndex < 0 || el.type === "hidden") return false;
    if (el.tagName === "SUMMARY" && el !== el.parentElement.querySelector("summary")) return false;
    return el.checkVisibility({ visibilityProperty: true }) && isOneOfGroup(el);
  };

  const isUncovered = el => {
    const box = el.getClientRects()[0];
    const there = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return !!there && (el.contains(there) || there.contains(el) && there.tagName === "LABEL");
  };

  const top = document.createElement("span"); // from here the first Tab goes to the first stop
  top.tabIndex = -1;
  document.body.prepend(top);
  top.focus();
  top.remove();
  const stops = [...document.querySelectorAll(STOPS)].filter(isStop);
  const before = new Map(stops.map(el => [el, ring(el)]));
  document.removeEventListener("focusin", window.noted);
  window.walked = [];
  window.noted = event => {
    const el = event.target, box = el.getBoundingClientRect();
    window.walked.push({
      at: stops.indexOf(el), name: named(el), main: !!el.closest("main"), skip: el.classList.contains("skip"),
      ring: ring(el) !== before.get(el), left: box.left, top: box.top + scrollY, bottom: box.bottom + scrollY,
      shown: isUncovered(el),
    });
  };
  document.addEventListener("focusin", window.noted);
  return [stops.map(named), stops.filter(el => ["date", "time"].includes(el.type)).length];
}
