"""What carriers tell of our messages: kept once, and the message moved on; the order does not matter (R172).

# Note [News only moves a message on]
# News comes late, twice and in any order. Each piece is a row, unique by its carrier's name for it; and a message only
# moves to a state that ranks above its own, so that "read" stays although "delivered" comes after it.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from billing.office.messengers.base import Told
from billing.office.models import Notice, NoticeEvent
from billing.office.models.notice import RANKS, Channel, News, NoticeState
from billing.office.notices import WAITS
from billing.office.unreachable import note_dead, tell_undelivered
from billing.transactions import transaction_required

KEY = re.compile(r"notice-(\d{1,18})")
STATES = {
    News.SENT: NoticeState.SENT, News.DELIVERED: NoticeState.DELIVERED, News.READ: NoticeState.READ,
    News.FAILED: NoticeState.FAILED, News.BOUNCED: NoticeState.BOUNCED,
}  # fmt: skip
TIMES = {News.DELIVERED: "delivered_at", News.READ: "read_at", News.BOUNCED: "bounced_at"}


@transaction_required
def take_news(*, carrier: str, channel: Channel, news: Sequence[Told], now: datetime) -> int:
    """Keep proven news and move the messages they speak of; returns how many were new.

    See Note [News only moves a message on].
    """
    return sum(_take(carrier, channel, told, now) for told in news)


@transaction_required
def note_read(*, notice: Notice, now: datetime) -> None:
    """The family opened it on its own page: the only reading of an e-mail we know of. The first time counts."""
    locked = Notice.objects.select_for_update(no_key=True).get(pk=notice.pk)
    if locked.read_at is None and locked.state in (NoticeState.SENT, NoticeState.DELIVERED, NoticeState.MERGED):
        is_merged = locked.state == NoticeState.MERGED
        Notice.objects.filter(pk=locked.pk).update(
            read_at=now, state=NoticeState.MERGED if is_merged else NoticeState.READ
        )


def _take(carrier: str, channel: Channel, told: Told, now: datetime) -> bool:
    notice = _find(carrier, channel, told)
    event = NoticeEvent(
        carrier=carrier, event_id=told.event_id[:200], notice=notice, ref=(told.ref or told.key)[:200],
        news=told.news, is_address=told.is_address, reason=told.reason[:400], occurred_at=told.at or now,
        received_at=now,
    )  # fmt: skip
    known = NoticeEvent.objects.filter(carrier=carrier, event_id=event.event_id).exists()
    NoticeEvent.objects.bulk_create([event], ignore_conflicts=True)
    if not known and notice is not None:
        _move(notice, told, carrier, now)
    return not known


def _find(carrier: str, channel: Channel, told: Told) -> Notice | None:
    """The message, locked: by our key, which only its carrier was told, else by the carrier's name for it."""
    rows = Notice.objects.filter(channel=channel).select_for_update(no_key=True, of=("self",))
    named = KEY.fullmatch(told.key)
    if named:
        return rows.filter(pk=int(named[1]), carrier__in=("", carrier)).first()
    return rows.filter(carrier=carrier, carrier_ref=told.ref).first() if told.ref else None


def _move(notice: Notice, told: Told, carrier: str, now: datetime) -> None:
    """A message that was told in a digest or withheld is not moved."""
    if notice.state not in RANKS:
        return
    changes: dict[str, object] = {"carrier": carrier}
    if told.ref and not notice.carrier_ref and notice.channel != Channel.EMAIL:
        changes["carrier_ref"] = told.ref[:120]
    if told.news in TIMES and getattr(notice, TIMES[told.news]) is None:
        changes[TIMES[told.news]] = told.at or now
    if told.news == News.SOFT:
        changes |= _soft(notice, told, now)
    elif RANKS[STATES[told.news]] > RANKS[notice.state]:
        changes |= {"state": STATES[told.news], "trouble": told.reason[:400], "link": ""}
        changes["sent_at"] = notice.sent_at or told.at or now
    Notice.objects.filter(pk=notice.pk).update(**changes)
    if told.is_address and told.news in (News.BOUNCED, News.FAILED):
        note_dead(notice, told.reason, now)
    if changes.get("state") in (NoticeState.FAILED, NoticeState.BOUNCED):
        tell_undelivered(notice, told.reason, now)


def _soft(notice: Notice, told: Told, now: datetime) -> dict[str, object]:
    """Full, or away: it is sent again by the waits of the outbox, and in the end given up."""
    if notice.state != NoticeState.SENT:
        return {}
    if notice.attempts > len(WAITS) or notice.is_spent:
        return {"state": NoticeState.FAILED, "trouble": told.reason[:400]}
    wait = WAITS[max(notice.attempts, 1) - 1]
    return {"state": NoticeState.QUEUED, "next_try_at": now + wait, "trouble": told.reason[:400]}
