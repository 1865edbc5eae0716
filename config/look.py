"""How the console looks: the settings of its theme, for settings. Its colours are in static/console/theme.css."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Quittance",
    "SITE_HEADER": "Quittance",
    "SITE_URL": None,
    "SITE_ICON": lambda request: static("brand/mark.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("brand/favicon.svg")},
    ],
    "STYLES": [lambda request: static("console/shell.css")],
    "SCRIPTS": [lambda request: static("console/shell.js")],
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "SHOW_HISTORY": False,
    "LANGUAGES": {"action": lambda request: reverse_lazy("admin:language")},
    "ACCOUNT": {"navigation": [{"title": _("Your login"), "link": reverse_lazy("account")}]},
    "COMMAND": {"search_models": False},
    "SIDEBAR": {
        "show_search": False,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "config.console.navigation.navigation",
    },
}
