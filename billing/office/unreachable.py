"""Addresses that nothing reaches, and telling the office of what could not be delivered."""

import re
from collections.abc import Iterable
from datetime import datetime

from billing.office.models import DeadAddress, Notice, Organization, User
from billing.office.models.notice import UNDELIVERABLE, Channel, NoticeState, Relation
from billing.transactions import transaction_required


def plain_address(channel: str, address: str) -> str:
    """One spelling of an address: lower case, or the digits of a number."""
    return address.strip().lower() if channel == Channel.EMAIL else re.sub(r"\D", "", address)


def dead_addresses(organization: Organization, addresses: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of (channel, address) that nothing is sent to. One query."""
    wanted = {(channel, plain_address(channel, address)): (channel, address) for channel, address in addresses}
    rows = DeadAddress.objects.filter(
        organization=organization, cleared_at__isnull=True, address__in={address for _channel, address in wanted}
    )
    found = set(rows.values_list("channel", "address"))
    return {given for plain, given in wanted.items() if plain in found}


def is_dead(organization: Organization, channel: str, address: str) -> bool:
    return bool(dead_addresses(organization, [(channel, address)]))


@transaction_required
def note_dead(notice: Notice, reason: str, now: datetime) -> None:
    """Nothing more is sent to where this came back from, until another address is given or somebody clears it."""
    DeadAddress.objects.bulk_create(
        [
            DeadAddress(
                organization=notice.organization, channel=notice.channel, since=now, reason=reason[:400], notice=notice,
                address=plain_address(notice.channel, notice.recipient),
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip


@transaction_required
def clear_address(*, organization: Organization, channel: str, address: str, now: datetime, by: User | None) -> bool:
    """Somebody knows that it works again. False if it was not noted."""
    rows = DeadAddress.objects.filter(
        organization=organization, channel=channel, address=plain_address(channel, address), cleared_at__isnull=True
    )
    return bool(rows.update(cleared_at=now, cleared_by=by))


@transaction_required
def tell_undelivered(notice: Notice, reason: str, now: datetime) -> None:
    """A family that no channel reached is for the office to call: once a message, in English as all its notes."""
    if notice.party is None or notice.channel == Channel.OFFICE or _others_alive(notice):
        return
    first = notice.original or notice
    words = f"Not delivered to {notice.recipient}: {notice.subject or notice.body[:80]}"
    Notice.objects.bulk_create(
        [
            Notice(
                organization=notice.organization, kind="undelivered", fact=f"notice:{first.pk}", party=notice.party,
                channel=Channel.OFFICE, recipient="counter", subject=words[:200], prepared_at=now,
                body=f"{reason}\n\nCall or write:\n\n{notice.body}", next_try_at=now, queued_at=now,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _others_alive(notice: Notice) -> bool:
    """Whether the same was told, or is still to be told, by another channel."""
    first = notice.original_id or notice.pk
    rows = Notice.objects.filter(pk=first) | Notice.objects.filter(original=first, relation=Relation.ALSO)
    return rows.exclude(pk=notice.pk).exclude(state__in=(*UNDELIVERABLE, NoticeState.WITHHELD)).exists()
