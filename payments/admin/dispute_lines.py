"""The forms on a dispute's page that add a line to its file (R107)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy

from billing.admin.base import ConsoleRequest
from billing.admin.working import Field, Form
from billing.errors import Sentence
from billing.inputs import parse_day
from billing.office.models.user import Mode
from payments.models import Dispute
from payments.services import dispute_work

WORKING = (Mode.DO, Mode.MAKE)
Work = Callable[[ConsoleRequest, Dispute, Form, datetime], Any]


@dataclass(frozen=True)
class LineForm:
    """A form on the page that adds a line to the file."""

    key: str
    title: Sentence
    button: Sentence
    fields: Callable[[], list[Field]]
    work: Work
    done: Sentence


def _contact(request: ConsoleRequest, dispute: Dispute, form: Form, now: datetime) -> Any:
    return dispute_work.add_contact(
        dispute=dispute, channel=form.typed("channel"), text=form.typed("text"), now=now, by=request.user
    )


def _evidence(request: ConsoleRequest, dispute: Dispute, form: Form, now: datetime) -> Any:
    file = form.uploaded("document")
    return dispute_work.add_evidence(
        dispute=dispute, text=form.typed("text"), files=[file] if file else [], now=now, by=request.user
    )


def _note(request: ConsoleRequest, dispute: Dispute, form: Form, now: datetime) -> Any:
    return dispute_work.add_note(dispute=dispute, text=form.typed("text"), now=now, by=request.user)


def _follow_up(request: ConsoleRequest, dispute: Dispute, form: Form, now: datetime) -> Any:
    due_on = parse_day(form.typed("due_on"), field="due_on")
    return dispute_work.add_follow_up(dispute=dispute, text=form.typed("text"), due_on=due_on, now=now, by=request.user)


LINES = {
    line.key: line
    for line in (
        LineForm(
            "contact", gettext_lazy("Contact with the customer"), gettext_lazy("Log the contact"),
            lambda: [
                Field("channel", gettext_lazy("By"), "select", choices=list(dispute_work.CHANNELS.items())),
                Field("text", gettext_lazy("What was said"), "area", longest=1000),
            ],
            _contact, gettext_lazy("The contact is in the file."),
        ),
        LineForm(
            "evidence", gettext_lazy("Evidence"), gettext_lazy("Add the evidence"),
            lambda: [
                Field("text", gettext_lazy("What it shows"), "area", longest=1000),
                Field("document", gettext_lazy("Picture or PDF"), "file", required=False,
                      help=gettext_lazy("Without one, write where it lies.")),
            ],
            _evidence, gettext_lazy("The evidence is in the file."),
        ),
        LineForm(
            "note", gettext_lazy("Note for colleagues"), gettext_lazy("Add the note"),
            lambda: [Field("text", gettext_lazy("Note"), "area", longest=1000)],
            _note, gettext_lazy("The note is in the file."),
        ),
        LineForm(
            "follow_up", gettext_lazy("Follow-up"), gettext_lazy("Add the follow-up"),
            lambda: [
                Field("text", gettext_lazy("What is to be done"), "area", longest=1000),
                Field("due_on", gettext_lazy("By"), "date"),
            ],
            _follow_up, gettext_lazy("The follow-up is on the list."),
        ),
    )
}  # fmt: skip


def line_forms(form: Form | None, form_name: str) -> list[dict[str, Any]]:
    """The forms of the page; the refused one with what was typed."""
    return [
        {"line": line, "form": form if form is not None and key == form_name else Form(line.fields()),
         "refused": form is not None and key == form_name}
        for key, line in LINES.items()
    ]  # fmt: skip
