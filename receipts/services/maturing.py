"""Post-dated cheques become payments on their day: booked, applied, receipted (R113, R114)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog
from django.db import DataError, IntegrityError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from billing.errors import DomainError
from billing.models import Customer
from billing.office.calendar import is_business_day
from billing.office.models import Organization, User
from billing.office.policies import policies_for
from billing.refusals import explained
from billing.services.locking import lock_customers
from payments.models import Cheque, Method
from payments.models.cheque import ChequeState
from payments.services.orders import ChequeOrder, PaymentOrder
from receipts.models.receipt import Delivery
from receipts.services.counter import MAILED, ReceiptWish, Taken, take_payments

log = structlog.get_logger(__name__)

# Cheques a transaction: large enough to be fast, small enough that a clerk waits for a number for a moment only.
CHUNK = 500
BUSY = ("55P03", "40P01")  # lock_not_available, deadlock_detected
Keys = Sequence[tuple[int, int]]  # of cheques and their customers


class NotYet(DomainError):
    code = "future_date"
    sentence = _("{day} is still to come for {organization} (today is {today} there); cheques mature on their day.")


class NotNow(DomainError):
    code = "not_now"
    sentence = _("The database would not take it just now ({kind}); the next run tries again.")


@dataclass(frozen=True)
class Trouble:
    """A cheque that could not be booked, and why; it stays in the vault and is tried again by the next run."""

    cheque_id: int
    cheque: str
    sentence: str


@dataclass
class Matured:
    """What became of the cheques of one organization. waiting: booked only when a second person agrees.

    is_closed: it was no business day there, so nothing was done about what is due.
    """

    organization: Organization
    as_of: date
    matured: int = 0
    waiting: int = 0
    troubles: list[Trouble] = field(default_factory=list)
    is_closed: bool = False

    @property
    def troubled(self) -> int:
        return len(self.troubles)


@dataclass
class MaturityReport:
    """A run. organizations: those where something was due."""

    organizations: list[Matured] = field(default_factory=list)

    @property
    def matured(self) -> int:
        return sum(each.matured for each in self.organizations)

    @property
    def waiting(self) -> int:
        return sum(each.waiting for each in self.organizations)

    @property
    def troubled(self) -> int:
        return sum(each.troubled for each in self.organizations)


def mature_cheques(
    *, as_of: date | None, now: datetime, organization: Organization | None = None, by: User | None = None,
    retry: bool = True,
) -> MaturityReport:  # fmt: skip
    """Turn the cheques in the vault whose day has come into payments with receipts. A journey: opens transactions.

    as_of: cheques due up to that day; the organization's today, if None. Nothing happens where that is no business day.
    organization: only that one. retry: also those that an earlier run could not book.
    Each chunk is a transaction of its own: killed anywhere and run again, or run twice at once, each cheque is booked
    once, because its row, and only while it is in the vault, is locked with its customer. One query if nothing is due.
    Posts what take_payments posts, dated on the day each cheque fell due. Raises NotYet, before anything is done.
    """
    report = MaturityReport()
    for owner in _owners(organization, as_of, now, retry):
        today = owner.today(now)
        if as_of is not None and as_of > today:
            raise NotYet(day=as_of, organization=owner.code, today=today)
        report.organizations.append(Matured(owner, as_of or today))
    for part in report.organizations:
        try:
            _mature(part, now, by, retry)
        except DomainError as refusal:  # of the organization as a whole, such as a calendar without working days
            with override("en"):
                part.troubles.append(Trouble(0, part.organization.code, str(refusal)))
    return MaturityReport([part for part in report.organizations if part.is_closed or _has_news(part)])


def _owners(organization: Organization | None, as_of: date | None, now: datetime, retry: bool) -> list[Organization]:
    """Those with a cheque that may be due. One query, two if there are any.

    UTC's tomorrow is the latest day that is today anywhere; each organization's own today decides afterwards.
    """
    if organization is not None:
        return [organization]
    due = _due(as_of or now.date() + timedelta(days=1), retry)
    keys = set(due.values_list("organization_id", flat=True).distinct())
    return list(Organization.objects.filter(pk__in=keys, is_active=True).order_by("code")) if keys else []


def _due(as_of: date, retry: bool) -> QuerySet[Cheque]:
    rows = Cheque.objects.filter(state=ChequeState.IN_VAULT, matures_on__lte=as_of)
    return rows if retry else rows.filter(trouble="")


def _has_news(part: Matured) -> bool:
    return bool(part.matured or part.waiting or part.troubles)


def _mature(part: Matured, now: datetime, by: User | None, retry: bool) -> None:
    """All due cheques of an organization, the earliest due first."""
    rows = _due(part.as_of, retry).filter(organization=part.organization).order_by("matures_on", "id")
    keys = list(rows.values_list("pk", "customer_id"))
    if not keys:
        return
    if not is_business_day(part.organization, part.as_of):
        part.is_closed = True
        return
    wish = _wish(policies_for(part.organization).text("receipts.delivery"))
    for start in range(0, len(keys), CHUNK):
        for results in _booked(part, keys[start : start + CHUNK], wish, now, by):
            _count(part, results)


def _booked(
    part: Matured, keys: Keys, wish: Callable[[Customer], ReceiptWish], now: datetime, by: User | None
) -> Iterator[list[tuple[Cheque, Taken | DomainError]]]:
    """Book these in one transaction; if one stops it, in halves, so that only that one stays behind."""
    try:
        with explained(), transaction.atomic():
            found = _book(part, keys, wish, now, by)
    except (DomainError, IntegrityError, DataError, OperationalError) as refusal:
        if isinstance(refusal, OperationalError) and not _is_busy(refusal):
            raise
        if len(keys) > 1:
            middle = len(keys) // 2
            yield from _booked(part, keys[:middle], wish, now, by)
            yield from _booked(part, keys[middle:], wish, now, by)
            return
        log.warning("cheque_not_matured", cheque=keys[0][0], trouble=type(refusal).__name__)
        found = _keep_trouble(keys[0][0], refusal)
    yield found


def _is_busy(error: OperationalError) -> bool:
    """Somebody else holds a lock for too long, or for the same things the other way round."""
    return getattr(error.__cause__, "sqlstate", "") in BUSY


def _book(
    part: Matured, keys: Keys, wish: Callable[[Customer], ReceiptWish], now: datetime, by: User | None
) -> list[tuple[Cheque, Taken | DomainError]]:
    """The transaction of a chunk: customers in key order, then the cheques that are still in the vault."""
    customers = lock_customers(part.organization, {customer_id for _pk, customer_id in keys})
    rows = Cheque.objects.select_for_update(no_key=True).filter(
        pk__in=[pk for pk, _customer_id in keys], state=ChequeState.IN_VAULT
    )
    cheques = sorted(rows, key=lambda cheque: (cheque.matures_on, cheque.pk))
    orders = [(order_of(cheque), wish(customers[cheque.customer_id])) for cheque in cheques]
    results = take_payments(organization=part.organization, orders=orders, now=now, by=by, at_counter=False)
    found = list(zip(cheques, results, strict=True))
    for cheque, result in found:
        if isinstance(result, DomainError):
            _write_trouble(cheque, result)
    return found


def order_of(cheque: Cheque) -> PaymentOrder:
    """The payment that a cheque in the vault becomes, received on the day it fell due."""
    return PaymentOrder(
        customer_id=cheque.customer_id, method=Method.CHEQUE, amount=cheque.amount, currency=cheque.currency,
        received_on=cheque.matures_on, request_key=f"cheque:{cheque.pk}:1", payer_name=cheque.drawer,
        reference=cheque.reference, strategy=cheque.strategy, first=tuple(cheque.for_invoices), channel="vault",
        note=cheque.note,
        cheque=ChequeOrder(
            number=cheque.number, bank=cheque.bank, cheque_date=cheque.cheque_date, drawer=cheque.drawer,
            branch=cheque.branch, kind=cheque.kind, figures_amount=cheque.figures_amount, held_id=cheque.pk,
        ),
    )  # fmt: skip


def _wish(delivery: str) -> Callable[[Customer], ReceiptWish]:
    """The receipt as the organization hands it out; on paper to a customer without an address."""

    def wish(customer: Customer) -> ReceiptWish:
        reachable = delivery not in MAILED or customer.email
        return ReceiptWish(delivery) if reachable else ReceiptWish(Delivery.PRINT, by_phone=True)

    return wish


def _keep_trouble(cheque_id: int, refusal: Exception) -> list[tuple[Cheque, Taken | DomainError]]:
    """What the database refused when the transaction was to end: nothing of it is left, so it is said in another."""
    trouble = refusal if isinstance(refusal, DomainError) else NotNow(kind=type(refusal).__name__)
    with transaction.atomic():
        rows = Cheque.objects.select_for_update(no_key=True).filter(pk=cheque_id, state=ChequeState.IN_VAULT)
        cheques = list(rows)
        for cheque in cheques:
            _write_trouble(cheque, trouble)
    return [(cheque, trouble) for cheque in cheques]


def _write_trouble(cheque: Cheque, refusal: DomainError) -> None:
    with override("en"):
        sentence = str(refusal)[:400]
    if cheque.trouble != sentence:
        cheque.trouble = sentence
        cheque.save(update_fields=["trouble"])


def _count(part: Matured, results: Sequence[tuple[Cheque, Taken | DomainError]]) -> None:
    for cheque, result in results:
        if isinstance(result, DomainError):
            part.troubles.append(Trouble(cheque.pk, str(cheque), cheque.trouble))
        elif result.payment.pending_for:
            part.waiting += 1
        else:
            part.matured += 1
