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
