"""How CSV files of a bank account are read: a sample is shown as read, corrected, and confirmed by a person (R17)."""

import io
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Field, Form, attempt, back_to
from billing.errors import BadInput, DomainError
from billing.money import ZERO
from billing.office import clock
from billing.office.models.user import Mode
from payments.models import BankAccount
from reconciliation.admin.csv_profile_form import (
    KINDS,
    LARGEST_SAMPLE,
    columns_posted,
    fill,
    pack,
    profile_posted,
    reading_form,
    unpack,
)
from reconciliation.formats.base import Entry, FileRefused, Problem, Statement
from reconciliation.formats.csv_bank import propose_profile, read
from reconciliation.formats.csv_profile import COLUMN_WORDS, Column, CsvProfile
from reconciliation.formats.csv_table import Layout, head_rows, look_at, match_columns
from reconciliation.formats.source import Source
from reconciliation.selectors.csv_profiles import versions_of
from reconciliation.services.csv_profiles import confirm_profile, profile_for, save_profile

SHOWN, VALUES = 20, 3
ASKED = {"sides_unsettled": "books", "signs_unsettled": "signs"}


@dataclass
class Look:
    """A sample as it is read just now. profile: None where it cannot be read yet."""

    layout: Layout
    columns: list[dict[str, Any]] = field(default_factory=list)
    profile: CsvProfile | None = None
    statement: Statement | None = None
    entries: list[Entry] = field(default_factory=list)
    count: int = 0
    total_in: Decimal = ZERO
    total_out: Decimal = ZERO

    @property
    def problems(self) -> list[Problem]:
        return self.statement.problems if self.statement else []

    @property
    def ties(self) -> bool | None:
        if not self.statement or self.statement.opening is None or self.statement.closing is None:
            return None
        return self.statement.opening + self.total_in - self.total_out == self.statement.closing


@console_path("bank-accounts/<int:pk>/csv-profile/", "csv_profile", "import_bank_file")
@require_http_methods(["GET", "POST"])
def csv_profile(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The versions so far and the form for a sample; with a sample, what is read of it. About six queries."""
    rows = BankAccount.objects.select_related("organization")
    account = get_object_or_404(rows, pk=pk, organization=request.organization)
    form, mapping = _sample_form(), reading_form()
    sample, look = "", None
    if request.method == "POST" and may_here(request, "import_bank_file", Mode.DO):
        try:
            data = _sample(form.read(request.POST, request.FILES), str(request.POST.get("sample", "")))
            sample = pack(data)
            is_first = "sample" not in request.POST
            mapping.read(request.POST)
            look = _look(data, mapping, {} if is_first else request.POST, account)
            profile = look.profile
            if profile and request.POST.get("deed") == "confirm":
                _refuse_open_questions(look)
                done, saved = attempt(mapping, partial(_confirm, request, account, profile))
                if done:
                    sentence = _("CSV files of {account} are read so from now on (version {version}).")
                    return back_to(request, "csv_profile", account.pk,
                                   sentence.format(account=account.code, version=saved))  # fmt: skip
        except DomainError as refusal:
            mapping.refuse(refusal) if sample else form.refuse(refusal)
            look = look or (_unread(data, mapping, request.POST) if sample else None)
    context = console_context(
        request, _("CSV files of {account}").format(account=account.code), account=account, form=form, mapping=mapping,
        look=look, sample=sample, versions=versions_of(account)[:10], current=account.csv_profile,
        kinds=[(column.value, words) for column, words in COLUMN_WORDS.items()],
        may=may_here(request, "import_bank_file", Mode.DO),
    )  # fmt: skip
    refused = bool(form.errors or mapping.errors)
    return render(request, "console/reconciliation/csv_profile.html", context, status=REFUSED if refused else 200)


def _sample_form() -> Form:
    return Form([
        Field("file", gettext_lazy("A CSV file of this bank"), "file", accept=".csv,.txt,.tsv,.xls,text/*",
              required=False, help=gettext_lazy("Nothing of it is taken in; of a long file the first part is enough.")),
    ])  # fmt: skip


def _sample(form: Form, kept: str) -> bytes:
    """The bytes to look at: a file just chosen, else those of the look before."""
    upload = form.fields[0].upload
    if upload is None:
        return unpack(kept)
    upload.seek(0)
    data: bytes = upload.read(LARGEST_SAMPLE)
    if not data:
        raise BadInput(_("The file has no lines."), field="file", code="empty_file")
    return data[: data.rfind(b"\n") + 1] or data if (upload.size or 0) > len(data) else data


def _layout(source: Source, mapping: Form) -> Layout:
    line = mapping.typed("line").strip()
    if line and not (line.isdecimal() and 0 < int(line) <= 120):
        raise BadInput(_("A line from 1 to 120."), field="line")
    return look_at(source, mapping.typed("encodings"), mapping.typed("delimiter"), int(line or 0))


def _look(data: bytes, mapping: Form, posted: Any, account: BankAccount) -> Look:
    """Read a sample: by what was posted, or at first by the account's profile, or by what it proves itself."""
    source = Source(io.BytesIO(data), "sample.csv")
    layout = _layout(source, mapping)
    is_mapped = any(name.startswith("col_") for name in posted)
    if is_mapped:
        columns = columns_posted(layout.header, posted)
        profile = profile_posted(mapping, columns, profile_for(bank_account=account) or CsvProfile())
    else:
        profile = _start(source, layout, account)
        fill(mapping, profile)
    taken = {i: column for column, found in match_columns(layout.header, layout.line, profile).items() for i in found}
    look = Look(layout, _columns(source, layout, taken), profile)
    _count(look, source, profile)
    return look


def _start(source: Source, layout: Layout, account: BankAccount) -> CsvProfile:
    """The profile to begin with: the account's, where this header has all its columns; else what the file proposes.

    Raises BadInput for a header, at a line that a person gave, whose words say too little.
    """
    known = profile_for(bank_account=account)
    if known and set(match_columns(layout.header, layout.line, known)) >= set(known.columns):
        return known
    named = {column: tuple(layout.header[i] for i in found) for column, found in layout.columns.items()}
    CsvProfile(columns=named).check()
    return propose_profile(source).profile


def _count(look: Look, source: Source, profile: CsvProfile) -> None:
    for piece in read(source, profile):
        if isinstance(piece, Statement):
            look.statement = piece
            continue
        look.count += 1
        amount = piece.amount or ZERO
        look.total_in += max(amount, ZERO)
        look.total_out -= min(amount, ZERO)
        if len(look.entries) < SHOWN:
            look.entries.append(piece)


def _columns(source: Source, layout: Layout, taken: dict[int, Column]) -> list[dict[str, Any]]:
    """Each column with its header, a few of its values, and what it is taken for."""
    rows = [
        row for line, row in head_rows(source, layout.encoding, layout.delimiter, layout.quote) if line > layout.line
    ]
    return [
        {
            "name": name or _("(no name)"), "field": f"col_{index}", "taken": taken.get(index, ""),
            "values": [row[index] for row in rows if index < len(row) and row[index].strip()][:VALUES],
        }
        for index, name in enumerate(layout.header)
    ]  # fmt: skip


def _unread(data: bytes, mapping: Form, posted: Any) -> Look | None:
    """What can be shown of a sample that cannot be read so: its columns, as they were chosen or are known."""
    source = Source(io.BytesIO(data), "sample.csv")
    try:
        layout = _layout(source, mapping)
    except (FileRefused, BadInput):
        return None
    taken = {i: column for column, found in layout.columns.items() for i in found}
    if any(name.startswith("col_") for name in posted):
        chosen = [str(posted.get(f"col_{index}", "")) for index in range(len(layout.header))]
        taken = {index: Column(each) for index, each in enumerate(chosen) if each in KINDS}
    return Look(layout, _columns(source, layout, taken))


def _refuse_open_questions(look: Look) -> None:
    """What nothing in the file settles has to be said before it is confirmed."""
    for problem in look.problems:
        if problem.code in ASKED:
            raise BadInput(problem.sentence, field=ASKED[problem.code])


def _confirm(request: ConsoleRequest, account: BankAccount, profile: CsvProfile) -> int:
    now = clock.now()
    saved = save_profile(bank_account=account, profile=profile, now=now, by=request.user, based_on=account.csv_profile)
    return confirm_profile(saved=saved, now=now, by=request.user).version
