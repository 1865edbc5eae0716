"""Reading what a list is narrowed to and sorted by from its address. Everything unknown is refused (row 49)."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.api.paging import check_known
from billing.errors import BadInput, DomainError, Refusals
from billing.inputs import clean_text, parse_day, parse_period
from billing.money import EXPONENTS, parse_amount
from billing.office.models import Organization
from payments.models import Method
from receipts.api.words import states_of
from receipts.selectors.payment_search import SORTS, Wanted

PARAMETERS = frozenset(
    (
        "page", "page_size", "sort", "method", "status", "date_from", "date_to", "amount_min", "amount_max", "currency",
        "customer", "policy_number", "receipt_number", "transaction_id", "q",
    )
)  # fmt: skip


def read_query(query: Mapping[str, str], organization: Organization, today: date) -> Wanted:
    """Raises Refusals with every trouble at once, or BadInput for an unknown parameter."""
    check_known(query, PARAMETERS)
    troubles: list[DomainError] = []

    def read(name: str, reader: Callable[[str], Any], default: Any = None) -> Any:
        if not query.get(name):
            return default
        try:
            return reader(query[name])
        except DomainError as trouble:
            trouble.field = name
            troubles.append(trouble)
            return default

    currency = read("currency", _currency, "")
    in_currency = currency or organization.currency
    first, last = read("date_from", _day), read("date_to", _day)
    least, most = (read(name, lambda text: parse_amount(text, in_currency)) for name in ("amount_min", "amount_max"))
    sort, descending = read("sort", _sort, ("date", True))
    found = {
        "states": read("status", states_of),
        "method": read("method", _method, ""),
        "customer_code": read("customer", _text, ""),
        "policy_number": read("policy_number", _text, ""),
        "receipt_number": read("receipt_number", _text, ""),
        "transaction_number": read("transaction_id", _text, ""),
        "text": read("q", _text, ""),
    }
    troubles += _ranges(first, last, least, most, today)
    if troubles:
        raise Refusals(troubles)
    by_amount = least is not None or most is not None
    return Wanted(
        date_from=first, date_to=last, amount_min=least, amount_max=most, sort=sort, descending=descending,
        currency=in_currency if by_amount else currency, **found,
    )  # fmt: skip


def read_lookup(query: Mapping[str, str]) -> Wanted:
    """The payments of a customer or a policy on a day. Raises BadInput."""
    check_known(query, frozenset(("customer", "policy_number", "date")))
    name = "policy_number" if query.get("policy_number") else "customer"
    if query.get("customer") and query.get("policy_number"):
        raise BadInput(_("Name the customer or the policy, not both."), field="policy_number", code="twice")
    text = clean_text(query.get(name), field=name, longest=40, required=True, free=False)
    day = parse_day(query.get("date"), field="date")
    if name == "policy_number":
        return Wanted(date_from=day, date_to=day, policy_number=text)
    return Wanted(date_from=day, date_to=day, customer_code=text)


def _ranges(
    first: date | None, last: date | None, least: Decimal | None, most: Decimal | None, today: date
) -> list[DomainError]:
    """At most 24 months; a list without an end goes to today, one without a beginning is refused."""
    troubles: list[DomainError] = []
    if last is not None and first is None:
        troubles.append(BadInput(_("Send date_from too."), field="date_from", code="required"))
    if first is not None:
        try:
            parse_period(first, last or max(today, first))
        except DomainError as trouble:
            trouble.field = f"date_{trouble.field}"
            troubles.append(trouble)
    if least is not None and most is not None and least > most:
        sentence = _("The smallest amount is more than the largest.")
        troubles.append(BadInput(sentence, field="amount_min", code="range_reversed"))
    return troubles


def _day(text: str) -> date:
    return parse_day(text)


def _text(text: str) -> str:
    return clean_text(text, field="", longest=80, free=False)


def _currency(text: str) -> str:
    if text not in EXPONENTS:
        raise BadInput(_("Unknown currency; write three capital letters."), code="unknown_currency")
    return text


def _method(text: str) -> str:
    word = text.strip().lower().replace("-", "_").replace(" ", "_")
    if word not in Method.values:
        raise BadInput(_("Write one of: {known}."), code="unknown_method", known=", ".join(Method.values))
    return word


def _sort(text: str) -> tuple[str, bool]:
    """A "+" in an address arrives as a space."""
    name = text.removeprefix("-").removeprefix("+").strip()
    if name not in SORTS:
        raise BadInput(_("Unknown sort field."), code="unknown_sort")
    return name, text.startswith("-")
