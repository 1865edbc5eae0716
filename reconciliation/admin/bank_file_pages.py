"""Bank files at the console: handed in, read by a worker with its progress, told, taken back (R17, R144)."""

from datetime import timedelta
from typing import Any, BinaryIO, cast

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods
from django_q.tasks import async_task

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why
from billing.errors import BadInput, DomainError
from billing.office import clock
from billing.office.models.user import Mode
from payments.models import BankAccount
from reconciliation.formats.source import LARGEST, too_large
from reconciliation.models import BankFile, BankFileState, Match
from reconciliation.selectors.bank_files import accounts_loaded, files_of
from reconciliation.services.bank_files import GAP, REISSUE, hand_in, take_back

PER_PAGE = 50
READING = (BankFileState.RECEIVED, BankFileState.READING)
LOOK_AGAIN = 2  # seconds
# Afterwards somebody should look whether the workers are up.
PATIENCE = timedelta(minutes=3)
ACCEPTED = ".xml,.sta,.mt940,.txt,.bai,.bai2,.ofx,.qfx,.csv,.ach,.940,.942,.053,text/*,application/xml"


@console_path("bank-files/", "bank_files", "import_bank_file")
@require_http_methods(["GET", "POST"])
def bank_files(request: ConsoleRequest) -> HttpResponse:
    """What was handed in, newest first, how far each account is loaded, and the form for the next file."""
    form = _form(request)
    if request.method == "POST" and may_here(request, "import_bank_file", Mode.DO):
        form.read(request.POST, request.FILES)
        try:
            made, is_new = _hand_in(request, form)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            if is_new:
                async_task("reconciliation.tasks.read_one", made.pk)
                return HttpResponseRedirect(reverse("admin:bank_file", args=[made.pk]))
            sentence = _("This file was handed in before; nothing was done.")
            return back_to(request, "bank_file", made.pk, sentence)
    page = Paginator(files_of(request.organization), PER_PAGE).get_page(request.GET.get("page"))
    context = console_context(
        request, _("Bank files"), form=form, page=page, accounts=accounts_loaded(request.organization),
        may_hand_in=may_here(request, "import_bank_file", Mode.DO),
    )  # fmt: skip
    return render(request, "console/bank_file/list.html", context, status=REFUSED if form.errors else 200)


@console_path("bank-files/<int:pk>/", "bank_file", "import_bank_file")
@require_GET
def bank_file(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What was understood of one file, or how far its reading is; the page looks again by itself until it is done."""
    file = _find(request, pk)
    now = clock.now()
    reading = file.state in READING
    statements = list(file.statements.select_related("bank_account").order_by("ordinal"))
    matched = Match.objects.filter(line__statement__bank_file=file, undone_at__isnull=True).count()
    context = console_context(
        request, file.name, file=file, reading=reading, late=reading and now - file.handed_in_at > PATIENCE,
        statements=statements, problems=[_problem(row) for row in file.problems], matched=matched,
        may_take_back=file.state == BankFileState.STORED and may_here(request, "import_bank_file", Mode.DO),
        undo=Form([Field("reason", gettext_lazy("Why"), longest=400)]),
    )  # fmt: skip
    answer = render(request, "console/bank_file/page.html", context)
    if reading:
        answer["Refresh"] = str(LOOK_AGAIN)
    return answer


@console_path("bank-files/<int:pk>/take-back/", "bank_file_take_back", "import_bank_file", Mode.DO)
@require_http_methods(["POST"])
def bank_file_take_back(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Take a whole import back; refused while a line of it is matched."""
    file = _find(request, pk)
    form = Form([Field("reason", gettext_lazy("Why"), longest=400)]).read(request.POST)
    say_why(request, form.typed("reason"))
    done, _made = attempt(
        form,
        lambda: take_back(bank_file=file, reason=form.typed("reason"), now=clock.now(), by=request.user),
    )
    if done:
        sentence = _("{name} was taken back; the file may be handed in again.").format(name=file.name)
        return back_to(request, "bank_file", file.pk, sentence)
    context = console_context(
        request, file.name, file=file, reading=False, statements=list(file.statements.order_by("ordinal")),
        problems=[_problem(row) for row in file.problems], may_take_back=True, undo=form, form=form,
    )  # fmt: skip
    return render(request, "console/bank_file/page.html", context, status=REFUSED)


def _form(request: ConsoleRequest) -> Form:
    accounts = BankAccount.objects.filter(organization=request.organization, is_active=True).order_by("code")
    choices = [(str(one.pk), str(one)) for one in accounts]
    first = choices[0][0] if len(choices) == 1 else ""
    return Form(
        [
            Field("bank_account", gettext_lazy("Bank account"), "select", first, choices=choices),
            Field("file", gettext_lazy("File of the bank"), "file", accept=ACCEPTED,
                  help=gettext_lazy("CAMT, MT940, BAI2, OFX, lockbox, NACHA, CSV, lists of virtual accounts; at most "
                                    "50 MB.")),
            Field("accept", gettext_lazy("If something is unusual"), "select", "", required=False, choices=(
                ("", gettext_lazy("refuse the file and say why")),
                (GAP, gettext_lazy("a file before it is missing: take it all the same")),
                (REISSUE, gettext_lazy("the bank issued this statement anew: add what is new")),
            )),
        ]
    )  # fmt: skip


def _hand_in(request: ConsoleRequest, form: Form) -> tuple[BankFile, bool]:
    account = BankAccount.objects.filter(
        organization=request.organization, is_active=True, pk=form.typed("bank_account") or 0
    ).first() if form.typed("bank_account").isdigit() else None  # fmt: skip
    if account is None:
        raise BadInput(_("Choose the bank account."), field="bank_account", code="required")
    upload = next(field.upload for field in form.fields if field.name == "file")
    if upload is None:
        raise BadInput(_("Choose a file."), field="file", code="required")
    if (upload.size or 0) > LARGEST:
        raise too_large()
    wishes = [form.typed("accept")] if form.typed("accept") in (GAP, REISSUE) else []
    return hand_in(
        bank_account=account, file=cast(BinaryIO, upload.file), name=upload.name or "", now=clock.now(),
        by=request.user, wishes=wishes,
    )  # fmt: skip


def _find(request: ConsoleRequest, pk: int) -> BankFile:
    rows = BankFile.objects.select_related("chosen", "handed_in_by", "undone_by", "organization")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


def _problem(row: list[Any]) -> dict[str, Any]:
    return {"sentence": row[2], "flags": row[3]}
