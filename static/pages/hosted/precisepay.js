/* PrecisePay's Collect.js in its own panel: the number is typed there and goes from there to the processor. */
(function () {
  "use strict";
  const hosted = window.hostedForm;
  if (!hosted || !window.CollectJS) return;
  const isBank = hosted.form.dataset.instrument === "bank";

  /* Before Collect.js hears of it: our own fields first. */
  hosted.button.addEventListener("click", function (event) {
    if (!hosted.form.reportValidity()) event.stopImmediatePropagation();
  });

  window.CollectJS.configure({
    variant: "lightbox",
    paymentSelector: "#hosted-open",
    paymentType: isBank ? "ck" : "cc",
    buttonText: hosted.form.dataset.button,
    callback: function (said) {
      const account = (said.check && said.check.account) || "";
      const routing = (said.check && said.check.aba) || "";
      if (isBank && !hosted.isRoutingNumber(routing)) { hosted.tell(hosted.form.dataset.routing); return; }
      const number = isBank ? account : (said.card && said.card.number) || "";
      if (!number) { hosted.tell(hosted.form.dataset.unread); return; }
      hosted.post({ token: said.token, last4: number });
    }
  });
  hosted.ready();
})();
