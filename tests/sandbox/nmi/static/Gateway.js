/* Gateway.js of the sandbox: 3-D Secure with the published names, and nothing else of the library. */
(function () {
  "use strict";
  const origin = new URL(document.currentScript.src).origin;

  function emitter() {
    const heard = {};
    return {
      on: function (name, handler) { heard[name] = (heard[name] || []).concat(handler); },
      emit: function (name, value) { (heard[name] || []).forEach(function (handler) { handler(value); }); }
    };
  }

  function create(key) {
    const gateway = emitter();

    function createUI(options) {
      const step = emitter();
      let frame = null;
      let asked = "";

      async function ask(path, values) {
        const reply = await fetch(origin + path, values ? { method: "POST", body: new URLSearchParams(values) } : {});
        const said = await reply.json();
        if (!reply.ok) throw new Error(said.error);
        return said;
      }

      function heard(said) {
        asked = said.id;
        if (said.state === "challenge") return show();
        if (frame) frame.remove();
        if (said.state === "complete") step.emit("complete", said);
        else step.emit("failure", { code: "FAILED", message: "Not authenticated" });
      }

      function show() {
        frame = document.createElement("iframe");
        frame.src = origin + "/three-d-secure/" + asked + "/step";
        frame.title = "Your bank";
        step.place.appendChild(frame);
        step.emit("challenge", {});
      }

      function failed(trouble) { gateway.emit("error", { message: String(trouble) }); }

      window.addEventListener("message", function (event) {
        const told = event.data;
        if (event.origin !== origin || !told || told.source !== "GatewayJS" || told.id !== asked) return;
        ask("/three-d-secure/" + asked).then(heard).catch(failed);
      });

      return {
        on: step.on,
        start: function (selector) {
          step.place = document.querySelector(selector);
          const values = { key: key, token: options.paymentToken, amount: options.amount, currency: options.currency };
          ask("/three-d-secure/begin", values).then(heard).catch(failed);
        },
        unmount: function () { if (frame) frame.remove(); }
      };
    }

    return { on: gateway.on, get3DSecure: function () { return { createUI: createUI }; } };
  }

  window.Gateway = { create: create };
})();
