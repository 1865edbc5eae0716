"""A preview as the screen shows it: every figure and sentence is made here, the browser only puts them in place."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from billing.admin.facts import WORDS
from billing.errors import DomainError, Refusals, Sentence
from billing.money import ZERO, format_amount, format_money
from billing.selectors.open_items import OpenInvoice
from billing.selectors.strategies import Proposal, Slice
from billing.words import amount_in_words
from payments.models import Method
from payments.services.previewing import BY_HAND, Outlook, Preview
from receipts.models.receipt import Delivery

STRATEGY_WORDS: dict[str, tuple[Sentence, Sentence]] = {
    "fifo": (gettext_lazy("FIFO"), gettext_lazy("oldest invoice first")),
    "due_date": (gettext_lazy("Due date"), gettext_lazy("most overdue first")),
    "amount": (gettext_lazy("Amount"), gettext_lazy("smallest open first")),
    BY_HAND: (gettext_lazy("By hand"), gettext_lazy("type in the Apply column")),
    "none": (gettext_lazy("Hold"), gettext_lazy("keep all as credit")),
}
WORDS |= {
    "strategy": {name: word for name, (word, _hint) in STRATEGY_WORDS.items()}, "delivery": dict(Delivery.choices),
}  # fmt: skip
MEASURES: dict[str, Sentence] = {
    "paid": gettext_lazy("Invoices paid"),
    "overdue": gettext_lazy("Overdue covered"),
    "discount": gettext_lazy("Discount won"),
    "write_off": gettext_lazy("Written off"),
    "hold": gettext_lazy("Hold released"),
    "left_over": gettext_lazy("Left over"),
}
NOTHING = "–"
# How the fields are called where an error is told away from its field.
FIELDS: dict[str, Sentence] = {
    "amount": gettext_lazy("Amount"), "method": gettext_lazy("Method"), "received_on": gettext_lazy("Received"),
    "payer_name": gettext_lazy("Payer"), "reference": gettext_lazy("Reference"), "note": gettext_lazy("Note"),
    "bank_account": gettext_lazy("Bank account"), "cheque_number": gettext_lazy("Cheque number"),
    "cheque_bank": gettext_lazy("Cheque bank"), "cheque_branch": gettext_lazy("Cheque branch"),
    "cheque_drawer": gettext_lazy("Cheque drawer"), "cheque_date": gettext_lazy("Cheque date"),
    "words_amount": gettext_lazy("Amount in words"), "cheque_kind": gettext_lazy("Kind of cheque"),
    "cheque_front": gettext_lazy("Picture of the front"), "cheque_back": gettext_lazy("Picture of the back"),
    "email": gettext_lazy("E-mail"), "form_number": gettext_lazy("Pre-printed form"),
    "lookalike_reason": gettext_lazy("Look-alike"), "denominations": gettext_lazy("Notes and coins"),
    "drawer_session": gettext_lazy("Taken at"),
}  # fmt: skip
Figures = dict[str, Any]


def money(value: Decimal, currency: str) -> str:
    return format_amount(value, currency) if value else NOTHING


def figures(preview: Preview) -> Figures:
    """All that changes on the screen with the form: the reading of the amount, strategies, rows, totals, warnings."""
    order, currency = preview.order, preview.order.currency
    chosen = preview.chosen.proposal
    errors = [*preview.refusals, *([preview.chosen.refusal] if preview.chosen.refusal else [])]
    applied = chosen.applied if chosen else sum((amount for _pk, amount in order.by_hand or ()), ZERO)
    return {
        "reading": format_money(order.amount, currency),
        "words": amount_in_words(order.amount, currency, _language()),
        "strategies": {name: strategy_figures(preview, preview.outlooks.get(name)) for name in STRATEGY_WORDS},
        "rows": {str(invoice.id): row_figures(invoice, chosen, currency) for invoice in preview.invoices},
        "applied": format_amount(applied, currency),
        "left_over": format_amount(order.amount - applied, currency),
        "discount": format_amount(chosen.discount if chosen else ZERO, currency),
        "write_off": format_amount(chosen.write_off if chosen else ZERO, currency),
        "open_after": format_amount(open_after(preview.invoices, chosen), currency),
        "warnings": [{"code": code, "message": str(text)} for code, text in warnings(preview)],
        "lookalike": str(preview.lookalike) if preview.lookalike else "",
        "errors": as_errors(error for error in errors if error.code != "required"),
    }


def _language() -> str:
    return "zh-hant" if (get_language() or "").startswith("zh") else "en"


def strategy_figures(preview: Preview, outlook: Outlook | None) -> Figures:
    """One column of the comparison. by hand has figures once something is typed."""
    if outlook is None or outlook.proposal is None:
        return dict.fromkeys(MEASURES, NOTHING) | {"part": "", "refused": bool(outlook and outlook.refusal)}
    proposal, currency = outlook.proposal, preview.order.currency
    paid = sum(1 for part in proposal.slices if not part.open_after)
    part = len(proposal.slices) - paid
    return {
        "paid": str(paid) if paid else "" if part else NOTHING,
        "part": (_("+ {n} in part") if paid else _("{n} in part")).format(n=part) if part else "",
        "overdue": _of(outlook.overdue_covered, outlook.overdue_left, currency),
        "discount": money(proposal.discount, currency),
        "write_off": money(proposal.write_off, currency),
        "hold": _hold_word(outlook),
        "left_over": money(proposal.left_over, currency),
        "refused": False,
    }


def row_figures(invoice: OpenInvoice, proposal: Proposal | None, currency: str) -> Figures:
    part = next((p for p in proposal.slices if p.invoice.id == invoice.id), None) if proposal else None
    if part is None:
        return {"apply": "", "discount": NOTHING, "after": format_amount(invoice.open_amount, currency), "tone": ""}
    return {
        "apply": format_amount(part.credit, currency),
        "discount": money(part.discount, currency),
        "after": _after(part, currency),
        "tone": "part" if part.open_after else "paid",
    }


def open_after(invoices: Sequence[OpenInvoice], proposal: Proposal | None) -> Decimal:
    settled = sum((part.settled for part in proposal.slices), ZERO) if proposal else ZERO
    return sum((invoice.open_amount for invoice in invoices), ZERO) - settled


def warnings(preview: Preview) -> list[tuple[str, str]]:
    """What the clerk should know before saving. Nothing here stops the save; the look-alike is told apart."""
    order, currency = preview.order, preview.order.currency
    found = list(_why_provisional(preview))
    proposal = preview.chosen.proposal
    for invoice in proposal.kept_because_short if proposal else ():
        words = _("{number} needs {due}; less is not applied here, so the rest is kept as the customer's credit.")
        due = format_money(invoice.open_amount, currency)
        found.append(("short", words.format(number=invoice.number, due=due)))
    disputed = [invoice.number for invoice in preview.invoices if invoice.is_disputed]
    if disputed and order.by_hand is None and order.strategy != "none":
        found.append(("disputed", _("Disputed and passed over: {numbers}.").format(numbers=", ".join(disputed))))
    return found + list(_about_the_hold(preview))


def _why_provisional(preview: Preview) -> Iterable[tuple[str, str]]:
    order, limit = preview.order, preview.book.amount("payments.verify_above")
    if "verify_large_payment" in preview.waits and limit is not None:
        words = _("Above {limit}: provisional, and applied to nothing, until a second person has verified it.")
        yield "provisional", words.format(limit=format_money(limit, order.currency))
    if "accept_unusual_method" in preview.waits:
        words = _("{method} in {currency} is unusual here: provisional, and applied to nothing, until accepted.")
        yield "unusual", words.format(method=Method(order.method).label.capitalize(), currency=order.currency)
    yield from _about_bounces(preview)


def _about_bounces(preview: Preview) -> Iterable[tuple[str, str]]:
    """What this payer's returned cheques mean for a cheque; one that is refused is said beside its field (R116)."""
    bounces = preview.bounces
    if bounces is None or not bounces.warns or bounces.refused:
        return
    words = ngettext(
        "{count} cheque of this payer came back in the last {months} months.",
        "{count} cheques of this payer came back in the last {months} months.", bounces.count,
    ).format(count=bounces.count, months=bounces.months)  # fmt: skip
    if bounces.needs_supervisor:
        words += " " + _("Provisional, and applied to nothing, until a supervisor has accepted the cheque.")
    yield "bounces", words


def _about_the_hold(preview: Preview) -> Iterable[tuple[str, str]]:
    hold = preview.chosen.hold
    if hold is None or preview.waits:
        return
    if hold.released:
        yield "hold_released", _("The credit hold will be released. {why}").format(why=hold.explanation)
        return
    yield "hold_kept", _("The credit hold stays. {why}").format(why=hold.explanation)
    if preview.order.method == Method.CHEQUE and not preview.book.flag("credit.count_uncleared_cheques"):
        yield "cheque_hold", _("A cheque does not count for the hold before the bank has honoured it.")


def as_errors(refusals: Iterable[DomainError]) -> list[dict[str, str]]:
    """The one shape of errors: field, stable code, sentence; label is the field's name as the screen has it."""
    flat: list[DomainError] = []
    for refusal in refusals:
        flat += refusal.refusals if isinstance(refusal, Refusals) else [refusal]
    return [
        {"field": one.field, "code": one.code, "message": str(one), "label": str(FIELDS.get(one.field, ""))}
        for one in flat
    ]


def _of(covered: Decimal, left: Decimal, currency: str) -> str:
    if not covered and not left:
        return NOTHING
    if not left:
        return _("all {amount}").format(amount=format_amount(covered, currency))
    total = format_amount(covered + left, currency)
    if not covered:
        return _("none of {total}").format(total=total)
    return _("{part} of {total}").format(part=format_amount(covered, currency), total=total)


def _hold_word(outlook: Outlook) -> str:
    if outlook.hold is None:
        return NOTHING
    return _("yes") if outlook.hold.released else _("no")


def _after(part: Slice, currency: str) -> str:
    if part.open_after:
        return format_amount(part.open_after, currency)
    if part.write_off:
        return _("paid, {amount} written off").format(amount=format_amount(part.write_off, currency))
    return _("paid")
