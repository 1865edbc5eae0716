"""Pages that Django's test client answered, put before a real browser: what is in no committed row can be looked at.

The browser asks for an address and gets the answer that lies ready, with its headers, so that the page's own policy
holds; stylesheets and scripts come from where they lie. Other machines, a processor's, are asked as ever.
"""

import mimetypes
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from playwright.sync_api import Browser, Route

from tests.browser.visitor import SIZES, Visitor

HOST = "http://localhost"  # which a browser trusts without a certificate


class Reader(Visitor):
    """A visitor who reads answers instead of asking a server. beside: by address, what scripts of the pages ask for."""

    def __init__(self, browser: Browser, size: str) -> None:
        super().__init__(browser, HOST, None, size, script=True)
        self._path, self._lying = "", None
        self.beside: dict[str, Any] = {}
        self.context.route("**/*", self._answer)

    def read(self, path: str, answer: Any) -> None:
        """Lay the answer of a test client before the browser."""
        self._path, self._lying = path, answer
        self.go(path, answer.status_code)

    def turn(self, size: str) -> None:
        """The same page on another screen."""
        width, height = SIZES[size]
        self.size = size
        self.page.set_viewport_size({"width": width, "height": height})

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(HOST)
        name = path.removeprefix(settings.STATIC_URL).partition("?")[0]
        lying = self._lying if path.partition("#")[0] == self._path else self.beside.get(path)
        if lying is not None:
            route.fulfill(status=lying.status_code, headers=dict(lying.headers), body=lying.content)
        elif path.startswith(settings.STATIC_URL) and (file := finders.find(name)):
            route.fulfill(path=str(file), content_type=mimetypes.guess_type(name)[0])
        elif path == route.request.url:
            route.fulfill(response=route.fetch())  # the browser itself would not let a page from nowhere ask here
        else:
            route.abort()
