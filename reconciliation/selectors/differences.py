"""Queues of differences, at processors and to Zoho, and how an account stood over time (R151, R152, R149)."""

from collections.abc import Iterable
from datetime import date
from typing import TypedDict

from django.db.models import Case, Count, Q, QuerySet, When

from billing.office.models import Organization
from payments.models import GatewayAccount, Settlement
from reconciliation.models import ProcessorDiscrepancy, ProcessorProof, ZohoComparison, ZohoDiscrepancy
from reconciliation.models.processor_proof import STANDING
from reconciliation.models.zoho_comparison import ZohoDiscrepancyState

DAYS_SHOWN, BATCHES_SHOWN = 30, 60


class BatchRow(TypedDict):
    """received: what the bank has of it, None for nothing yet."""

    settlement: Settlement
    received: object


def latest_proofs(organization: Organization) -> list[ProcessorProof]:
    """Of each account and currency the latest. One query."""
    rows = ProcessorProof.objects.filter(organization=organization).select_related("gateway_account")
    latest = rows.order_by("gateway_account_id", "currency", "-as_of").distinct("gateway_account_id", "currency")
    return list(latest)


def unproven_accounts(organization: Organization, proofs: Iterable[ProcessorProof]) -> list[GatewayAccount]:
    known = {proof.gateway_account_id for proof in proofs}
    return [one for one in GatewayAccount.objects.filter(organization=organization) if one.pk not in known]


def proofs_over_time(account: GatewayAccount) -> list[ProcessorProof]:
    """The last days, newest first. One query."""
    return list(ProcessorProof.objects.filter(gateway_account=account).order_by("-as_of", "currency")[:DAYS_SHOWN])


def standing_at(account: GatewayAccount) -> QuerySet[ProcessorDiscrepancy]:
    """Open ones first, the oldest first."""
    rows = ProcessorDiscrepancy.objects.filter(gateway_account=account, state__in=STANDING)
    rows = rows.select_related("owner", "attempt__customer", "payment", "settlement", "gateway_account")
    return rows.order_by(Case(When(state="open", then=0), default=1), "since", "pk")


def age_in_days(since: date, today: date) -> int:
    return max((today - since).days, 0)


ZOHO_TABS = {
    "open": Q(state=ZohoDiscrepancyState.OPEN), "correcting": Q(state=ZohoDiscrepancyState.CORRECTING),
    "seen": Q(state=ZohoDiscrepancyState.SEEN), "explained": Q(state=ZohoDiscrepancyState.EXPLAINED),
    "resolved": Q(state=ZohoDiscrepancyState.RESOLVED),
}  # fmt: skip


def zoho_queue(organization: Organization, tab: str) -> QuerySet[ZohoDiscrepancy]:
    """The oldest first; of what is resolved the latest."""
    rows = ZohoDiscrepancy.objects.filter(ZOHO_TABS[tab], organization=organization)
    rows = rows.select_related("customer", "owner", "gateway_account", "subscription__agreement")
    return rows.order_by("-closed_at", "-pk") if tab == "resolved" else rows.order_by("first_seen_at", "pk")


def zoho_counts(organization: Organization) -> dict[str, int]:
    """How many in each tab. One query."""
    rows = ZohoDiscrepancy.objects.filter(organization=organization)
    return dict(rows.aggregate(**{name: Count("pk", filter=where) for name, where in ZOHO_TABS.items()}))


def latest_comparisons(organization: Organization) -> list[ZohoComparison]:
    """Of each account at Zoho the latest. One query."""
    rows = ZohoComparison.objects.filter(organization=organization).select_related("gateway_account")
    return list(rows.order_by("gateway_account_id", "-as_of").distinct("gateway_account_id"))
