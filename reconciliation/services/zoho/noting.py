"""Writing differences down, once each: seen, told to the office when they last, resolved when both sides agree."""

from collections.abc import Collection, Iterable
from datetime import datetime

from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.states import move
from billing.transactions import transaction_required
from payments.models import GatewayAccount
from payments.models.zoho import ErrandState
from reconciliation.models import ZohoDiscrepancy
from reconciliation.models.zoho_comparison import ZOHO_DISCREPANCY_MOVES, ZohoDiscrepancyState
from reconciliation.rules.zoho_sides import JUST_NOW, Found

State = ZohoDiscrepancyState


@transaction_required
def note(
    *, account: GatewayAccount, subjects: Collection[str], found: Iterable[Found], now: datetime,
    kinds: Collection[str] = (),
) -> list[ZohoDiscrepancy]:  # fmt: skip
    """Keep what was found about these subjects; what stood about them and was not found again is resolved.

    New differences are "just seen", for a quarter of an hour; then they are open and the office is told once. What was
    explained and is said otherwise now is open again. kinds: only these were looked for. Returns those that opened.
    """
    GatewayAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
    rows = ZohoDiscrepancy.objects.filter(gateway_account=account, subject__in=list(subjects))
    rows = rows.filter(kind__in=list(kinds)) if kinds else rows
    standing = {(row.kind, row.subject): row for row in rows.exclude(state=State.RESOLVED).select_related("errand")}
    opened, fresh, seen = [], [], set()
    for one in found:
        key = (str(one.kind), one.subject)
        seen.add(key)
        row = standing.get(key)
        if row is None:
            fresh.append(_new(account, one, now))
        elif _follow(row, one, now):
            opened.append(row)
    for key, row in standing.items():
        if key not in seen:
            move(row, State.RESOLVED, ZOHO_DISCREPANCY_MOVES, closed_at=now, seen_at=now)
    ZohoDiscrepancy.objects.bulk_create(fresh)
    _tell(account, opened, now)
    return opened


def _new(account: GatewayAccount, one: Found, now: datetime) -> ZohoDiscrepancy:
    return ZohoDiscrepancy(
        organization_id=account.organization_id, gateway_account=account, kind=one.kind, subject=one.subject,
        customer_id=one.customer_id, subscription_id=one.subscription_id, bill_id=one.bill_id,
        zoho_payment_id=one.zoho_payment_id, currency=one.currency, amount=one.amount, ours=dict(one.ours),
        theirs=dict(one.theirs), first_seen_at=now, seen_at=now,
    )  # fmt: skip


def _follow(row: ZohoDiscrepancy, one: Found, now: datetime) -> bool:
    """Seen again. Whether it opened by that."""
    changed = (row.ours, row.theirs) != (dict(one.ours), dict(one.theirs))
    facts = {"ours": dict(one.ours), "theirs": dict(one.theirs), "amount": one.amount, "seen_at": now}
    ages = row.state == State.SEEN and now - row.first_seen_at >= JUST_NOW
    failed = row.state == State.CORRECTING and (row.errand is None or row.errand.state != ErrandState.WAITING)
    if ages or failed or (changed and row.state == State.EXPLAINED):
        move(row, State.OPEN, ZOHO_DISCREPANCY_MOVES, **facts)
        return True
    ZohoDiscrepancy.objects.filter(pk=row.pk).update(**facts)
    return False


def _tell(account: GatewayAccount, opened: Collection[ZohoDiscrepancy], now: datetime) -> None:
    messages = [
        Message(
            kind="zoho_differs", fact=f"zoho_discrepancy:{row.pk}:{row.first_seen_at.isoformat()}", recipient="office",
            channel=Channel.OFFICE, subject=f"{account}: {row.get_kind_display()}",
            body=f"{row.subject}: here {_said(row.ours)}; at Zoho {_said(row.theirs)}", party=row.customer_id,
        )
        for row in opened
    ]  # fmt: skip
    queue_notices(account.organization, messages, now)


def _said(facts: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items()) or "nothing"
