"""The vault: post-dated cheques are taken in, cancelled, replaced, or refused at the desk (R110, R113, R116)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused, NotFound
from billing.inputs import clean_text
from billing.models import Customer, Invoice
from billing.office.access import may, people_who
from billing.office.calendar import WorkCalendar
from billing.office.models import Organization, User
from billing.office.models.user import Mode
from billing.office.policies import PolicyBook, policies_for_customers
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Cheque, ChequeRejection, Payment, PaymentState
from payments.models.cheque import CHEQUE_MOVES, ChequeState
from payments.services.bounces import RISKY, BounceHistory, find_bounces, judge_bounces, months_before
from payments.services.duplicates import cheque_entered, known_cheques
from payments.services.vault_orders import VaultOrder as VaultOrder
from payments.services.vault_orders import check_vault_order, cleaned, is_same

SHOWN_PEOPLE = 5
KEPT_REASONS = 20


class NeedsSupervisor(DomainError):
    """people: who may accept it. With their approval it goes on: ask_to_take_risky."""

    code = "needs_supervisor"
    sentence = _("{count} cheques came back in {months} months; a supervisor must accept this one: {people}.")


class NotEndable(DomainError):
    code = "cheque_not_endable"
    sentence = _("Cheque {cheque} is {state}; only one in the vault or returned can be handed back or replaced.")


class CountsAsMoney(NotEndable):
    sentence = _("Cheque {cheque} is {state} and counts as money; void its payment, or record what the bank answered.")


@transaction_required
def take_in(
    *, organization: Organization, orders: Sequence[VaultOrder], now: datetime, by: User | None, accepted: bool = False
) -> list[Cheque | DomainError]:
    """Put post-dated cheques in the vault, one result each in the order given. Nothing is posted before their day.

    A refused one comes back as its DomainError (Refusals if several things are missing) and leaves nothing behind;
    the others land. A request key known already gives the cheque taken the first time. accepted: a supervisor has
    agreed to cheques of somebody whose cheques came back. One with replaces_id ends the cheque it replaces.
    """
    room = _Room(organization, orders, now, by, accepted)
    results: list[Cheque | DomainError] = []
    for order in orders:
        try:
            results.append(room.take(order))
        except DomainError as refusal:
            results.append(refusal)
    return results


class _Room:
    """What orders are checked against, kept true while one after another lands. Nine queries however many there are."""

    def __init__(
        self, organization: Organization, orders: Sequence[VaultOrder], now: datetime, by: User | None, accepted: bool
    ) -> None:  # fmt: skip
        self.organization, self.now, self.by, self.accepted = organization, now, by, accepted
        self.today = organization.today(now)
        self.customers = lock_customers(organization, {order.customer_id for order in orders})
        self.books = policies_for_customers(organization, self.customers)
        self.work = WorkCalendar(organization)
        self.by_key = {
            cheque.request_key: cheque
            for cheque in Cheque.objects.filter(
                organization=organization, request_key__in=[o.request_key for o in orders if o.request_key]
            )
        }
        self.known = known_cheques(organization, [order.number.strip() for order in orders])
        numbers = {number for order in orders for number in order.for_invoices}
        self.owners: dict[str, int] = dict(
            Invoice.objects.filter(organization=organization, number__in=numbers).values_list("number", "customer_id")
            if numbers else ()
        )  # fmt: skip
        longest = max((book.number("cheques.bounce_months") for book in self.books.values()), default=0)
        payers = [(o.customer_id, o.drawer.strip() or self.customers[o.customer_id].name) for o in orders]
        self.bounces = find_bounces(organization, payers, months_before(self.today, longest))

    def take(self, order: VaultOrder, reason: str = "") -> Cheque:
        """Check one order and write its cheque. Raises DomainError; then nothing was written.

        reason: why it replaces another, where it does.
        """
        customer, book = self.customers[order.customer_id], self.books[order.customer_id]
        order = cleaned(order, customer)
        earlier = self.by_key.get(order.request_key)
        if earlier is not None:
            if not is_same(earlier, order):
                raise KeyReused(field="request_key")
            return earlier
        self._check(order, customer, book)
        replaced = find_replaceable(customer, order.replaces_id) if order.replaces_id else None
        cheque = self._write(order)
        if replaced is not None:
            _end(replaced, ChequeState.REPLACED, reason or order.note or f"→ {cheque}", self.today)
        return cheque

    def _check(self, order: VaultOrder, customer: Customer, book: PolicyBook) -> None:
        check_vault_order(order, customer, book, self.today)
        self._check_invoices(order)
        if order.identity in self.known:
            raise cheque_entered(self.known[order.identity])
        history = judge_bounces(self.bounces, customer.pk, order.drawer, self.today, book)
        history.check()
        if history.needs_supervisor and not self._is_accepted():
            raise needs_supervisor(self.organization, history)

    def _check_invoices(self, order: VaultOrder) -> None:
        for number in order.for_invoices:
            if number not in self.owners:
                sentence = _("There is no invoice {number}.")
                raise BadInput(sentence, field="for_invoices", code="unknown_invoice", number=number)
            if self.owners[number] != order.customer_id:
                sentence = _("Invoice {number} is another customer's.")
                raise BadInput(sentence, field="for_invoices", code="invoice_of_other", number=number)

    def _is_accepted(self) -> bool:
        """Whether a supervisor agrees: one who takes the cheque in has."""
        return self.accepted or (self.by is not None and may(self.by, self.organization, RISKY, Mode.CHECK))

    def _write(self, order: VaultOrder) -> Cheque:
        cheque = Cheque.objects.create(
            organization=self.organization, customer=self.customers[order.customer_id], kind=order.kind,
            number=order.number, bank=order.bank, branch=order.branch, drawer=order.drawer,
            cheque_date=order.cheque_date, currency=order.currency, amount=order.amount,
            figures_amount=order.figures_amount, state=ChequeState.IN_VAULT, received_on=order.received_on,
            recorded_at=self.now, recorded_by=self.by, matures_on=self.work.next_business_day(order.cheque_date),
            for_invoices=list(order.for_invoices), strategy=order.strategy, reference=order.reference,
            note=order.note, request_key=order.request_key, replaces_id=order.replaces_id,
        )  # fmt: skip
        self.known[order.identity] = cheque
        if order.request_key:
            self.by_key[order.request_key] = cheque
        return cheque


def needs_supervisor(organization: Organization, history: BounceHistory) -> NeedsSupervisor:
    """The refusal that names who can help. One query."""
    people = [str(user) for user in people_who(organization, RISKY, Mode.CHECK)][:SHOWN_PEOPLE]
    return NeedsSupervisor(
        field="cheque_number", count=history.count, months=history.months,
        people=", ".join(people) or _("there is nobody yet; give somebody the role supervisor"),
    )  # fmt: skip


@transaction_required
def cancel_cheque(*, cheque: Cheque, reason: str, now: datetime, by: User | None) -> Cheque:
    """Hand a cheque back for good: one in the vault, or one that the bank returned. It may be entered anew later.

    Raises NotEndable, BadInput (no reason).
    """
    reason = _reason(reason)
    cheque = _lock(cheque)
    _check_endable(cheque)
    _end(cheque, ChequeState.CANCELLED, reason, cheque.organization.today(now))
    return cheque


@transaction_required
def replace_cheque(
    *, cheque: Cheque, order: VaultOrder | None, payment: Payment | None, reason: str, now: datetime, by: User | None
) -> Cheque:
    """End a cheque in the vault, or returned, because something else came for it. Returns the old cheque.

    order: another post-dated cheque, taken in now; or payment: money that was taken already, from the same customer
    in the same currency, and stands. Raises NotEndable, BadInput, and what take_in gives for the new cheque.
    """
    reason = _reason(reason)
    cheque = _lock(cheque)
    if (order is None) == (payment is None):
        sentence = _("Say what replaces the cheque: another cheque, or a payment.")
        raise BadInput(sentence, field="replacement", code="required")
    if order is not None:
        return _replace_by_order(cheque, order, reason, now, by)
    assert payment is not None
    _check_endable(cheque)
    cheque.replacement_payment = _check_replacement(cheque, payment)
    _end(cheque, ChequeState.REPLACED, reason, cheque.organization.today(now))
    return cheque


def _replace_by_order(
    cheque: Cheque, order: VaultOrder, reason: str, now: datetime, by: User | None
) -> Cheque:  # fmt: skip
    """Take the new cheque in, which ends the old one. The same key again finds it done."""
    if order.customer_id != cheque.customer_id:
        raise BadInput(_("The new cheque must be of the same customer."), field="customer", code="other_customer")
    room = _Room(cheque.organization, [order], now, by, accepted=False)
    room.take(replace(order, replaces_id=cheque.pk), reason)
    cheque.refresh_from_db()
    return cheque


def _check_replacement(cheque: Cheque, payment: Payment) -> Payment:
    """Raises BadInput for a payment that cannot stand for the cheque."""
    payment = Payment.objects.select_for_update(no_key=True, of=("self",)).get(pk=payment.pk)
    same = (payment.customer_id, payment.currency) == (cheque.customer_id, cheque.currency)
    if not same or payment.state not in (PaymentState.PROCESSED, PaymentState.PENDING):
        sentence = _("Choose a payment of this customer in {currency} that stands; {number} does not.")
        raise BadInput(
            sentence, field="payment", code="not_a_replacement", currency=cheque.currency, number=payment.number
        )
    return payment


@transaction_required
def reject_cheque(
    *, organization: Organization, customer_id: int, number: str, bank: str, drawer: str, cheque_date: date | None,
    amount: Decimal | None, currency: str, reasons: list[str], now: datetime, by: User,
) -> ChequeRejection:  # fmt: skip
    """Keep that a cheque was refused at the desk and handed back, with why; a slip is printed from it (R110).

    reasons: sentences, at least one. The same cheque refused again on the same day for the same reasons gives the
    first record. Raises BadInput, NotFound.
    """
    customer = lock_customers(organization, [customer_id])[customer_id]
    reasons = list(dict.fromkeys(clean_text(r, field="reasons", longest=400) for r in reasons if r.strip()))
    if not reasons:
        raise BadInput(_("Say why the cheque is refused."), field="reasons", code="required")
    facts = {
        "number": clean_text(number, field="cheque_number", longest=30, free=False),
        "bank": clean_text(bank, field="cheque_bank", longest=80),
        "drawer": clean_text(drawer, field="cheque_drawer", longest=160),
        "cheque_date": cheque_date, "amount": amount, "currency": currency, "reasons": reasons[:KEPT_REASONS],
        "rejected_on": organization.today(now),
    }  # fmt: skip
    made, _is_new = ChequeRejection.objects.get_or_create(
        organization=organization, customer=customer, **facts, defaults={"rejected_at": now, "rejected_by": by}
    )
    return made


def find_replaceable(customer: Customer, cheque_id: int) -> Cheque:
    """The locked cheque that a new one may replace. Raises NotFound, NotEndable."""
    rows = Cheque.objects.select_for_update(no_key=True, of=("self",)).filter(pk=cheque_id, customer=customer)
    cheque = rows.first()
    if cheque is None:
        raise NotFound(field="replaces")
    _check_endable(cheque)
    return cheque


def _lock(cheque: Cheque) -> Cheque:
    lock_customers(cheque.organization, [cheque.customer_id])
    rows = Cheque.objects.select_for_update(no_key=True, of=("self",)).select_related("organization", "customer")
    return rows.get(pk=cheque.pk)


def _check_endable(cheque: Cheque) -> None:
    if cheque.state in (ChequeState.DUE, ChequeState.DEPOSITED, ChequeState.CLEARED):
        raise CountsAsMoney(cheque=cheque, state=cheque.get_state_display())
    if cheque.state not in (ChequeState.IN_VAULT, ChequeState.RETURNED):
        raise NotEndable(cheque=cheque, state=cheque.get_state_display())


def _end(cheque: Cheque, state: ChequeState, reason: str, today: date) -> None:
    """trouble goes: nobody has to settle it any more."""
    move(
        cheque, state, CHEQUE_MOVES, ended_on=today, end_reason=reason[:400], trouble="",
        replacement_payment=cheque.replacement_payment,
    )  # fmt: skip


def _reason(text: str) -> str:
    reason = clean_text(text, field="reason", longest=400)
    if not reason:
        raise BadInput(_("A reason is needed."), field="reason", code="reason_required")
    return reason
