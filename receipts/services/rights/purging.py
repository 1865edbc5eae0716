"""The nightly purge: what is older than the settings say goes, in small batches, and a row tells how much (R171).

Nothing of a customer who is held, in dispute or in debt is touched. Each kind may be run twice: what is gone is not
found again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.models import Allocation, CreditItem, Customer, Invoice
from billing.office.accounts.traces import forget_traces_before
from billing.office.documents import erase_document
from billing.office.models import ApiRequest, Notice, Organization, PolicySetting
from billing.office.models.notice import WAITING
from billing.office.models.policy import Scope
from billing.office.policies import policies_for
from billing.office.policy_retention import books_years
from billing.services.locking import lock_customers
from billing.transactions import in_transaction
from payments.models import Dispute, GatewayExchange, Payment, Refund
from payments.models.dispute import DisputeState
from receipts.models import RetentionRun
from receipts.selectors.erasable import documents, outlook
from receipts.services.rights.erasing import ANONYMOUS, WORDLESS, erase_customer, erase_name

BATCH = 500
BATCHES = 20  # of one kind in one run; the rest waits for the next night
EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True)
class Kind:
    """One kind of data. rows: what is older than a day, of an organization. purge: makes some of them go; the keys of
    `rows`, in a transaction; returns how many went. months: the setting; empty where the years of the books count."""

    words: Sentence
    months: str
    rows: Callable[[Organization, date], QuerySet[Any]]
    purge: Callable[[list[int], datetime], int]


@dataclass(frozen=True)
class Due:
    """What a run would find. held: old enough, but needed. until: rows of before this day; None: kept for ever."""

    kind: str
    words: Sentence
    until: date | None
    count: int
    held: int


def rehearse_purge(*, organization: Organization, now: datetime) -> list[Due]:
    """What switching the purge on would take tonight; nothing is changed. Two queries a kind."""
    return [_due(organization, kind, now) for kind in KINDS]


def purge(*, organization: Organization, now: datetime) -> list[RetentionRun]:
    """Every kind once, if the organization has switched it on; a row for each kind that found something."""
    if not policies_for(organization).flag("retention.is_on"):
        return []
    return [run for kind in KINDS if (run := _run(organization, kind, now)) is not None]


def purge_sign_ins(*, now: datetime) -> list[RetentionRun]:
    """Sessions that are over, and who signed in from where: of no organization, so the longest setting counts.

    Only where some organization has switched the purge on.
    """
    on = [one for one in Organization.objects.filter(is_active=True) if policies_for(one).flag("retention.is_on")]
    if not on:
        return []
    runs = [_note(None, "sessions", now.date(), Session.objects.filter(expire_date__lt=now).delete()[0], 0, now)]
    months = [
        policies_for(one).number("retention.sign_ins_months") for one in Organization.objects.filter(is_active=True)
    ]
    if all(months):
        until = months_before(now.date(), max(months))
        start = datetime.combine(until, time(), UTC)
        gone = sum(
            model.objects.filter(attempt_time__lt=start).delete()[0]
            for model in (AccessAttempt, AccessFailureLog, AccessLog)
        )
        gone += _in_batches(partial(forget_traces_before, start=start), full=1)
        runs.append(_note(None, "sign_ins", until, gone, 0, now))
    return [run for run in runs if run is not None]


def runs_of(organization: Organization) -> list[RetentionRun]:
    """The last reports, newest first."""
    rows = RetentionRun.objects.filter(Q(organization=organization) | Q(organization__isnull=True))
    return list(rows.order_by("-pk")[:60])


def months_before(day: date, months: int) -> date:
    """The first of the month that lies so many months back: some days more are kept, never fewer."""
    whole = day.year * 12 + day.month - 1 - months
    return date(whole // 12, whole % 12 + 1, 1)


def until_day(organization: Organization, kind: str, now: datetime) -> date | None:
    """Rows of before this day may go; None where they are kept for ever."""
    today, policies = organization.today(now), policies_for(organization)
    if not KINDS[kind].months:
        years = books_years(organization.country, policies.number("retention.books_years"))
        return date(today.year - years, 1, 1)
    months = policies.number(KINDS[kind].months)
    return max(months_before(today, months), EARLIEST) if months else None


def _due(organization: Organization, kind: str, now: datetime) -> Due:
    until = until_day(organization, kind, now)
    if until is None:
        return Due(kind, KINDS[kind].words, None, 0, 0)
    rows = KINDS[kind].rows(organization, until)
    free = _free(organization, kind, rows).count()
    return Due(kind, KINDS[kind].words, until, free, rows.count() - free)


def _free(organization: Organization, kind: str, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Without what belongs to somebody who is held, in dispute or in debt; nothing where the whole school is held."""
    if policies_for(organization).flag("retention.hold"):
        return rows.none()
    needed = needed_customers(organization)
    column = {"messages": "party", "wire": "attempt__customer", "customers": "pk"}.get(kind)
    return rows.exclude(**{f"{column}__in": needed}) if column else rows


def needed_customers(organization: Organization) -> QuerySet[Any]:
    """Keys of customers of whom nothing may go: held, in dispute, owing or owed to."""
    said = PolicySetting.objects.filter(
        organization=organization, scope=Scope.CUSTOMER, key="retention.hold", scope_key=OuterRef("pk")
    ).order_by("-pk")
    rows = Customer.objects.filter(organization=organization).annotate(held=Subquery(said.values("value")[:1]))
    disputed = Dispute.objects.filter(customer=OuterRef("pk"), state__in=(DisputeState.OPEN, DisputeState.ANSWERED))
    owing = Invoice.objects.open().filter(customer=OuterRef("pk"))
    owed = CreditItem.objects.filter(customer=OuterRef("pk"), unapplied_amount__gt=0)
    return rows.filter(Q(held=True) | Exists(disputed) | Exists(owing) | Exists(owed)).values("pk")


def _run(organization: Organization, kind: str, now: datetime) -> RetentionRun | None:
    due = _due(organization, kind, now)
    if due.until is None:
        return None
    gone = _in_batches(partial(_purge_some, organization, kind, due.until, now))
    return _note(organization, kind, due.until, gone, due.held, now)


def _in_batches(work: Callable[[], int], full: int = BATCH) -> int:
    """Each in a transaction of its own, until one is not full or the night has enough. Returns how many went."""
    gone = 0
    for _batch in range(BATCHES):
        done = in_transaction(work)
        gone += done
        if done < full:
            break
    return gone


def _purge_some(organization: Organization, kind: str, until: date, now: datetime) -> int:
    found = _free(organization, kind, KINDS[kind].rows(organization, until)).order_by("pk")
    keys = list(found.values_list("pk", flat=True)[:BATCH])
    return KINDS[kind].purge(keys, now) if keys else 0


def _note(
    organization: Organization | None, kind: str, until: date, count: int, held: int, now: datetime
) -> RetentionRun | None:
    if not count and not held:
        return None
    return RetentionRun.objects.create(
        organization=organization, kind=kind, until=until, count=count, held=held, ran_at=now
    )


def _instant(organization: Organization, day: date) -> datetime:
    return datetime.combine(day, time(), organization.zone)


def _messages(organization: Organization, until: date) -> QuerySet[Any]:
    return (
        Notice.objects.filter(organization=organization, queued_at__lt=_instant(organization, until))
        .exclude(state__in=WAITING)
        .exclude(body="", recipient="", values={})
    )


def _purge_messages(keys: list[int], now: datetime) -> int:
    return Notice.objects.filter(pk__in=keys).update(**WORDLESS)


def _wire(organization: Organization, until: date) -> QuerySet[Any]:
    return GatewayExchange.objects.filter(
        gateway_account__organization=organization, at__lt=_instant(organization, until)
    )


def _purge_wire(keys: list[int], now: datetime) -> int:
    return GatewayExchange.objects.filter(pk__in=keys).delete()[0]


def _answers(organization: Organization, until: date) -> QuerySet[Any]:
    return ApiRequest.objects.filter(organization=organization, made_at__lt=_instant(organization, until))


def _purge_answers(keys: list[int], now: datetime) -> int:
    return ApiRequest.objects.filter(pk__in=keys).delete()[0]


def _closed(organization: Organization, until: date) -> QuerySet[Any]:
    """Closed customers whose last movement lies before the day, and whose name is still there."""
    rows = Customer.objects.filter(
        organization=organization, is_active=False, created_at__lt=_instant(organization, until)
    ).exclude(name=Concat(Value(ANONYMOUS), "code"))
    moved = {Invoice: "issued_on", Payment: "received_on", Allocation: "allocated_on", Refund: "processed_on"}
    for model, day in moved.items():
        later = model._default_manager.filter(customer=OuterRef("pk"), **{f"{day}__gte": until})
        rows = rows.exclude(Exists(later))
    return rows


def _purge_customers(keys: list[int], now: datetime) -> int:
    """The names that the books needed. What an outlook still finds in the way stays as it is."""
    gone = 0
    rows = Customer.objects.filter(pk__in=keys).select_related("organization").order_by("pk")
    for customer in rows:
        lock_customers(customer.organization, [customer.pk])
        if outlook(customer).blocks:
            continue
        gone += 1
        erase_customer(customer=customer, now=now, by=None)
        for voucher in documents(customer, vouchers=True):
            erase_document(document=voucher, now=now)
        erase_name(customer=customer)
    return gone


KINDS: Mapping[str, Kind] = {
    "messages": Kind(_("texts of messages"), "retention.messages_months", _messages, _purge_messages),
    "wire": Kind(_("words exchanged with processors"), "retention.wire_months", _wire, _purge_wire),
    "answers": Kind(_("answers given to other systems"), "retention.api_months", _answers, _purge_answers),
    "customers": Kind(_("names of closed customers, with their vouchers"), "", _closed, _purge_customers),
}
WORDS: Mapping[str, Sentence] = {
    **{key: kind.words for key, kind in KINDS.items()},
    "sessions": _("sessions that were over"), "sign_ins": _("who signed in from where"),
}  # fmt: skip
