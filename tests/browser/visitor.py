"""Somebody at the pages with a browser of their own, at a size, with scripts or without."""

import os
import re
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page

SIZES = {"phone": (390, 844), "desk": (1280, 900)}
SERIOUS = ("serious", "critical")
# Where pictures of every page looked at are kept, for people: SHOTS=folder ./run test tests/browser
SHOTS = os.environ.get("SHOTS", "")
# What a browser says of an answer it was meant to get: a form refused, a page that is not there.
ANSWERED = re.compile(r"Failed to load resource: the server responded with a status of (4\d\d)")


class Visitor:
    """page: Playwright's. Errors of scripts and refusals by the page's policy are gathered and fail the test."""

    def __init__(self, browser: Browser, url: str, user: Any, size: str, *, script: bool) -> None:
        width, height = SIZES[size]
        self.url, self.size, self.has_script = url, size, script
        self.context = browser.new_context(
            base_url=url, viewport={"width": width, "height": height}, java_script_enabled=script,
            has_touch=size == "phone", accept_downloads=True,
        )  # fmt: skip
        self.troubles: list[str] = []
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        self.page.on("console", self._heard)
        if user is not None:
            self.sign_in_as(user)

    def _heard(self, message: Any) -> None:
        if message.type == "error" and not ANSWERED.search(message.text):
            self.troubles.append(f"console: {message.text}")

    def sign_in_as(self, user: Any) -> None:
        """The cookie of a session, for tests of what comes after signing in."""
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        self.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.url}])

    def go(self, path: str, status: int = 200) -> Page:
        answer = self.page.goto(path)
        assert answer is not None and answer.status == status, (path, answer and answer.status)
        return self.page

    def press(self, name: str, role: Any = "button", *, stays: bool = False) -> None:
        """What is pressed leads to another page, which is there when this returns, unless it stays."""
        target = self.page.get_by_role(role, name=name).first
        if stays:
            target.click()
            return
        with self.page.expect_navigation():
            target.click()

    def see(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def picture(self, name: str = "") -> None:
        """Of the page as it stands, kept where pictures are asked for."""
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            slug = name or re.sub(r"\W+", "-", self.page.url.removeprefix(self.url)).strip("-") or "start"
            self.page.screenshot(path=f"{SHOTS}/{slug}-{self.size}.png", full_page=True)

    def too_wide(self) -> int:
        """By how many pixels the page is wider than the screen; 0 or less where it fits."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wide

    def check(self, name: str = "") -> None:
        """The page as it stands: accessible to the axe, nothing wider than the screen; a picture where asked for."""
        self.page.wait_for_load_state()
        self.picture(name)
        if self.has_script:
            bad = self.faults()
            assert not bad, (self.page.url, bad)

    def faults(self, besides: str = "") -> list[str]:
        """What is wrong for eyes and machines: wider than the screen, serious to the axe. besides: what is left out."""
        wide = self.too_wide()
        found = [f"{wide} px wider than the screen"] if wide > 0 else []
        where = {"exclude": [[besides]]} if besides else None
        for one in Axe().run(self.page, where).response["violations"]:
            if one["impact"] in SERIOUS:
                found.append(f"{one['id']}: {[node['html'][:200] for node in one['nodes']]}")
        return found

    def leave(self) -> None:
        self.context.close()
        assert not self.troubles, self.troubles
