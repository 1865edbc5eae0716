/* Paysafe.js: fields of the processor inside this page, each in a frame of its own origin. */
(function () {
  "use strict";
  const hosted = window.hostedForm;
  const place = document.getElementById("paysafe-fields");
  if (!hosted || !place || !window.paysafe) return;
  const isBank = hosted.form.dataset.instrument === "bank";
  const fields = isBank
    ? { routingNumber: { selector: "#paysafe-routing" }, accountNumber: { selector: "#paysafe-account" } }
    : {
        cardNumber: { selector: "#paysafe-number", separator: " " },
        expiryDate: { selector: "#paysafe-expiry" },
        cvv: { selector: "#paysafe-cvv", optional: false }
      };
  const options = { environment: place.dataset.environment, currencyCode: hosted.form.dataset.currency, fields: fields };
  if (place.dataset.account) options.accounts = { "default": Number(place.dataset.account) };

  function asked() {
    const ours = hosted.form.elements;
    return {
      amount: 0,
      transactionType: "VERIFICATION",
      paymentType: isBank ? "ACH" : "CARD",
      merchantRefNum: ours.request_key.value,
      customerDetails: {
        holderName: ours.holder.value,
        billingDetails: { zip: ours.postal_code ? ours.postal_code.value : "", country: hosted.form.dataset.country }
      }
    };
  }

  window.paysafe.fields.setup(place.dataset.key, options, function (instance, error) {
    if (error) { hosted.tell(hosted.form.dataset.late); return; }
    hosted.ready();
    hosted.button.addEventListener("click", function () {
      if (!hosted.form.reportValidity()) return;
      hosted.button.disabled = true;
      instance.tokenize(asked(), function (_instance, trouble, result) {
        hosted.button.disabled = false;
        if (trouble || !result) { hosted.tell((trouble && trouble.displayMessage) || hosted.form.dataset.unread); return; }
        hosted.post({ token: result.token });
      });
    });
  });
})();
