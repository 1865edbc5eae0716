"""The life of a cheque as a timeline: taken, booked, presented, answered, ended, each with its papers (R111-R115)."""

from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.admin.columns import screen_url
from billing.errors import Sentence
from payments.models import Cheque, ChequePresentation, Payment
from payments.models.cheque import ChequeState


@dataclass(frozen=True)
class Step:
    """One thing that happened to a cheque. links: (words, screen, key)."""

    on: date
    what: Sentence
    detail: str = ""
    links: tuple[tuple[str, str], ...] = ()
    tone: str = ""
    who: str = ""


def life_of(cheque: Cheque) -> list[Step]:
    """From the counter to the bank's last word, the oldest first. Three queries."""
    rows = cheque.presentations.select_related("payment", "deposit", "recorded_by", "fee_invoice").order_by("ordinal")
    steps = [_taken(cheque)]
    for presentation in rows:
        steps += _presented(cheque, presentation)
    return steps + _ended(cheque)


def _taken(cheque: Cheque) -> Step:
    links: tuple[tuple[str, str], ...] = ()
    if cheque.replaces is not None:
        words = _("instead of {cheque}").format(cheque=cheque.replaces)
        links = ((words, reverse("admin:cheque", args=[cheque.replaces_id])),)
    detail = _("dated {day}").format(day=day_words(cheque.cheque_date))
    return Step(cheque.received_on, _("Taken in"), detail, links, who=str(cheque.recorded_by or ""))


def _presented(cheque: Cheque, presentation: ChequePresentation) -> list[Step]:
    """Booked as money, taken to the bank, answered."""
    payment, found = presentation.payment, []
    links = [(payment.number, reverse("admin:payment", args=[payment.pk]))]
    matured = presentation.ordinal == 1 and payment.channel == "vault"
    what = _("Fell due: booked as received") if matured else _("Booked as received")
    if presentation.ordinal > 1:
        what = _("Presented again ({n})").format(n=presentation.ordinal)
    found.append(Step(payment.received_on, what, payment.get_state_display(), (*links, *_receipt(payment))))
    deposit = presentation.deposit
    if deposit is not None:
        slip = _link(deposit.number, "deposit", deposit.pk)
        on = deposit.deposited_on or deposit.prepared_at.astimezone(cheque.organization.zone).date()
        found.append(Step(on, _("Taken to the bank") if deposit.deposited_on else _("On a deposit slip"), "", slip))
    if presentation.result and presentation.result_on:
        found.append(_answered(presentation))
    return found


def _answered(presentation: ChequePresentation) -> Step:
    assert presentation.result_on is not None
    who = str(presentation.recorded_by or "")
    if presentation.result == "cleared":
        return Step(presentation.result_on, _("Cleared"), presentation.note, tone="good", who=who)
    words = " · ".join(part for part in (str(presentation.get_reason_display()), presentation.note) if part)
    fee = presentation.fee_invoice
    links = ((_("fee {number}").format(number=fee.number), reverse("admin:invoice", args=[fee.pk])),) if fee else ()
    return Step(presentation.result_on, _("Returned by the bank"), words, links, "bad", who)


def _ended(cheque: Cheque) -> list[Step]:
    if cheque.ended_on is None:
        return []
    links = [(str(new), reverse("admin:cheque", args=[new.pk])) for new in cheque.replaced_by.order_by("pk")]
    if cheque.replacement_payment is not None:
        paid = cheque.replacement_payment
        links.append((paid.number, reverse("admin:payment", args=[paid.pk])))
    what = _("Replaced by") if cheque.state == ChequeState.REPLACED else _("Handed back")
    return [Step(cheque.ended_on, what, cheque.end_reason, tuple(links))]


def _receipt(payment: Payment) -> tuple[tuple[str, str], ...]:
    """The receipt's number and paper, where the app above has issued one. One query."""
    receipt = getattr(payment, "receipt", None)
    return _link(receipt.number, "receipt-pdf", receipt.pk) if receipt is not None else ()


def _link(words: str, screen: str, key: int) -> tuple[tuple[str, str], ...]:
    return ((words, screen_url(screen, key)),)


def day_words(day: date) -> str:
    return date_format(day)
