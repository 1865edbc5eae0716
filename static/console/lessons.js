"use strict";
/* Marking by keyboard: a letter marks the student in focus and goes on to the next. Everything works without this. */
document.addEventListener("keydown", (event) => {
  const rows = event.target.closest && event.target.closest("form[data-lessons]") ? [...document.querySelectorAll("[data-marks]")] : [];
  const row = event.target.closest && event.target.closest("[data-marks]");
  if (!row || !rows.length || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("[data-notice]")) return;
  const mark = row.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!mark) return;
  event.preventDefault();
  mark.checked = true;
  // A cancellation by the student is asked for its notice first.
  const next = mark.dataset.key === "c" ? row.querySelector("[data-notice]") : rows[rows.indexOf(row) + 1]?.querySelector("input[type=radio]");
  if (next) next.focus(); else mark.focus();
});
// From the notice on to the next student, instead of sending the form.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || !event.target.matches || !event.target.matches("form[data-lessons] [data-notice]")) return;
  event.preventDefault();
  const rows = [...document.querySelectorAll("[data-marks]")], next = rows[rows.indexOf(event.target.closest("[data-marks]")) + 1];
  (next ? next.querySelector("input[type=radio]") : document.querySelector('[name="step"][value="preview"]')).focus();
});
