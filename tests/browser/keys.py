"""Going through a page by the Tab key alone: what is reached, in which order, and whether it shows."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

WATCH = Path(__file__).with_name("walk.js").read_text(encoding="utf-8")
# What the one that has the focus is called.
CALLED = """() => {
  const el = document.activeElement, labels = [...(el.labels || [])].map(one => one.innerText);
  return labels.join(" ") || el.getAttribute("aria-label") || el.innerText || "";
}"""
FAR = 60
PARTS = 4  # of a date or a time, each reached by Tab: at the most so many more


def walk(page: Page) -> list[str]:
    """Tab from the top to the end. What is wrong, in words; empty if nothing is."""
    stops, in_parts = page.evaluate(WATCH)
    for _press in range(len(stops) + 1 + PARTS * in_parts):
        page.keyboard.press("Tab")
    walked: list[dict[str, Any]] = page.evaluate("window.walked")[: len(stops)]
    order = [one["at"] for one in walked]
    if order != list(range(len(stops))):
        missed = [stops[at] for at in range(len(stops)) if at not in order]
        return [f"not reached: {missed}; order {[one['name'] for one in walked]}"]
    wrong = [f"no ring: {one['name']}" for one in walked if not one["ring"]]
    wrong += [f"covered or off the screen: {one['name']}" for one in walked if not one["shown"]]
    if walked and not walked[0]["skip"]:
        wrong.append(f"the skip link is not first, but {walked[0]['name']}")
    for one, after in pairwise(stop for stop in walked if stop["main"]):
        if after["bottom"] <= one["top"] and after["left"] <= one["left"]:
            wrong.append(f"{after['name']} stands before {one['name']} and comes after it")
    return wrong


def reach(page: Page, words: str) -> None:
    """Tab on until what has the focus is called so, by its label or its text."""
    for _press in range(FAR):
        page.keyboard.press("Tab")
        called: str = page.evaluate(CALLED)
        if words in called:
            return
    raise AssertionError(f"{words} is not reached on {page.url}")
