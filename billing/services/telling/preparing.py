"""Between the outbox and the wire: channel, hour and words of each message are settled, once (R172, R174).

# Note [One family, one message]
# What may wait is held until the family's hour of the day. What then lies there for one household, address and
# language becomes one message; the rows it is made of keep their facts and say in which message they were told.

# Note [One payment, one message]
# A charge that was made by itself is told, and so is its receipt. Where both are about the same payment and go to the
# same address, the receipt goes with the word of the charge; each goes alone where the other is not wanted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import Customer, MessagePreference
from billing.office.message_kinds import HOSTS, Kind, kind_of, own_code
from billing.office.models import Notice, Organization, Wording
from billing.office.models.notice import Channel, NoticeState, Relation
from billing.office.policies import PolicyBook, policies_for
from billing.office.stopping import stop_address
from billing.office.unreachable import dead_addresses
from billing.office.wording import Said, compose, default_words, newest, say
from billing.services.telling.ways import Way, digest_at, goes_at, possible_ways, quiet_hours, ways_for, zone_of

log = structlog.get_logger(__name__)

CHUNK = 200
PARTS = "\n\n– – –\n\n"


@dataclass
class Desk:
    """What is known while a chunk of one organization is worked on."""

    organization: Organization
    now: datetime
    book: PolicyBook
    customers: dict[int, Customer]
    preferences: dict[int, MessagePreference]
    wordings: dict[tuple[str, str, str], Wording]
    dead: set[Way]

    def preference(self, notice: Notice) -> MessagePreference | None:
        return self.preferences.get(notice.party or 0)

    def wording(self, kind: str, channel: str, language: str) -> Wording | None:
        return self.wordings.get((own_code(kind), channel, language))


def prepare_due(now: datetime) -> int:
    """Settle what was queued and is due, a chunk at a time; several workers share it. Returns how many rows."""
    done = 0
    while True:
        with transaction.atomic():
            rows = Notice.objects.filter(state=NoticeState.QUEUED, prepared_at__isnull=True, next_try_at__lte=now)
            found = list(rows.order_by("organization_id", "id").select_for_update(skip_locked=True)[:CHUNK])
            taken = len(found)
            found += _partners(rows, found) if taken == CHUNK else []
            for _key, group in groupby(found, key=lambda row: row.organization_id):
                _prepare(list(group), now)
        done += len(found)
        if taken < CHUNK:
            return done


def _partners(rows: QuerySet[Notice], found: Sequence[Notice]) -> list[Notice]:
    """What is about a payment of the chunk and lies beyond its end, of the organization that is cut there."""
    last = found[-1].organization_id
    payments = {row.values["payment"] for row in found if row.organization_id == last and row.values.get("payment")}
    beyond = rows.filter(organization=last, values__payment__in=sorted(payments)).exclude(pk__in=[r.pk for r in found])
    return list(beyond.order_by("id").select_for_update(skip_locked=True)) if payments else []


def _prepare(rows: Sequence[Notice], now: datetime) -> None:
    """What carries a link goes as it is written, to whom it was written."""
    known = [row for row in rows if row.party and row.channel != Channel.OFFICE and kind_of(row.kind) and not row.link]
    plain = {row.pk for row in rows} - {row.pk for row in known}
    Notice.objects.filter(pk__in=plain).update(prepared_at=now)
    if not known:
        return
    desk = _desk(known, now)
    strangers = {row.pk for row in known if row.party not in desk.customers}
    Notice.objects.filter(pk__in=strangers).update(prepared_at=now)
    due = [row for row in known if row.pk not in strangers and not _is_held(desk, row)]
    for family in _families(desk, _joined(desk, due)):
        _settle_family(desk, family)


def _joined(desk: Desk, rows: Sequence[Notice]) -> list[Notice]:
    """Without those that are told in another of them. See Note [One payment, one message]."""
    hosts = {_about(row, row.kind): row for row in rows if row.kind in HOSTS and row.values.get("payment")}
    left = []
    for row in rows:
        kind = kind_of(row.kind)
        host = hosts.get(_about(row, kind.told_in)) if kind is not None and kind.told_in else None
        if host is None or _is_unwanted(desk, host):
            left.append(row)
        else:
            _tell_in(desk, host, row)
    return left


def _about(row: Notice, kind: str) -> tuple[object, ...]:
    return (kind, row.party, row.values.get("payment"), row.channel, row.recipient.lower(), row.language)


def _is_unwanted(desk: Desk, row: Notice) -> bool:
    kind = kind_of(row.kind)
    assert kind is not None
    return ways_for(row, kind, desk.preference(row), desk.dead) is None


def _tell_in(desk: Desk, host: Notice, row: Notice) -> None:
    """The host says the receipt's number, carries its paper and leads to its page."""
    with override(host.language):
        said_of = _("Your receipt: {number}.").format(number=row.values["number"])
        host.values |= {"receipt": said_of} | ({"link": row.values["link"]} if row.values.get("link") else {})
        said = compose(host.kind, host.values, desk.organization)
    host.subject, host.body, host.attachment = said.subject, said.body, row.attachment
    host.save(update_fields=["subject", "body", "attachment", "values"])
    Notice.objects.filter(pk=row.pk).update(state=NoticeState.MERGED, digest=host, prepared_at=desk.now)


def _settle_family(desk: Desk, family: Sequence[Notice]) -> None:
    try:
        with transaction.atomic():
            _settle(desk, family[0] if len(family) == 1 else _merge(desk, family))
    except Exception:  # whatever it is, one family must not keep all others waiting: it goes as it was written
        keys = [row.pk for row in family]
        log.exception("notices_not_prepared", notices=keys)
        Notice.objects.filter(pk__in=keys).update(prepared_at=desk.now)


def _desk(rows: Sequence[Notice], now: datetime) -> Desk:
    """Six queries."""
    organization = Organization.objects.get(pk=rows[0].organization_id)
    parties = {row.party for row in rows if row.party is not None}
    customers = Customer.objects.filter(organization=organization, pk__in=parties).in_bulk()
    preferences = {one.customer_id: one for one in MessagePreference.objects.filter(customer__in=customers)}
    for row in rows:
        row.organization = organization
    ways = {way for row in rows for way in possible_ways(row, preferences.get(row.party or 0))}
    return Desk(
        organization=organization, now=now, book=policies_for(organization), customers=customers,
        preferences=preferences, wordings=newest(organization, {own_code(row.kind) for row in rows} | {"digest"}),
        dead=dead_addresses(organization, ways),
    )  # fmt: skip


def _is_held(desk: Desk, row: Notice) -> bool:
    """Whether it waits for the hour of the digest; looked at once, when it was queued."""
    kind, preference = kind_of(row.kind), desk.preference(row)
    assert kind is not None
    wants = preference is None or preference.wants_digest
    if not kind.in_digest or not wants or row.next_try_at != row.queued_at:
        return False
    until = digest_at(desk.now, zone_of(desk.organization, preference), desk.book)
    if until > desk.now:
        Notice.objects.filter(pk=row.pk).update(next_try_at=until)
    return until > desk.now


def _families(desk: Desk, rows: Iterable[Notice]) -> list[list[Notice]]:
    """Messages that are told in one: what may wait, of one household, address and language. Others stay alone."""

    def key(row: Notice) -> tuple[str, ...]:
        kind, preference = kind_of(row.kind), desk.preference(row)
        assert kind is not None
        wants = preference is None or preference.wants_digest
        if not kind.in_digest or not wants or ways_for(row, kind, preference, desk.dead) is None:
            return ("alone", str(row.pk))
        customer = desk.customers[row.party or 0]
        family = f"household:{customer.household_id}" if customer.household_id else f"customer:{customer.pk}"
        return ("digest", family, row.recipient.lower(), row.language)

    ordered = sorted(rows, key=lambda row: (key(row), row.pk))
    return [list(group) for _key, group in groupby(ordered, key=key)]


def _merge(desk: Desk, family: Sequence[Notice]) -> Notice:
    """One message of several. See Note [One family, one message]."""
    first = family[0]
    with override(first.language):
        customer = desk.customers[first.party or 0]
        told = [_words(desk, row, Channel.EMAIL) for row in family]
        values = {
            "name": customer.shown_name, "school": desk.organization.shown_name, "count": str(len(family)),
            "items": PARTS.join(f"{one.subject}\n\n{one.body}" for one in told),
            "headline": "; ".join(one.subject for one in told),
        }  # fmt: skip
        said = compose("digest", values, desk.organization)
    digest = Notice.objects.create(
        organization=desk.organization, kind="digest", fact=f"digest:{first.pk}", party=first.party,
        channel=first.channel, recipient=first.recipient, language=first.language, subject=said.subject,
        body=said.body, values=values, next_try_at=desk.now, queued_at=desk.now,
    )  # fmt: skip
    Notice.objects.filter(pk__in=[row.pk for row in family]).update(
        state=NoticeState.MERGED, digest=digest, prepared_at=desk.now
    )
    return digest


def _settle(desk: Desk, row: Notice) -> None:
    """The ways of a message, when it goes, and its words on each; what goes by several becomes several rows."""
    kind, preference = kind_of(row.kind), desk.preference(row)
    assert kind is not None
    ways = ways_for(row, kind, preference, desk.dead)
    if ways is None:
        why = "the family does not want these messages"
        Notice.objects.filter(pk=row.pk).update(state=NoticeState.WITHHELD, prepared_at=desk.now, trouble=why)
        return
    zone, hours = zone_of(desk.organization, preference), quiet_hours(desk.book, preference)
    at = goes_at(desk.now, kind, zone, hours)
    for place, (channel, address) in enumerate(ways):
        said = _words(desk, row, channel)
        changes = {
            "channel": channel, "recipient": address, "subject": said.subject or row.subject, "body": said.body,
            "wording": desk.wording(row.kind, channel, row.language), "values": row.values, "next_try_at": at,
            "prepared_at": desk.now,
        }  # fmt: skip
        if place == 0:
            Notice.objects.filter(pk=row.pk).update(**changes)
        else:
            Notice.objects.create(
                organization=desk.organization, kind=row.kind, fact=row.fact, party=row.party, language=row.language,
                original=row, relation=Relation.ALSO, queued_at=row.queued_at, **changes,
            )  # fmt: skip


def _words(desk: Desk, row: Notice, channel: str) -> Said:
    """The organization's words where it has some, else ours; what its sender wrote is ours already."""
    kind = kind_of(row.kind)
    assert kind is not None
    with override(row.language):
        row.values = {"school": desk.organization.shown_name, "headline": row.subject, "link": _page(kind)} | row.values
        wording = desk.wording(row.kind, channel, row.language)
        if wording is not None:
            said = say(kind, channel, Said(wording.subject, wording.body), row.values)
        elif channel == Channel.EMAIL:
            said = Said(row.subject, row.body)
        else:
            said = say(kind, channel, default_words(kind, channel), row.values)
        if channel == Channel.EMAIL and kind.is_optional and settings.PUBLIC_URL and row.party:
            words = _("No more of these messages: {address}")
            said = Said(said.subject, f"{said.body}\n\n{words.format(address=stop_address(row.party, row.kind))}")
        return said


def _page(kind: Kind) -> str:
    """The whole address of the page to act on; "" where we do not know how families reach us."""
    if not settings.PUBLIC_URL:
        return ""
    try:
        path = reverse(kind.page)
    except NoReverseMatch:
        path = reverse("family")
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
