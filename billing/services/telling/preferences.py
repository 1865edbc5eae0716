"""What a family chooses about messages; a phone is confirmed by a code before anything goes to it (R172)."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from hmac import compare_digest

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from billing.errors import BadInput, DomainError
from billing.inputs import parse_zone
from billing.models import Customer, MessagePreference
from billing.office.message_kinds import TOPICS
from billing.office.messengers.base import Fate, Outgoing
from billing.office.messengers.registry import NotConfigured, carrier_of, messenger_for
from billing.office.models.notice import Channel
from billing.office.secrets import keyed_hash
from billing.transactions import in_transaction, transaction_required

GOOD_FOR, AGAIN_AFTER = timedelta(minutes=10), timedelta(seconds=30)
MOST_TRIES, MOST_CODES = 5, 5
CODES_A_DAY = timedelta(days=1)
CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP)
PHONE = re.compile(r"\+[1-9]\d{7,14}")
# Country → its calling code, for numbers that are written without.
CALLING = {
    "US": "1", "CA": "1", "TW": "886", "IN": "91", "GB": "44", "AU": "61", "NZ": "64", "SG": "65", "HK": "852",
    "CN": "86", "DE": "49", "FR": "33", "CH": "41", "JP": "81", "KR": "82",
}  # fmt: skip


class CodeTrouble(DomainError):
    """code says which: wrong_code, no_code, code_too_old, too_soon, too_many_codes, not_sent, nobody_carries."""


def preference_of(customer: Customer, now: datetime, *, lock: bool = False) -> MessagePreference:
    """The customer's row; the first time it is made."""
    rows = MessagePreference.objects.select_for_update(no_key=True) if lock else MessagePreference.objects.all()
    found = rows.filter(customer=customer).first()
    if found is not None:
        return found
    MessagePreference.objects.bulk_create([MessagePreference(customer=customer, changed_at=now)], ignore_conflicts=True)
    return rows.get(customer=customer)


@transaction_required
def save_preferences(
    *, customer: Customer, topics: Mapping[str, Sequence[str]], wants_digest: bool, quiet: tuple[time, time] | None,
    time_zone: str, language: str, now: datetime,
) -> MessagePreference:  # fmt: skip
    """What the family chose. topics: every topic → channels. quiet: None for the organization's hours.

    Raises BadInput: a topic without a channel that cannot be stopped, a channel to a phone that is not confirmed, an
    unknown zone or language.
    """
    preference = preference_of(customer, now, lock=True)
    chosen = {topic: _channels(topic, topics.get(topic, ()), preference) for topic in TOPICS}
    if time_zone:
        parse_zone(time_zone)
    if language not in ("en", "zh-hant"):
        raise BadInput(_("Choose one of the list."), field="language", code="unknown_language")
    preference.topics, preference.wants_digest, preference.time_zone = chosen, wants_digest, time_zone
    preference.quiet_from, preference.quiet_until = quiet or (None, None)
    preference.changed_at = now
    preference.save()
    if customer.language != language:
        Customer.objects.filter(pk=customer.pk).update(language=language)
    return preference


def _channels(topic: str, asked: Sequence[str], preference: MessagePreference) -> list[str]:
    """Raises BadInput."""
    chosen = [channel.value for channel in CHANNELS if channel in asked]
    words, is_optional = TOPICS[topic]
    if not chosen and not is_optional:
        sentence = _("{topic}: choose at least one way; you must hear of this in time.")
        raise BadInput(sentence, field=topic, code="cannot_be_stopped", topic=words)
    if preference.phone_confirmed_at is None and set(chosen) - {Channel.EMAIL}:
        raise BadInput(_("Confirm your phone first."), field=topic, code="phone_not_confirmed")
    return chosen


@transaction_required
def stop_topic(*, customer: Customer, topic: str, now: datetime) -> bool:
    """No more e-mails of a topic; other ways that were chosen stay. Twice is once. False: it cannot be stopped."""
    if not TOPICS[topic][1]:
        return False
    preference = preference_of(customer, now, lock=True)
    left = [channel for channel in preference.topics.get(topic, [Channel.EMAIL]) if channel != Channel.EMAIL]
    preference.topics = {**preference.topics, topic: left}
    preference.changed_at = now
    preference.save(update_fields=["topics", "changed_at"])
    return True


# The phone


def read_phone(text: str, country: str) -> str:
    """E.164. A number without + is of the organization's country. Raises BadInput at "phone"."""
    raw = re.sub(r"[\s().\-/]", "", text.strip())
    if raw.startswith("00"):
        raw = f"+{raw[2:]}"
    elif not raw.startswith("+") and country in CALLING:
        raw = f"+{CALLING[country]}{raw.lstrip('0')}"
    if not PHONE.fullmatch(raw) or not raw.isascii():
        sentence = _("Write the number with its country, as +1 212 555 0102.")
        raise BadInput(sentence, field="phone", code="not_a_phone")
    return raw


def send_phone_code(*, customer: Customer, text: str, now: datetime) -> None:
    """Send a code to a phone; earlier codes are void. Called outside any transaction, as it talks to the carrier.

    The code leaves at once and not by the outbox, so that none lies readable in our books. Raises BadInput,
    CodeTrouble.
    """
    phone = read_phone(text, customer.organization.country)
    carrier = carrier_of(customer.organization, Channel.SMS)
    if not carrier:
        raise _trouble("nobody_carries")
    code = f"{secrets.randbelow(10**6):06}"
    trouble = in_transaction(lambda: _write_code(customer, phone, code, now))
    if trouble:
        raise _trouble(trouble)
    with override(customer.language):
        words = _("{code} is your code for {school}. It is good for ten minutes.")
        text = words.format(code=code, school=customer.organization.shown_name)
    try:
        reply = messenger_for(carrier)[0].send(Outgoing(phone, text, f"code-{customer.pk}", customer.language))
    except NotConfigured:
        raise _trouble("not_sent") from None
    if reply.fate in (Fate.LATER, Fate.REFUSED):
        in_transaction(lambda: MessagePreference.objects.filter(customer=customer).update(code_hash=""))
        raise _trouble("not_sent")


@transaction_required
def _write_code(customer: Customer, phone: str, code: str, now: datetime) -> str:
    """What is against it, "" if nothing. Five codes a day."""
    row = preference_of(customer, now, lock=True)
    is_new_day = row.code_sent_at is None or now - row.code_sent_at >= CODES_A_DAY
    if row.code_sent_at is not None and now - row.code_sent_at < AGAIN_AFTER:
        return "too_soon"
    if not is_new_day and row.codes_sent >= MOST_CODES:
        return "too_many_codes"
    row.new_phone, row.code_hash = phone, keyed_hash(f"{customer.pk}:{phone}:{code}")
    row.code_sent_at, row.code_tries, row.codes_sent = now, 0, 1 if is_new_day else row.codes_sent + 1
    row.save(update_fields=["new_phone", "code_hash", "code_sent_at", "code_tries", "codes_sent"])
    return ""


def confirm_phone(*, customer: Customer, typed: str, now: datetime) -> None:
    """The code proves the phone, which from now on takes the place of the one before. Raises CodeTrouble; a wrong
    code counts, which is why this opens its own transaction."""
    trouble = in_transaction(lambda: _check_code(customer, "".join(typed.split()), now))
    if trouble:
        raise _trouble(trouble)


@transaction_required
def _check_code(customer: Customer, digits: str, now: datetime) -> str:
    row = preference_of(customer, now, lock=True)
    if not row.code_hash or row.code_sent_at is None:
        return "no_code"
    if now - row.code_sent_at > GOOD_FOR:
        return "code_too_old"
    if compare_digest(row.code_hash, keyed_hash(f"{customer.pk}:{row.new_phone}:{digits}")):
        row.phone, row.phone_confirmed_at, row.new_phone, row.code_hash = row.new_phone, now, "", ""
        row.changed_at = now
        row.save(update_fields=["phone", "phone_confirmed_at", "new_phone", "code_hash", "changed_at"])
        return ""
    row.code_tries += 1
    used_up = row.code_tries >= MOST_TRIES
    row.code_hash = "" if used_up else row.code_hash
    row.save(update_fields=["code_tries", "code_hash"])
    return "no_code" if used_up else "wrong_code"


@transaction_required
def forget_phone(*, customer: Customer, now: datetime) -> None:
    """Nothing goes to the phone any more; topics that had no other way go by e-mail again."""
    row = preference_of(customer, now, lock=True)
    topics = {topic: [one for one in channels if one == Channel.EMAIL] for topic, channels in row.topics.items()}
    row.topics = {
        topic: left or ([] if TOPICS[topic][1] and not row.topics[topic] else [Channel.EMAIL.value])
        for topic, left in topics.items()
    }
    row.phone, row.phone_confirmed_at, row.new_phone, row.code_hash, row.changed_at = "", None, "", "", now
    row.save()


SENTENCES = {
    "wrong_code": gettext_lazy("That is not the code. Look again, or have a new one sent."),
    "no_code": gettext_lazy("This code is used up. Have a new one sent."),
    "code_too_old": gettext_lazy("This code is older than ten minutes. Have a new one sent."),
    "too_soon": gettext_lazy("A code was sent a moment ago. It may take a minute."),
    "too_many_codes": gettext_lazy("Too many codes were sent today. Try again tomorrow."),
    "not_sent": gettext_lazy("The code could not be sent. Look at the number, or try again in a moment."),
    "nobody_carries": gettext_lazy("This school sends no messages to phones."),
}


def _trouble(code: str) -> CodeTrouble:
    field = "code" if code in ("wrong_code", "no_code", "code_too_old") else "phone"
    return CodeTrouble(SENTENCES[code], field=field, code=code)
