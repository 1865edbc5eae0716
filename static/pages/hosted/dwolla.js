/* dwolla-web.js: the account is typed into a frame of the processor; we get the address of what it stored. */
(function () {
  "use strict";
  const hosted = window.hostedForm;
  const place = document.getElementById("dwolla-fields");
  if (!hosted || !place || !window.dwolla) return;
  hosted.button.hidden = true;
  let isPosted = false;

  /* {resource: "funding-sources", response: {_links: {"funding-source": {href}}}} */
  function address(said) {
    const links = (said.response && said.response._links) || said._links || {};
    return (links["funding-source"] && links["funding-source"].href) || "";
  }

  function post(made) {
    if (isPosted || !made) return;
    isPosted = true;
    hosted.post({ token: made });
  }

  window.dwolla.configure({
    environment: place.dataset.environment,
    token: function () { return Promise.resolve(place.dataset.token); },
    success: function (said) {
      post(address(said || {}));
    },
    /* One that is there already may be ours from a try that ended half way: the server looks whose it is. */
    error: function (said) {
      const about = said && said._links && said._links.about && said._links.about.href;
      if (said && said.code === "DuplicateResource" && about) post(about);
      else hosted.tell(hosted.form.dataset.unread);
    }
  });
  hosted.ready();
})();
