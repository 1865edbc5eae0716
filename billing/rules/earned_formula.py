"""How much was earned, as one line of arithmetic: US$40.00 × 50 % × 50 % = US$10.00 (R89). Pure: no queries."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from billing.money import format_money

# What became of a seat, as the steps of compensation name it.
FACTORS = ("pay_attended", "pay_no_show", "pay_late_cancel", "pay_student_cancel", "pay_teacher_cancel")
COMMISSIONS = ("commission_first_year", "commission_renewal", "commission_override")
# Of these the sentences tell more than a line can.
LATER = ("pay_corrected", "pay_not_paid", "commission_back")


def formula(steps: Iterable[Mapping[str, Any]], amount: Decimal, currency: str) -> str:
    """The stored derivation of an earning as base × factors = amount; "" where it corrects or takes back another."""
    found = {str(one["code"]): one for one in steps}
    if any(code in found for code in LATER):
        return ""
    terms: list[str] = []
    if "pay_share" in found:
        terms = [_money(found["pay_share"], "price_amount", currency), _percent(found["pay_share"])]
    elif "pay_fixed" in found:
        terms = [_money(found["pay_fixed"], "pay_amount", currency)]
        if "pay_part" in found:
            terms = [f"{terms[0]} ÷ {found['pay_part']['seats']}"]
    terms += [_percent(found[code]) for code in FACTORS if code in found]
    for code in COMMISSIONS:
        if code in found:
            terms = [_money(found[code], "net_amount", currency), _percent(found[code])]
    return f"{' × '.join(terms)} = {format_money(amount, currency)}" if terms else ""


def _money(one: Mapping[str, Any], name: str, currency: str) -> str:
    return format_money(Decimal(str(one[name])), currency)


def _percent(one: Mapping[str, Any]) -> str:
    return f"{one['percent']} %"
