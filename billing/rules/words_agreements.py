"""Sentences for the steps of agreements and their schedules. Facts in braces, shown as priced.Step says."""

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence

WORDS: dict[str, Sentence] = {
    "price_weekly": _("A week costs {price_amount}."),
    "price_fortnightly": _("Two weeks cost {price_amount}."),
    "price_monthly": _("A month costs {price_amount}."),
    "price_quarterly": _("Three months cost {price_amount}."),
    "price_half_yearly": _("Half a year costs {price_amount}."),
    "price_annual": _("A year costs {price_amount}."),
    "price_package": _("The package costs {price_amount}."),
    "expected_lessons": _(
        "{lessons} lessons at {price_amount} each are expected; you are billed for those that were attended."
    ),
    "part_days": _("From {from_on} to {to_on} it is {used} of {days} days, and only these are charged."),
    "part_full": _("From {from_on} to {to_on} it is {used} of {days} days; a part of a period costs as much as all."),
    "rest_days": _("{resting} of these days are a pause and are not charged."),
    "item": _("Each time {price_amount}."),
    "item_once": _("Only once: {price_amount}."),
    "discount_sibling": _(
        "{name}, for child number {child} of the family: {percent} percent off, {discount_amount} less."
    ),
    "discount_multi_class": _("{name}, for class number {classes}: {percent} percent off, {discount_amount} less."),
    "discount_staff": _("{name}: {percent} percent off, {discount_amount} less."),
    "discount_loyalty": _("{name}, after {months} months with us: {percent} percent off, {discount_amount} less."),
    "discount_granted": _("{name}: {percent} percent off, {discount_amount} less."),
    "adjusted_from": _("{from_on} to {to_on} was billed already, with {billed_amount}."),
    "adjusted_to": _("As it is agreed now, these days cost {now_amount}."),
}
