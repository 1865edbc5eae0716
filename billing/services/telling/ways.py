"""By which channels a family is told of a topic: what it chose, as far as it works."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from billing.models import MessagePreference
from billing.office.message_kinds import Kind
from billing.office.messengers.registry import carrier_of
from billing.office.models import Notice, Organization
from billing.office.models.notice import Channel
from billing.office.policies import PolicyBook
from billing.office.policy_messages import read_time
from billing.rules.quiet import after_quiet

# (channel, address)
Way = tuple[str, str]
BY_PHONE = (Channel.SMS, Channel.WHATSAPP)


def chosen_channels(preference: MessagePreference | None, topic: str) -> Sequence[str]:
    """What the family chose for a topic: e-mail, unless it said otherwise; none where it wants none."""
    chosen: Mapping[str, Sequence[str]] = preference.topics if preference else {}
    return chosen.get(topic, [Channel.EMAIL])


def possible_ways(notice: Notice, preference: MessagePreference | None) -> list[Way]:
    """Every way there is for a message: its own address, and the confirmed phone where somebody carries to it."""
    ways: list[Way] = [(notice.channel, notice.recipient)] if notice.channel == Channel.EMAIL else []
    if preference is not None and preference.phone_confirmed_at is not None:
        carried = [one for one in BY_PHONE if carrier_of(notice.organization, one)]
        ways += [(one, preference.phone) for one in carried]
    return ways


def ways_for(
    notice: Notice, kind: Kind, preference: MessagePreference | None, dead: Collection[Way]
) -> list[Way] | None:
    """How a message goes out; None where the family wants none of its topic.

    What cannot be stopped goes by another way where those chosen do not work, and in the end by its own, so that the
    office hears that nothing reached them.
    """
    chosen = chosen_channels(preference, kind.topic)
    if kind.is_optional and not chosen:
        return None
    possible = [way for way in possible_ways(notice, preference) if way not in dead]
    wished = [way for way in possible if way[0] in chosen]
    return wished or possible[:1] or [(notice.channel, notice.recipient)]


def zone_of(organization: Organization, preference: MessagePreference | None) -> ZoneInfo:
    return ZoneInfo(preference.time_zone) if preference and preference.time_zone else organization.zone


def quiet_hours(book: PolicyBook, preference: MessagePreference | None) -> tuple[time, time]:
    """The family's own, else the organization's."""
    own = (preference.quiet_from, preference.quiet_until) if preference else (None, None)
    first = own[0] if own[0] is not None else read_time(book.text("messages.quiet_from"))
    last = own[1] if own[1] is not None else read_time(book.text("messages.quiet_until"))
    return first, last


def goes_at(now: datetime, kind: Kind, zone: ZoneInfo, hours: tuple[time, time]) -> datetime:
    """When a message may go out: at once, or when the quiet hours are over."""
    return now if kind.is_urgent else after_quiet(now, zone, *hours)


def digest_at(now: datetime, zone: ZoneInfo, book: PolicyBook) -> datetime:
    """Until when what may wait is collected: today's time of the digest, or now where that is over."""
    local = now.astimezone(zone)
    at = datetime.combine(local.date(), read_time(book.text("messages.digest_at")), zone)
    return max(now, at.astimezone(now.tzinfo))
