"""A post-dated cheque as somebody wants to hand it in, and the rules it must keep (R110, R113)."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, Refusals
from billing.inputs import clean_text
from billing.models import Customer
from billing.money import ZERO, fits
from billing.office.policies import STRATEGIES, PolicyBook
from payments.models import Cheque, Method
from payments.models.cheque import ChequeKind
from payments.services.orders import PaymentOrder, check_fresh, check_money

REQUIRED = {
    "number": ("cheque_number", _("A cheque has a number; enter it.")),
    "bank": ("cheque_bank", _("Enter the bank the cheque is drawn on.")),
}


@dataclass(frozen=True)
class VaultOrder:
    """A cheque for the vault. Dates in the organization's calendar; amount > 0, what the words say.

    drawer: the customer, if left out. figures_amount: what the figures say, where the words say otherwise.
    for_invoices: numbers of the customer's invoices it is meant for, paid first when it matures, then by `strategy`.
    replaces_id: key of the cheque in the vault or returned that this one replaces.
    """

    customer_id: int
    number: str
    bank: str
    cheque_date: date
    amount: Decimal
    currency: str
    received_on: date
    request_key: str
    branch: str = ""
    drawer: str = ""
    kind: str = ChequeKind.PERSONAL
    figures_amount: Decimal | None = None
    for_invoices: tuple[str, ...] = ()
    strategy: str = "fifo"
    reference: str = ""
    note: str = ""
    replaces_id: int | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """Number, bank and drawer: one piece of paper."""
        return (self.number, self.bank.upper(), self.drawer.upper())


# What must be the same when a request key comes again. A note written the second time makes no other cheque.
COMPARED = (
    "customer_id", "number", "bank", "drawer", "branch", "kind", "cheque_date", "amount", "currency", "received_on",
    "strategy", "reference", "replaces_id",
)  # fmt: skip


def is_same(cheque: Cheque, order: VaultOrder) -> bool:
    """Whether a cheque is what a cleaned order asked for."""
    return all(getattr(cheque, name) == getattr(order, name) for name in COMPARED) and (
        (cheque.figures_amount, tuple(cheque.for_invoices)) == (order.figures_amount, order.for_invoices)
    )


def cleaned(order: VaultOrder, customer: Customer) -> VaultOrder:
    """Trimmed, with the customer as drawer unless another is named. Raises BadInput at the field, Refusals if several.

    Figures that say what the words say are not kept apart."""
    found: dict[str, str] = {}
    wrong: list[DomainError] = []
    for name, field, longest in (
        ("number", "cheque_number", 30), ("bank", "cheque_bank", 80), ("branch", "cheque_branch", 80),
        ("drawer", "cheque_drawer", 160), ("reference", "reference", 80), ("note", "note", 400),
    ):  # fmt: skip
        try:
            found[name] = clean_text(getattr(order, name), field=field, longest=longest, free=name != "number")
            if not found[name] and name in REQUIRED:
                raise BadInput(REQUIRED[name][1], field=field, code="required")
        except DomainError as refusal:
            wrong.append(refusal)
    if wrong:
        raise wrong[0] if len(wrong) == 1 else Refusals(wrong)
    found["drawer"] = found["drawer"] or customer.name
    figures = None if order.figures_amount == order.amount else order.figures_amount
    return replace(order, figures_amount=figures, **found)  # type: ignore[arg-type]


def check_vault_order(order: VaultOrder, customer: Customer, book: PolicyBook, today: date) -> None:
    """The rules that need no look at other cheques. Raises the first trouble, at its field."""
    check_money(as_payment(order), customer, book, today)
    figures = order.figures_amount
    if figures is not None and (figures <= ZERO or not fits(figures, order.currency)):
        raise BadInput(_("The amount must be more than 0."), field="figures_amount", code="not_positive")
    if order.strategy not in STRATEGIES:
        raise BadInput(_("There is no such strategy."), field="strategy", code="unknown_strategy")
    if order.kind not in ChequeKind.values:
        raise BadInput(_("There is no such kind of cheque."), field="kind", code="unknown_kind")
    _check_date(order, book, today)


def as_payment(order: VaultOrder) -> PaymentOrder:
    """The payment this cheque would be today, for the rules that all payments keep."""
    return PaymentOrder(
        customer_id=order.customer_id, method=Method.CHEQUE, amount=order.amount, currency=order.currency,
        received_on=order.received_on, request_key=order.request_key, strategy=order.strategy,
    )  # fmt: skip


def _check_date(order: VaultOrder, book: PolicyBook, today: date) -> None:
    """After today, and no further ahead than the policy allows: the last day is still taken (R113)."""
    if order.cheque_date <= today:
        check_fresh(order.cheque_date, order.received_on, book)
        sentence = _("The cheque is dated {day} and can be paid in now: take it under Receive payment.")
        raise BadInput(sentence, field="cheque_date", code="not_post_dated", day=order.cheque_date)
    days = book.number("cheques.vault_days")
    if order.cheque_date > today + timedelta(days=days):
        sentence = _("Post-dated cheques up to {days} days (until {last}).")
        raise BadInput(
            sentence, field="cheque_date", code="too_far_ahead", days=days, last=today + timedelta(days=days)
        )
