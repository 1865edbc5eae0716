"""Saying a message: the organization's own words, or ours, with values in the place of variables (R172).

Variables are {name} and nothing else: no template language, so that what an organization writes can neither run nor
read anything. What is not in the kind's list is refused when it is written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.office.message_kinds import KINDS, Kind, kind_of
from billing.office.message_variables import VARIABLES
from billing.office.models import Notice, Organization, User, Wording
from billing.office.models.notice import Channel
from billing.transactions import transaction_required

PLACE = re.compile(r"\{([a-z_]+)\}")
CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP)
LONGEST = {Channel.EMAIL: 10_000, Channel.SMS: 918, Channel.WHATSAPP: 1_024}  # 918: six parts of 153
# What a registered template's variable must not hold (Meta, error 132018).
BROKEN = re.compile(r"\s+")


@dataclass(frozen=True)
class Said:
    subject: str
    body: str


def default_words(kind: Kind, channel: str) -> Said:
    """Ours, with variables, in the language that is active."""
    if channel == Channel.EMAIL:
        return Said(str(kind.subject), "\n\n".join(str(one) for one in kind.paragraphs))
    return Said("", str(kind.short))


def say(kind: Kind, channel: str, words: Said, values: Mapping[str, str]) -> Said:
    """Words with values in their variables' places. A paragraph of an e-mail that comes to nothing is left out."""
    subject = " ".join(_fill(words.subject, values).split())
    body = _fill(words.body, values)
    if channel == Channel.EMAIL:
        kept = [part.strip() for part in re.split(r"\n[ \t]*\n", body) if part.strip()]
        return Said(subject[:200], "\n\n".join(kept))
    return Said(subject[:200], re.sub(r" {2,}", " ", body).strip())


def compose(code: str, values: Mapping[str, str], organization: Organization) -> Said:
    """The e-mail of a kind in our words, in the language that is active; what the sender says of it first."""
    kind = kind_of(code)
    assert kind is not None, code
    all_values = {"school": organization.shown_name} | dict(values)
    return say(kind, Channel.EMAIL, default_words(kind, Channel.EMAIL), all_values)


def with_link(code: str, values: Mapping[str, str], organization: Organization, language: str) -> Said:
    """The e-mail of a kind by whose link alone one goes on, in the organization's words where it has some.

    {link} stays in it until it is sent, when the sealed link of the message takes its place. One query.
    """
    own = newest(organization, {code}).get((code, Channel.EMAIL, language))
    with override(language):
        words = Said(own.subject, own.body) if own is not None else default_words(KINDS[code], Channel.EMAIL)
        filled = {"school": organization.shown_name} | dict(values) | {"link": "{link}"}
        return say(KINDS[code], Channel.EMAIL, words, filled)


def _fill(text: str, values: Mapping[str, str]) -> str:
    return PLACE.sub(lambda found: values.get(found[1]) or _fallback(found), text)


def _fallback(found: re.Match[str]) -> str:
    variable = VARIABLES.get(found[1])
    return str(variable.fallback) if variable else found[0]


def parameters_of(notice: Notice) -> tuple[str, ...]:
    """What stands for the variables of a registered text, in their order."""
    assert notice.wording is not None
    with override(notice.language):
        filled = (_fill(found[0], notice.values) for found in PLACE.finditer(notice.wording.body))
        return tuple(BROKEN.sub(" ", value).strip() or "–" for value in filled)


# Writing


def newest(organization: Organization, kinds: set[str]) -> dict[tuple[str, str, str], Wording]:
    """(kind, channel, language) → the version that holds, without those that were given back. One query."""
    rows = Wording.objects.filter(organization=organization, kind__in=kinds)
    rows = rows.order_by("kind", "channel", "language", "-version").distinct("kind", "channel", "language")
    return {(row.kind, row.channel, row.language): row for row in rows if row.body}


def check_words(kind: Kind, channel: str, subject: str, body: str) -> Said:
    """Raises BadInput at "subject" or "body"."""
    if channel == Channel.EMAIL:
        subject = clean_text(subject, field="subject", longest=200, required=True)
        if "\n" in subject or "\r" in subject:
            raise BadInput(_("One line, please."), field="subject", code="line_break")
        _check_variables(kind, channel, subject, "subject")
    else:
        subject = ""
    body = clean_text(body.replace("\r\n", "\n"), field="body", longest=LONGEST[Channel(channel)], required=True)
    _check_variables(kind, channel, body, "body")
    for name in kind.required:
        if f"{{{name}}}" not in body:
            sentence = _("{variable} must stand in the text: without it nobody can go on.")
            raise BadInput(sentence, field="body", code="variable_missing", variable=f"{{{name}}}")
    return Said(subject, body)


def _check_variables(kind: Kind, channel: str, text: str, field: str) -> None:
    allowed = [
        name for name in kind.variables
        if (channel == Channel.EMAIL and field == "body") or not VARIABLES[name].is_long
    ]  # fmt: skip
    if field == "subject" and kind.subject != "{headline}":
        allowed.remove("headline")
    if field == "subject":  # what is required is filled in the text alone
        allowed = [name for name in allowed if name not in kind.required]
    listed = ", ".join(f"{{{name}}}" for name in allowed)
    for name in PLACE.findall(text):
        if name not in allowed:
            sentence = _("{variable} cannot be used here. Allowed: {allowed}.")
            raise BadInput(sentence, field=field, code="unknown_variable", variable=f"{{{name}}}", allowed=listed)
    if set(PLACE.sub("", text)) & {"{", "}"}:
        sentence = _("Write a variable as one word in braces. Allowed: {allowed}.")
        raise BadInput(sentence, field=field, code="loose_brace", allowed=listed)


@transaction_required
def set_wording(
    *, organization: Organization, kind: str, channel: str, language: str, subject: str, body: str,
    registered_as: str, now: datetime, by: User,
) -> Wording:  # fmt: skip
    """A new version of an organization's own words. The same words again make none. Raises BadInput."""
    said = check_words(KINDS[kind], channel, subject, body)
    registered_as = clean_text(registered_as, field="registered_as", longest=80)
    last = newest(organization, {kind}).get((kind, channel, language))
    if last is not None and (last.subject, last.body, last.registered_as) == (said.subject, said.body, registered_as):
        return last
    return _write(organization, (kind, channel, language), said, registered_as, now, by)


@transaction_required
def restore_wording(
    *, organization: Organization, kind: str, channel: str, language: str, now: datetime, by: User
) -> Wording | None:  # fmt: skip
    """Give the words back to the system, as a version of its own; None where they are the system's already."""
    if (kind, channel, language) not in newest(organization, {kind}):
        return None
    return _write(organization, (kind, channel, language), Said("", ""), "", now, by)


def _write(
    organization: Organization, place: tuple[str, str, str], said: Said, registered_as: str, now: datetime, by: User
) -> Wording:
    """Versions are counted with the organization locked, so that two who write at once make two."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    kind, channel, language = place
    rows = Wording.objects.filter(organization=organization, kind=kind, channel=channel, language=language)
    version = (rows.aggregate(last=Max("version"))["last"] or 0) + 1
    return Wording.objects.create(
        organization=organization, kind=kind, channel=channel, language=language, version=version,
        subject=said.subject, body=said.body, registered_as=registered_as, set_at=now, set_by=by,
    )  # fmt: skip


def history(organization: Organization, kind: str, channel: str, language: str) -> list[Wording]:
    """Newest first, with who wrote them. One query."""
    rows = Wording.objects.filter(organization=organization, kind=kind, channel=channel, language=language)
    return list(rows.select_related("set_by").order_by("-version")[:50])
