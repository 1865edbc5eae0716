"""What a returned cheque undoes, as plain facts: the page shows them, the approval covers them (R115, F40)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy

from billing.errors import DomainError
from billing.models import Allocation, CreditItem, CreditTransfer
from billing.money import format_money
from billing.office.policies import PolicyBook, policies_for
from billing.selectors.moved import chain_of as transfers_from
from payments.models import Cheque, ChequePresentation, Refund
from payments.models.cheque import BOUNCES, ChequeState
from payments.models.refund import RESERVED, RefundState
from payments.selectors.deposits import current_presentations
from payments.services.bounces import bounce_history

RETURN = "return_cheque"
# A cleared cheque may still come back: a late return.
RETURNABLE = (ChequeState.DEPOSITED, ChequeState.CLEARED)
NOT_SENT = (RefundState.REQUESTED, RefundState.APPROVED)


class NotReturnable(DomainError):
    code = "not_returnable"
    sentence = gettext_lazy("{cheque} is {state}; the bank returns only what was deposited.")


@dataclass(frozen=True)
class Answer:
    """What the bank said: why, on which day of the bank, in its own words if it gave any."""

    reason: str
    returned_on: date
    note: str = ""

    @property
    def is_bounce(self) -> bool:
        """The drawer's doing; what the bank or we did wrong costs the customer nothing."""
        return self.reason in BOUNCES


def preview_return(cheque: Cheque, answer: Answer | None = None) -> dict[str, Any]:
    """Everything a return does, as plain facts: the page shows them, the approval covers them. About ten queries.

    answer: None while it is not known: then as for insufficient funds. Raises NotReturnable.
    """
    presentation = answered_presentation(cheque)
    payment, customer = presentation.payment, cheque.customer
    item = payment.credit_item
    assert item is not None and presentation.deposit is not None
    book = policies_for(cheque.organization, customer_id=customer.pk)
    told: dict[str, Any] = {} if answer is None else {
        "return_reason": answer.reason, "returned_on": answer.returned_on.isoformat(), "note": answer.note,
    }  # fmt: skip
    bounce = answer is None or answer.is_bounce
    return {
        "deed": RETURN, "cheque": str(cheque), "customer": f"{customer.code} {customer.name}",
        "amount": f"{cheque.amount:.2f}", "currency": cheque.currency, "cheque_state": cheque.state,
        "payment": payment.number, "deposit": presentation.deposit.number, **told, **_what_comes_undone(item),
        "return_fee": _shown_fee(cheque, book) if bounce else "",
        "set_hold": bounce and book.flag("cheques.hold_on_return"), "told_at": customer.email,
    }  # fmt: skip


def bounces_after(cheque: Cheque, answer: Answer | None, today: date) -> int:
    """How many cheques of this payer came back, this one included. Not part of what is approved: two that come back
    together must not wait for each other."""
    book = policies_for(cheque.organization, customer_id=cheque.customer_id)
    day = answer.returned_on if answer else today
    before = bounce_history(cheque.customer, day, book, cheque.drawer).count
    return before + (1 if answer is None or answer.is_bounce else 0)


def _what_comes_undone(item: CreditItem) -> dict[str, Any]:
    """Allocations, moved money and refunds of a credit item and of what was moved on from it."""
    keys, transfers = touched_items(item)
    standing = Allocation.objects.filter(credit_item__in=keys, reverses__isnull=True, reversed_by__isnull=True)
    refunds = list(Refund.objects.filter(credit_item__in=keys).select_related("customer").order_by("number"))
    unsent = [refund for refund in refunds if refund.state in NOT_SENT]
    sent = [refund for refund in refunds if refund.state in RESERVED and refund.state not in NOT_SENT]
    return {
        "reopens": [
            {"invoice": a.invoice.number, "kind": a.kind, "amount": f"{a.amount:.2f}",
             "due_on": a.invoice.due_on.isoformat()}
            for a in standing.select_related("invoice").order_by("invoice__number", "kind", "id")
        ],
        "moved_back": [
            {"transfer": t.number, "customer": f"{t.to_item.customer.code} {t.to_item.customer.name}",
             "amount": f"{t.amount:.2f}"}
            for t in transfers
        ],
        "refunds_withdrawn": [{"refund": r.number, "amount": f"{r.gross_amount:.2f}"} for r in unsent],
        "billed_again": [
            {"refund": r.number, "customer": r.customer.code, "amount": f"{r.gross_amount:.2f}"} for r in sent
        ],
    }  # fmt: skip


def touched_items(item: CreditItem) -> tuple[list[int], list[CreditTransfer]]:
    """Keys of a credit item and of all that its money was moved on to, with the transfers. One query a step."""
    transfers = transfers_from(item)
    return [item.pk, *(transfer.to_item_id for transfer in transfers)], transfers


def _shown_fee(cheque: Cheque, book: PolicyBook) -> str:
    fee = book.amount("cheques.return_fee")
    return format_money(fee, cheque.organization.currency) if fee else ""


def answered_presentation(cheque: Cheque) -> ChequePresentation:
    """The presentation the bank answers. Raises NotReturnable."""
    if cheque.state not in RETURNABLE:
        raise NotReturnable(cheque=cheque, state=cheque.get_state_display())
    rows = current_presentations([cheque.pk]).select_related("payment__credit_item", "deposit__bank_account")
    return rows.get()


def answer_in(shown: Mapping[str, Any]) -> Answer:
    """What the bank said, out of the facts of a request."""
    return Answer(shown["return_reason"], date.fromisoformat(shown["returned_on"]), shown["note"])
