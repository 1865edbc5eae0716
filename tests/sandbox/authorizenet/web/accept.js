// Accept.js of the sandbox: Accept.dispatchData(secureData, callback) as the original has it.
(function () {
  "use strict";
  var home = new URL(document.currentScript.src).origin;

  function refused(code, text) {
    return { messages: { resultCode: "Error", message: [{ code: code, text: text }] } };
  }

  function token(data) {
    if (data.cardData) {
      var card = data.cardData;
      var month = String(card.month || "").padStart(2, "0");
      return { cardNumber: String(card.cardNumber || ""), expirationDate: month + String(card.year || "").slice(-2),
               cardCode: card.cardCode || undefined, zip: card.zip || undefined, fullName: card.fullName || undefined };
    }
    var bank = data.bankData;
    return { accountNumber: String(bank.accountNumber || ""), routingNumber: String(bank.routingNumber || ""),
             nameOnAccount: String(bank.nameOnAccount || ""), accountType: bank.accountType || "checking" };
  }

  function trouble(data) {
    var auth = data && data.authData;
    if (!auth) return refused("E_WC_04", "Please provide mandatory fields to library.");
    if (!auth.apiLoginID) return refused("E_WC_10", "Please provide valid apiloginid.");
    if (!auth.clientKey) return refused("E_WC_18", "Client Key is required.");
    if (!data.cardData && !data.bankData) {
      return refused("E_WC_23", "Please provide either card information or bank information.");
    }
    if (data.cardData) {
      if (!/^\d{13,16}$/.test(String(data.cardData.cardNumber || "").replace(/\s/g, ""))) {
        return refused("E_WC_05", "Please provide valid credit card number.");
      }
      if (!/^(0?[1-9]|1[0-2])$/.test(String(data.cardData.month || ""))) {
        return refused("E_WC_06", "Please provide valid expiration month.");
      }
      if (!/^(\d{2}|\d{4})$/.test(String(data.cardData.year || ""))) {
        return refused("E_WC_07", "Please provide valid expiration year.");
      }
      if (data.cardData.cardCode && !/^\d{3,4}$/.test(data.cardData.cardCode)) {
        return refused("E_WC_15", "Please provide valid CVV.");
      }
    }
    return null;
  }

  function answer(callback, told) {
    (typeof callback === "function" ? callback : window[callback])(told);
  }

  function dispatchData(data, callback) {
    var wrong = trouble(data);
    if (wrong) return answer(callback, wrong);
    var asked = token(data);
    if (asked.cardNumber) asked.cardNumber = asked.cardNumber.replace(/\s/g, "");
    var body = { securePaymentContainerRequest: {
      merchantAuthentication: { name: data.authData.apiLoginID, clientKey: data.authData.clientKey },
      clientId: "accept-js-sandbox",
      data: { type: "TOKEN", id: String(Date.now()) + Math.random().toString(16).slice(2), token: asked } } };
    fetch(home + "/xml/v1/request.api", {
      method: "POST", headers: { "content-type": "application/json; charset=utf-8" }, body: JSON.stringify(body)
    }).then(function (reply) { return reply.json(); }).catch(function () {
      return refused("E_WC_19", "An error occurred during processing. Please try again.");
    }).then(function (told) { answer(callback, told); });
  }

  window.Accept = { dispatchData: dispatchData };
})();
