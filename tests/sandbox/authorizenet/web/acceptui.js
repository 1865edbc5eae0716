// AcceptUI.js of the sandbox: every button of class AcceptUI opens the field page, which is of this origin and not of
// the merchant's, in a frame; what is typed there never comes here. The handler named by data-responseHandler is told.
(function () {
  "use strict";
  var home = new URL(document.currentScript.src).origin;
  var open = null;

  function parsed(text, otherwise) {
    try { return text ? JSON.parse(text) : otherwise; } catch (trouble) { return otherwise; }
  }

  function styled(element, rules) {
    Object.keys(rules).forEach(function (name) { element.style[name] = rules[name]; });
    return element;
  }

  function close() {
    if (!open) return;
    open.overlay.remove();
    open.button.focus();
    open = null;
  }

  function show(button) {
    close();
    var options = {
      origin: window.location.origin, apiLoginID: button.getAttribute("data-apiLoginID"),
      clientKey: button.getAttribute("data-clientKey"),
      buttonText: button.getAttribute("data-acceptUIFormBtnTxt") || "Pay",
      headerText: button.getAttribute("data-acceptUIFormHeaderTxt") || "Payment",
      billing: parsed(button.getAttribute("data-billingAddressOptions"), { show: false, required: false }),
      payment: parsed(button.getAttribute("data-paymentOptions"), { showCreditCard: true, showBankAccount: false })
    };
    var overlay = styled(document.createElement("div"), {
      position: "fixed", inset: "0", zIndex: "2147483000", background: "rgba(15, 23, 42, .55)",
      display: "flex", alignItems: "center", justifyContent: "center"
    });
    overlay.id = "AcceptUIBackground";
    overlay.setAttribute("role", "dialog");
    overlay.setAttribute("aria-modal", "true");
    overlay.setAttribute("aria-label", options.headerText);
    var frame = styled(document.createElement("iframe"), {
      border: "0", borderRadius: "12px", width: "min(440px, 96vw)", height: "min(680px, 94vh)", background: "#fff"
    });
    frame.id = "AcceptUIIframe";
    frame.title = options.headerText;
    frame.src = home + "/v3/acceptMain/acceptMain.html#" + encodeURIComponent(JSON.stringify(options));
    overlay.appendChild(frame);
    document.body.appendChild(overlay);
    open = { overlay: overlay, frame: frame, button: button };
  }

  window.addEventListener("message", function (event) {
    if (!open || event.origin !== home || event.source !== open.frame.contentWindow) return;
    var handler = open.button.getAttribute("data-responseHandler");
    close();
    if (event.data && event.data.response) window[handler](event.data.response);
  });

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("button.AcceptUI");
    if (button) { event.preventDefault(); show(button); }
  });
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") close(); });
})();
