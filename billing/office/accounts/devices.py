"""A browser in words: "Safari, iPhone"."""

import re

from django.utils.translation import gettext as _
from django.utils.translation import override

# The first that fits; Chrome says that it is Safari, and Edge that it is Chrome.
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X", "Mac"), ("CrOS", "Chromebook"), ("Linux", "Linux"),
)  # fmt: skip


def device_words(user_agent: str, language: str | None = None) -> str:
    """By what a browser says of itself, which anybody may forge: for people to recognise, not to judge by."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if re.search(mark, user_agent)), "")
    words = ", ".join(word for word in (browser, system) if word)
    if words or language is None:
        return words or _("an unknown device")
    with override(language):
        return _("an unknown device")
