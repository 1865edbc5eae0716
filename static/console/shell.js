// Small comforts; every screen works without them.
document.addEventListener("keydown", (event) => {
  const open = document.querySelector("details.q-org[open]");
  if (event.key === "Escape" && open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  const open = document.querySelector("details.q-org[open]");
  if (open && !open.contains(event.target)) open.open = false;
});
document.addEventListener("DOMContentLoaded", () => {
  const trouble = document.querySelector(".q-errors[tabindex]");
  if (trouble) trouble.focus();
  const token = document.getElementById("token");
  if (token && token.readOnly) token.select();
});
// A field that looks up its choices is called as its label says; the library names it by what is chosen alone.
function nameLookUps() {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible[id]")) {
    const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    const box = select.nextElementSibling && select.nextElementSibling.querySelector(".select2-selection");
    const chosen = box && box.querySelector(".select2-selection__rendered");
    if (!label || !chosen) continue;
    label.id = label.id || `${select.id}-label`;
    box.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
    chosen.setAttribute("aria-labelledby", label.id);
  }
}
// Marks that say something and are neither text nor button: the two-list picker makes them when the page is loaded.
function nameMarks() {
  for (const mark of document.querySelectorAll("span.help-tooltip[aria-label]")) mark.setAttribute("role", "img");
}
window.addEventListener("load", nameLookUps);
window.addEventListener("load", () => setTimeout(nameMarks));
document.addEventListener("formset:added", nameLookUps);
