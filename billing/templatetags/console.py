"""Template tags of the console's screens: money, states, addresses that may not be there yet.

Tag modules are loaded while the theme itself is still loading, so what stands on the theme is imported when used.
"""

from decimal import Decimal
from typing import Any

from django import template
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def money(value: Decimal | None, currency: str) -> SafeString:
    """{{ amount|money:currency }}: US$1,250.00, a dash for nothing."""
    from billing.admin.columns import show_money

    return show_money(value, currency)


@register.simple_tag
def state(key: str, word: Any = "") -> SafeString:
    """{% state "payment.pending" %}"""
    from billing.admin.words_and_colours import label

    return label(key, word)


@register.simple_tag
def screen(name: str, *args: object) -> str:
    """Address of admin:<name>, empty while nothing is mounted there."""
    from billing.admin.columns import screen_url

    return screen_url(name, *args)
