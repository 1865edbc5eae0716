"""The words of messages: an organization's own instead of ours, by kind, channel and language (R172)."""

from collections.abc import Mapping
from functools import partial

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Field, Form, attempt
from billing.errors import DomainError
from billing.office import clock
from billing.office.message_kinds import KINDS, TOPICS, Kind, variable_words
from billing.office.message_variables import VARIABLES
from billing.office.models import Wording
from billing.office.models.notice import Channel
from billing.office.models.user import Mode
from billing.office.sms_parts import parts_of
from billing.office.wording import (
    CHANNELS,
    LONGEST,
    Said,
    check_words,
    default_words,
    history,
    newest,
    restore_wording,
    say,
    set_wording,
)

LANGUAGES = (("en", "English"), ("zh-hant", "繁體中文"))


@console_path("wordings/", "wordings", "edit_wordings")
@require_GET
def wordings(request: ConsoleRequest) -> HttpResponse:
    """Every kind by topic, and where the organization says it in its own words. Two queries."""
    own = newest(request.organization, set(KINDS))
    topics = [
        (words, [_row(kind, own) for kind in KINDS.values() if kind.topic == topic])
        for topic, (words, _is_optional) in TOPICS.items()
    ]
    return render(request, "console/messaging/wordings.html", console_context(request, _("Wordings"), topics=topics))


def _row(kind: Kind, own: Mapping[tuple[str, str, str], Wording]) -> dict[str, object]:
    cells = [
        (channel, language, label, own.get((kind.code, channel, language)))
        for channel in CHANNELS
        if channel in kind.channels
        for language, label in LANGUAGES
    ]
    return {"kind": kind, "cells": cells, "unused": [one for one in CHANNELS if one not in kind.channels]}


@console_path("wordings/<slug:kind>/<slug:channel>/<slug:language>/", "wording", "edit_wordings")
@require_http_methods(["GET", "POST"])
def wording(request: ConsoleRequest, kind: str, channel: str, language: str) -> HttpResponse:
    """GET: what holds, with a preview. POST: preview shows what was typed, save writes a version, restore gives the
    words back to the system."""
    if kind not in KINDS or channel not in KINDS[kind].channels or language not in dict(LANGUAGES):
        raise Http404
    place = (kind, channel, language)
    own = newest(request.organization, {kind}).get(place)
    form = _form(KINDS[kind], channel, language, own)
    preview: Said | None = None
    if request.method == "POST":
        if not may_here(request, "edit_wordings", Mode.DO):
            raise PermissionDenied
        form.read(request.POST)
        if "preview" not in request.POST and _do(request, form, place):
            return HttpResponseRedirect(reverse("admin:wording", args=place))
    try:
        preview = _preview(KINDS[kind], channel, language, form)
    except DomainError as refusal:
        if not form.errors:
            form.refuse(refusal)
    context = console_context(
        request, KINDS[kind].words, form=form, kind=KINDS[kind], channel=Channel(channel), language=language,
        language_words=dict(LANGUAGES)[language], own=own, preview=preview,
        history=history(request.organization, *place),
        parts=parts_of(preview.body) if preview and channel == Channel.SMS else None,
        variables=_variables(kind, channel, language), places=_places(kind),
        may_edit=may_here(request, "edit_wordings", Mode.DO), longest=LONGEST[Channel(channel)],
    )  # fmt: skip
    return render(request, "console/messaging/wording.html", context, status=REFUSED if form.errors else 200)


def _form(kind: Kind, channel: str, language: str, own: Wording | None) -> Form:
    with override(language):
        ours = default_words(kind, channel)
    subject, body = (own.subject, own.body) if own else (ours.subject, ours.body)
    fields = [Field("body", gettext_lazy("Text"), "area", value=body, longest=LONGEST[Channel(channel)])]
    if channel == Channel.EMAIL:
        fields.insert(0, Field("subject", gettext_lazy("Subject"), value=subject, longest=200))
    else:
        fields.append(
            Field(
                "registered_as", gettext_lazy("Registered as"), value=own.registered_as if own else "", required=False,
                longest=80,
                help=gettext_lazy(
                    "Name or number of this text at the provider, where texts must be registered there: WhatsApp"
                    " templates, DLT in India. Its variables are sent in the order in which they stand here."
                ),
            )
        )  # fmt: skip
    return Form(fields)


def _do(request: ConsoleRequest, form: Form, place: tuple[str, str, str]) -> bool:
    """Save or restore; False if it was refused."""
    kind, channel, language = place
    about = {
        "organization": request.organization, "kind": kind, "channel": channel, "language": language,
        "now": clock.now(), "by": request.user,
    }  # fmt: skip
    if "restore" in request.POST:
        done, made = attempt(form, partial(restore_wording, **about))  # type: ignore[arg-type]
        if done:
            messages.success(request, _("Our words hold again.") if made else _("Our words hold already."))
        return done
    typed = {name: form.typed(name) for name in ("subject", "body", "registered_as")}
    saved, _row = attempt(form, partial(set_wording, **about, **typed))  # type: ignore[arg-type]
    if saved:
        messages.success(request, _("Saved. Messages that go out from now on are said like this."))
    return saved


def _preview(kind: Kind, channel: str, language: str, form: Form) -> Said:
    """What was typed, with a sample fact, in its language. Raises BadInput."""
    said = check_words(kind, channel, form.typed("subject"), form.typed("body"))
    with override(language):
        values = {name: str(VARIABLES[name].sample) for name in kind.variables}
        return say(kind, channel, said, values)


def _variables(kind: str, channel: str, language: str) -> list[tuple[str, object, str]]:
    """(as it is written, meaning, sample)."""
    with override(language):
        samples = {name: str(VARIABLES[name].sample) for name, _words in variable_words(kind)}
    shown = [one for one in variable_words(kind) if channel == Channel.EMAIL or not VARIABLES[one[0]].is_long]
    return [(f"{{{name}}}", words, samples[name]) for name, words in shown]


def _places(kind: str) -> list[tuple[str, str]]:
    """(address, words) of the same kind on the other channels and in the other language."""
    return [
        (reverse("admin:wording", args=[kind, channel, language]), f"{channel.label} · {label}")
        for channel in CHANNELS
        if channel in KINDS[kind].channels
        for language, label in LANGUAGES
    ]
