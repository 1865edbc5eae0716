/* A page that waits for somebody else looks again by itself, but takes nothing away from who is at one of its links. */
(function () {
  "use strict";
  const pause = Number(document.currentScript.dataset.seconds) * 1000;

  function look() {
    const held = document.activeElement;
    const isBusy = held && held.id !== "main" && held.closest("main");
    if (isBusy || document.hidden) window.setTimeout(look, pause);
    else window.location.reload();
  }

  window.setTimeout(look, pause);
})();
