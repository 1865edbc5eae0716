"""What a family pays with and what is under way: ready to pay, being confirmed, failed, waiting (R34, R46, R177)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from billing.models import Agreement, Invoice
from billing.models.agreement import Backend
from billing.money import ZERO
from payments.models import AttemptClaim, AutopayPreference, Payment, PaymentAttempt, PaymentMethod, PaymentState
from payments.models.attempt import LIVE, AttemptState, Operation
from payments.models.payment_method import MethodState

TAKES = (Operation.SALE, Operation.AUTH, Operation.CAPTURE)
# So many of each kind are told on one page.
MOST = 10


@dataclass
class Means:
    """payable: what paying would be for, by organization and currency: what is due, else everything that is open.

    methods: all that are not removed, in the family's order. wishes: by agreement. live: charges whose outcome is not
    known. failed: the last try of an open invoice, where it was refused. waiting: payments that are not money yet.
    """

    payable: dict[tuple[int, str], Decimal] = field(default_factory=dict)
    methods: list[PaymentMethod] = field(default_factory=list)
    wishes: Mapping[int, AutopayPreference] = field(default_factory=dict)
    live: list[PaymentAttempt] = field(default_factory=list)
    failed: list[PaymentAttempt] = field(default_factory=list)
    waiting: list[Payment] = field(default_factory=list)


def means_of(
    customer_ids: Iterable[int], agreements: Iterable[Agreement], invoices: QuerySet[Invoice], days: Mapping[int, date]
) -> Means:
    """invoices: what the page is about, of these customers. days: today at each organization. Five queries."""
    keys = list(customer_ids)
    methods = PaymentMethod.objects.filter(customer_id__in=keys, is_once=False).exclude(state=MethodState.REMOVED)
    wishes = AutopayPreference.objects.filter(agreement__in=list(agreements))
    waiting = Payment.objects.filter(customer_id__in=keys, state=PaymentState.PENDING, attempt__isnull=True)
    methods = methods.select_related("customer__organization", "gateway_account", "mandate")
    tried = last_tries(invoices)
    return Means(
        payable=_payable(invoices, days),
        methods=list(methods.order_by("place", "pk")),
        wishes={wish.agreement_id: wish for wish in wishes},
        live=[one for one in tried if one.state in LIVE][:MOST],
        failed=[one for one in tried if one.state == AttemptState.DECLINED][:MOST],
        waiting=list(waiting.select_related("organization").order_by("-pk")[:MOST]),
    )  # fmt: skip


def _payable(invoices: QuerySet[Invoice], days: Mapping[int, date]) -> dict[tuple[int, str], Decimal]:
    """Of each customer and currency what is due, or everything where nothing is: what is chosen at first on paying.

    Without what is disputed, what Zoho collects, and what is being confirmed. One query.
    """
    due = Q(pk__in=())
    for organization_id, today in days.items():
        due |= Q(organization=organization_id, due_on__lte=today)
    live = AttemptClaim.objects.filter(invoice=OuterRef("pk"), holds=True, attempt__state__in=LIVE)
    rows = invoices.filter(~Exists(live), is_disputed=False, voided_on__isnull=True, open_amount__gt=0)
    rows = rows.exclude(agreement__dunning_owner=Backend.ZOHO)
    sums = rows.order_by().values_list("organization_id", "currency", "customer_id").annotate(
        amount=Sum("open_amount"), due=Sum("open_amount", filter=due, default=ZERO)
    )  # fmt: skip
    found: dict[tuple[int, str], Decimal] = {}
    for organization_id, currency, _customer, amount, is_due in sums:
        place = (organization_id, currency)
        found[place] = found.get(place, ZERO) + (is_due or amount)
    return found


def last_tries(invoices: QuerySet[Invoice]) -> list[PaymentAttempt]:
    """The last try at each open invoice, newest first, each once. One query."""
    claims = AttemptClaim.objects.filter(invoice__in=invoices.filter(open_amount__gt=0), attempt__operation__in=TAKES)
    rows = claims.order_by("invoice_id", "-attempt_id").distinct("invoice_id")
    found = {
        claim.attempt_id: claim.attempt
        for claim in rows.select_related(
            "attempt__organization", "attempt__method", "attempt__retry_decision__method", "invoice"
        )
    }
    return [found[pk] for pk in sorted(found, reverse=True)]
