/* Sandbox for Paysafe.js: the same global, the same calls; the fields are frames of this script's own origin. */
(function () {
  "use strict";
  var origin = new URL(document.currentScript.src).origin;
  var FIELDS = {
    cardNumber: "Card number", expiryDate: "Expiry date (MM / YY)", cvv: "Security code", holderName: "Name on card",
    accountHolderName: "Account holder", routingNumber: "Routing number", accountNumber: "Account number",
    transitNumber: "Transit number", institutionId: "Institution number"
  };
  var CARD = ["cardNumber", "expiryDate", "cvv"];

  function fault(code, text, fields) {
    return {
      code: code, displayMessage: text, detailedMessage: text, correlationId: String(Date.now()),
      fieldErrors: fields || []
    };
  }

  /* callback(error, value) once; without a callback a promise, as newer pages have it. */
  function answered(callback, work) {
    var promise = new Promise(function (keep, drop) { work(keep, drop); });
    if (!callback) { return promise; }
    promise.then(function (value) { callback(null, value); }, function (error) { callback(error, null); });
    return undefined;
  }

  function setup(apiKey, options, callback) {
    var instance = null;
    return answered(callback && function (error) { callback(error ? null : instance, error || undefined); },
      function (keep, drop) {
        var names = Object.keys((options && options.fields) || {}).filter(function (name) { return FIELDS[name]; });
        if (!apiKey) { drop(fault("9013", "The apiKey parameter should be specified.")); return; }
        if (!names.length) { drop(fault("9012", "At least one field should be specified.")); return; }
        var lost = names.filter(function (name) { return !document.querySelector(options.fields[name].selector); });
        if (lost.length) { drop(fault("9008", "Invalid selector: " + lost.join(", "))); return; }
        instance = build(apiKey, options, names, function () { keep(instance); });
      });
  }

  function build(apiKey, options, names, ready) {
    var session = Math.random().toString(36).slice(2);
    var frames = {}, state = {}, waiting = {}, listeners = [], missing = names.length;

    names.forEach(function (name) {
      var box = document.querySelector(options.fields[name].selector);
      var frame = document.createElement("iframe");
      var label = options.fields[name].accessibilityLabel || FIELDS[name];
      frame.title = label;
      frame.style.cssText = "border:0;width:100%;height:48px;display:block";
      frame.src = origin + "/js/v1/field.html#" + new URLSearchParams({
        session: session, name: name, label: label, placeholder: options.fields[name].placeholder || ""
      });
      box.textContent = "";
      box.appendChild(frame);
      frames[name] = frame;
      state[name] = { isEmpty: true, isValid: false };
    });

    window.addEventListener("message", function (event) {
      var told = event.data || {};
      if (event.origin !== origin || told.session !== session) { return; }
      if (told.kind === "ready") { missing -= 1; if (missing === 0) { ready(); } }
      if (told.kind === "height") { frames[told.name].style.height = told.height + "px"; }
      if (told.kind === "state") { changed(told); }
      if (told.kind === "result" && waiting[told.id]) { waiting[told.id](told); delete waiting[told.id]; }
    });

    function changed(told) {
      var before = state[told.name];
      state[told.name] = { isEmpty: told.isEmpty, isValid: told.isValid, brand: told.brand };
      fire(told.name, told.event);
      if (before.isValid !== told.isValid) { fire(told.name, told.isValid ? "Valid" : "Invalid"); }
    }

    function fire(name, type) {
      var event = {
        type: type, data: { isEmpty: state[name].isEmpty, cardBrand: state[name].brand },
        target: { fieldName: name, containerElement: frames[name].parentNode }
      };
      listeners.forEach(function (one) {
        if (one.type === type && one.names.indexOf(name) >= 0) { one.work(instance, event); }
      });
    }

    function listen(chosen) {
      function on(type, work) { listeners.push({ names: chosen, type: type, work: work }); return api; }
      var api = { on: on };
      ["Focus", "Blur", "Valid", "Invalid", "FieldValueChange"].forEach(function (type) {
        api[type.charAt(0).toLowerCase() + type.slice(1)] = function (work) { return on(type, work); };
      });
      return api;
    }

    function fields(text) { return listen(text.split(/[\s,]+/)); }
    names.forEach(function (name) {
      fields[name] = listen([name]);
      fields[name].isEmpty = function () { return state[name].isEmpty; };
      fields[name].isValid = function () { return state[name].isValid; };
    });

    function tokenize(asked, callback) {
      var given = typeof asked === "function" ? {} : asked || {};
      var then = typeof asked === "function" ? asked : callback;
      return answered(then && function (error, value) { then(instance, error || undefined, value || undefined); },
        function (keep, drop) {
          var bad = given.singleUseCustomerToken ? [] : names.filter(function (name) { return !state[name].isValid; });
          if (bad.length) {
            drop(fault("9003", "Invalid fields: " + bad.join(","), bad.map(function (name) {
              return { field: name, error: "invalid" };
            })));
            return;
          }
          ask(given).then(challenged).then(function (handle) {
            keep({ token: handle.paymentHandleToken });
          }, drop);
        });
    }

    function ask(given) {
      return new Promise(function (keep, drop) {
        var id = Math.random().toString(36).slice(2);
        waiting[id] = function (told) { if (told.error) { drop(told.error); } else { keep(told.handle); } };
        frames[names[0]].contentWindow.postMessage({
          kind: "tokenize", session: session, id: id, apiKey: apiKey, options: given,
          currencyCode: options.currencyCode, accounts: options.accounts || {}
        }, origin);
      });
    }

    /* The bank asks the payer in a frame over the page. */
    function challenged(handle) {
      var link = (handle.links || []).filter(function (one) { return one.rel === "redirect_payment"; })[0];
      if (handle.action !== "REDIRECT" || !link) { return handle; }
      return new Promise(function (keep, drop) {
        var frame = document.createElement("iframe");
        frame.title = "Your bank asks";
        frame.src = link.href;
        frame.style.cssText = "position:fixed;inset:0;width:100%;height:100%;border:0;z-index:2147483647;background:#0006";
        function done(event) {
          var told = event.data || {};
          if (event.origin !== origin || told.paysafe !== "challenge" || told.handle !== handle.id) { return; }
          window.removeEventListener("message", done);
          frame.remove();
          if (told.status === "PAYABLE") { keep(handle); } else { drop(fault("9042", "The bank did not confirm.")); }
        }
        window.addEventListener("message", done);
        document.body.appendChild(frame);
      });
    }

    var instance = {
      fields: fields,
      tokenize: tokenize,
      on: function (type, work) { listen(names).on(type, work); },
      show: function () { return Promise.resolve({ card: {} }); },
      areAllFieldsFilled: function () { return names.every(function (name) { return !state[name].isEmpty; }); },
      getCardBrand: function () { return (state.cardNumber || {}).brand; },
      resetCardDetails: function () {
        CARD.forEach(function (name) {
          if (frames[name]) { frames[name].contentWindow.postMessage({ kind: "reset", session: session }, origin); }
        });
      }
    };
    return instance;
  }

  window.paysafe = window.paysafe || {};
  window.paysafe.fields = { setup: setup };
})();
