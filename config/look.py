"""How the console looks: the settings of its theme. Imported by settings."""

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
    "BORDER_RADIUS": "6px",
    "ACCOUNT": {"navigation": [{"title": _("Your login"), "link": reverse_lazy("account")}]},
    "COMMAND": {"search_models": False},
    "SIDEBAR": {
        "show_search": False,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "config.console.navigation.navigation",
    },
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .014 175)",
            "100": "oklch(94.0% .035 175)",
            "200": "oklch(88.5% .065 175)",
            "300": "oklch(80.8% .090 176)",
            "400": "oklch(70.4% .105 177)",
            "500": "oklch(60.0% .100 178)",
            "600": "oklch(51.5% .088 179)",
            "700": "oklch(43.5% .074 180)",
            "800": "oklch(37.0% .060 181)",
            "900": "oklch(31.5% .050 182)",
            "950": "oklch(22.0% .036 184)",
        }
    },
}
