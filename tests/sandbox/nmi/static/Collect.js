/* Collect.js of the sandbox gateway: the same global, the same calls and the same answers as the gateway's own. */
(function () {
  "use strict";

  const script = document.currentScript;
  const origin = new URL(script.src).origin;
  const INLINE = ["ccnumber", "ccexp", "cvv", "checkname", "checkaba", "checkaccount"];
  const settings = {
    tokenizationKey: script.getAttribute("data-tokenization-key") || "",
    variant: script.getAttribute("data-variant") || "lightbox",
    paymentSelector: script.getAttribute("data-payment-selector") || "#payButton",
    paymentType: script.getAttribute("data-payment-type") || "",
  };
  let isConfigured = false;
  let box = null;
  let button = null;
  let begunBy = null;
  let timer = null;
  let formerFocus = null;
  const frames = {};

  function address(path, values) {
    return origin + path + "#" + new URLSearchParams(values).toString();
  }

  function frame(source, title) {
    const made = document.createElement("iframe");
    made.src = source;
    made.title = title;
    return made;
  }

  function pressed(event) {
    event.preventDefault();
    startPaymentRequest(event);
  }

  function bindButton() {
    if (button) button.removeEventListener("click", pressed);
    button = document.querySelector(settings.paymentSelector);
    if (button) button.addEventListener("click", pressed);
  }

  function configure(given) {
    Object.assign(settings, given || {});
    isConfigured = true;
    bindButton();
    if (settings.variant === "inline") layFields();
    else if (settings.fieldsAvailableCallback) settings.fieldsAvailableCallback();
  }

  function layFields() {
    const fields = settings.fields || {};
    const waited = [];
    for (const name of INLINE) {
      const about = fields[name];
      const place = about && document.querySelector(about.selector || "#" + name);
      if (!place) continue;
      const values = { name: name, origin: location.origin, placeholder: about.placeholder || "", title: about.title || "" };
      const made = frame(address("/token/field", values), about.title || name);
      made.style.cssText = "border:0;width:100%;height:44px;display:block";
      waited.push(new Promise(function (done) { made.addEventListener("load", done); }));
      place.replaceChildren(made);
      frames[name] = made;
    }
    Promise.all(waited).then(function () {
      if (settings.fieldsAvailableCallback) settings.fieldsAvailableCallback();
    });
  }

  function startPaymentRequest(event) {
    if (!isConfigured) configure({});
    begunBy = event || null;
    if (settings.variant === "inline") startInline();
    else openBox();
  }

  function startInline() {
    const first = Object.values(frames)[0];
    if (!first) return;
    if (settings.timeoutDuration && settings.timeoutCallback) {
      timer = setTimeout(settings.timeoutCallback, settings.timeoutDuration);
    }
    const asked = { source: "CollectJS", what: "collect", key: settings.tokenizationKey };
    first.contentWindow.postMessage(asked, origin);
  }

  function openBox() {
    if (box) return;
    formerFocus = document.activeElement;
    const values = { key: settings.tokenizationKey, origin: location.origin, type: settings.paymentType || "" };
    for (const name of ["buttonText", "instructionText", "price", "currency"]) {
      if (settings[name]) values[name] = settings[name];
    }
    box = frame(address("/token/fields", values), "Payment details");
    box.id = "CollectJSLightbox";
    box.style.cssText = "position:fixed;inset:0;width:100%;height:100%;border:0;z-index:2147483647";
    document.body.appendChild(box);
    box.addEventListener("load", function () { box.focus(); });
  }

  function closeBox() {
    if (!box) return;
    box.remove();
    box = null;
    if (formerFocus && formerFocus.focus) formerFocus.focus();
  }

  function answered(response) {
    clearTimeout(timer);
    closeBox();
    const whole = Object.assign({ tokenType: settings.variant, initiatedBy: begunBy }, response);
    if (settings.callback) {
      settings.callback(whole);
      return;
    }
    const form = (button && button.closest("form")) || document.querySelector("form");
    if (!form) return;
    const hidden = document.createElement("input");
    hidden.type = "hidden";
    hidden.name = "payment_token";
    hidden.value = whole.token;
    form.appendChild(hidden);
    form.submit();
  }

  window.addEventListener("message", function (event) {
    const told = event.data;
    if (event.origin !== origin || !told || told.source !== "CollectJS") return;
    if (told.what === "token") answered(told.response);
    else if (told.what === "close") closeBox();
    else if (told.what === "validation") {
      if (!told.valid) clearTimeout(timer);
      if (settings.validationCallback) settings.validationCallback(told.field, told.valid, told.message);
    }
  });

  window.CollectJS = {
    configure: configure,
    startPaymentRequest: startPaymentRequest,
    closePaymentRequest: closeBox,
    clearInputs: function () { if (settings.variant === "inline") layFields(); },
  };

  function begin() { if (!isConfigured) bindButton(); }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
