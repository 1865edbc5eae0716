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
      if (hosted.form.dataset.checkout) askBank(said.token, number);
      else hosted.post({ token: said.token, last4: number });
    }
  });

  /* 3-D Secure: the payer's bank is asked, and may show a step of its own in a frame of the processor. */
  function askBank(token, number) {
    const place = document.getElementById("secure-step");
    if (!place || !window.Gateway) { hosted.tell(hosted.form.dataset.late); return; }
    hosted.button.disabled = true;
    const gateway = window.Gateway.create(hosted.form.dataset.checkout);
    const fields = hosted.form.elements;
    const step = gateway.get3DSecure().createUI({
      paymentToken: token, amount: hosted.form.dataset.amount, currency: hosted.form.dataset.currency,
      firstName: fields.holder.value.split(" ")[0], lastName: fields.holder.value.split(" ").slice(1).join(" "),
      postalCode: fields.postal_code.value, country: hosted.form.dataset.country
    });
    function refused() {
      place.hidden = true;
      hosted.button.disabled = false;
      hosted.tell(hosted.form.dataset.refused);
    }
    step.on("challenge", function () { place.hidden = false; });
    step.on("complete", function (told) {
      place.hidden = true;
      hosted.post({ token: token, last4: number, secure: {
        outcome: told.cardHolderAuth, cryptogram: told.cavv, transaction: told.xid, indicator: told.eci,
        version: told.threeDsVersion, directory_id: told.directoryServerId
      } });
    });
    step.on("failure", refused);
    gateway.on("error", refused);
    step.start("#secure-step");
  }
  hosted.ready();
})();
