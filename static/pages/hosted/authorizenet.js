/* Authorize.Net's AcceptUI: a panel of the processor over this page, opened by a button of its own class. */
(function () {
  "use strict";
  const hosted = window.hostedForm;
  const opener = document.getElementById("accept-open");
  if (!hosted || !opener) return;
  hosted.button.hidden = true;

  /* Before AcceptUI hears of it: our own fields first. */
  opener.addEventListener("click", function (event) {
    if (!hosted.form.reportValidity()) event.stopImmediatePropagation();
  }, true);

  window.hostedAccepted = function (said) {
    const data = said.opaqueData || {};
    const isBank = hosted.form.dataset.instrument === "bank";
    const shown = (isBank ? said.encryptedBankData : said.encryptedCardData) || {};
    const isOther = !isBank && !shown.cardNumber;
    if (!said.messages || said.messages.resultCode !== "Ok" || isOther) { hosted.tell(hosted.form.dataset.unread); return; }
    opener.disabled = true;
    hosted.post({
      token: data.dataValue, descriptor: data.dataDescriptor, last4: shown.cardNumber || shown.accountNumber || ""
    });
  };
  hosted.ready();
})();
