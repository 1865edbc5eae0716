/* The form around a processor's fields: what each kind's script fills in, and posting it once. */
(function () {
  "use strict";
  const form = document.getElementById("hosted-form");
  const button = document.getElementById("hosted-open");
  const problem = document.getElementById("hosted-problem");
  const LATE = 20000;
  let isReady = false;

  function tell(text) {
    problem.lastElementChild.textContent = text || "";
    problem.hidden = !text;
    if (text) problem.scrollIntoView({ block: "nearest" });
  }

  window.hostedForm = {
    form: form,
    button: button,
    tell: tell,
    /* The processor's fields can be used. */
    ready: function () { isReady = true; button.disabled = false; },
    /* given: {token, last4, descriptor, secure}. The button stays off, so that a second click posts nothing. */
    post: function (given) {
      if (!given.token) { tell(form.dataset.unread); return; }
      tell("");
      form.elements.token.value = given.token;
      form.elements.descriptor.value = given.descriptor || "";
      form.elements.last4.value = (given.last4 || "").replace(/\D/g, "").slice(-4);
      for (const name of Object.keys(given.secure || {})) form.elements["secure_" + name].value = given.secure[name] || "";
      button.disabled = true;
      form.submit();
    },
    /* Nine digits whose check digit fits, weighed 3, 7, 1: seen here, so that it is never sent. */
    isRoutingNumber: function (text) {
      if (!/^\d{9}$/.test(text) || text === "000000000") return false;
      return [3, 7, 1, 3, 7, 1, 3, 7, 1].reduce(function (sum, weight, place) {
        return sum + weight * Number(text[place]);
      }, 0) % 10 === 0;
    }
  };

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    (button.hidden ? form.querySelector(".AcceptUI") || button : button).click();
  });
  window.addEventListener("pageshow", function (event) { if (event.persisted) location.reload(); });
  window.setTimeout(function () { if (!isReady) tell(form.dataset.late); }, LATE);
})();
