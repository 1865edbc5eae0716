"""A real browser at the pages: Debian's Chromium by Playwright, skipped where there is none.

The server runs in a thread beside the test, so what the test makes must be committed: transactional_db.
"""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visitor import SIZES, Visitor

CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = os.path.dirname(__file__)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="chromium is not installed"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Playwright keeps an event loop in this thread, which Django would take for one of its own."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@pytest.fixture(params=sorted(SIZES))
def size(request: pytest.FixtureRequest) -> str:
    """A phone in one hand, and a desk."""
    return str(request.param)


@pytest.fixture
def visit(browser: Browser, live_server: Any, transactional_db: None) -> Iterator[Any]:
    """visit(user=None, size="desk", script=True) is somebody with a browser of their own; checked at the end."""
    visitors: list[Visitor] = []

    def come(user: Any = None, size: str = "desk", *, script: bool = True) -> Visitor:
        visitors.append(Visitor(browser, str(live_server.url), user, size, script=script))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.leave()
