/* dwolla-web.js: the drop-in components. What a payer types stays in a frame of the processor's origin. */
(function () {
  "use strict";
  const origin = new URL(document.currentScript.src).origin;
  let options = null;

  async function clientToken(action, customer) {
    const links = { customer: { href: `${origin}/customers/${customer}` } };
    if (options.token) {
      const found = await options.token({ action, links });
      return typeof found === "string" ? found : found.token;
    }
    const answer = await fetch(options.tokenUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ action, links, _links: links }),
    });
    if (!answer.ok) throw new Error(`no client token: HTTP ${answer.status}`);
    return (await answer.json()).token;
  }

  class Component extends HTMLElement {
    connectedCallback() {
      if (this.frame) return;
      this.frame = document.createElement("iframe");
      this.frame.title = this.constructor.title;
      this.frame.src = `${origin}/drop-ins/${this.constructor.page}?${this.asked()}`;
      this.frame.style.cssText = "border:0;width:100%;height:640px;display:block";
      this.heard = (event) => this.hear(event);
      window.addEventListener("message", this.heard);
      this.style.display = "block";
      this.append(this.frame);
    }

    disconnectedCallback() {
      window.removeEventListener("message", this.heard);
    }

    asked() {
      const asked = new URLSearchParams({ customer: this.attribute("customerId") });
      const bank = this.attribute("fundingSourceId") || this.attribute("fundingSource");
      if (bank) asked.set("bank", bank);
      if (this.hasAttribute("initiateMicroDeposits")) asked.set("deposits", "1");
      return asked;
    }

    attribute(name) {
      return (this.getAttribute(name) || "").split("/").pop();
    }

    async hear(event) {
      if (event.origin !== origin || event.source !== this.frame.contentWindow) return;
      const said = event.data;
      if (said.height) this.frame.style.height = `${said.height}px`;
      if (said.success) options.success(said.success);
      if (said.error) options.error(said.error);
      if (said.action) {
        let answer;
        try {
          answer = { ask: said.ask, token: await clientToken(said.action, this.attribute("customerId")) };
        } catch (error) {
          answer = { ask: said.ask, failed: error.message };
        }
        this.frame.contentWindow.postMessage(answer, origin);
      }
    }
  }

  class FundingSourceCreate extends Component {
    static page = "funding-source-create";
    static title = "Bank account";
  }

  class MicroDepositsVerify extends Component {
    static page = "micro-deposits-verify";
    static title = "Micro-deposit amounts";
  }

  window.dwolla = {
    configure(given) {
      const started = options !== null;
      options = { success() {}, error() {}, ...given };
      if (started) return;
      customElements.define("dwolla-funding-source-create", FundingSourceCreate);
      customElements.define("dwolla-micro-deposits-verify", MicroDepositsVerify);
    },
  };
})();
