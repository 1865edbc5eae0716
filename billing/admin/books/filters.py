"""What the screens of the general ledger are filtered by, as inputs that keep what was typed."""

from datetime import date

from django.utils.translation import gettext_lazy as _

from billing.admin.base import ConsoleRequest
from billing.admin.working import Field, Form
from billing.errors import BadInput, Sentence
from billing.inputs import parse_day
from billing.office import clock
from billing.selectors.books.trial_balance import Slice, tags_of

SEE, ADJUST, EXPORT = "see_journal", "adjust_ledger", "export_accounting"
WITHOUT = "-"  # lines that carry no department or project


def today_of(request: ConsoleRequest) -> date:
    return request.organization.today(clock.now())


def slice_form(request: ConsoleRequest, *, with_since: bool) -> Form:
    """As of a day (and from one), department, project. Two queries."""
    departments, projects = tags_of(request.organization)
    until = Field("until", _("Up to") if with_since else _("As of"), "date", today_of(request).isoformat())
    fields = [
        until,
        Field("department", _("Department"), "select", choices=_choices(departments), required=False),
        Field("project", _("Project"), "select", choices=_choices(projects), required=False),
    ]
    if with_since:
        fields.insert(0, Field("since", _("From"), "date", required=False))
    form = Form(fields)
    for item in form.fields:
        item.value = request.GET.get(item.name, item.value)
    return form


def _choices(names: list[str]) -> list[tuple[str, Sentence]]:
    return [("", _("all")), (WITHOUT, _("without")), *((name, name) for name in names)]


def read_slice(request: ConsoleRequest, form: Form) -> Slice:
    """What the form asks for; a day that cannot be read is refused beside its input and left out."""
    return Slice(
        until=read_day(form, "until") or today_of(request), since=read_day(form, "since"),
        department=_tag(form.typed("department")), project=_tag(form.typed("project")),
    )  # fmt: skip


def read_day(form: Form, name: str) -> date | None:
    text = form.typed(name)
    if not text:
        return None
    try:
        return parse_day(text, field=name)
    except BadInput as refusal:
        form.refuse(refusal)
        return None


def _tag(text: str) -> str | None:
    return None if not text else "" if text == WITHOUT else text


def key_of(text: str) -> int | None:
    """A key out of an address, or None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def kept_filters(request: ConsoleRequest, *names: str) -> str:
    """The filters as they go into links to other pages."""
    asked = request.GET.copy()
    for name in set(asked) - set(names):
        del asked[name]
    return asked.urlencode()
