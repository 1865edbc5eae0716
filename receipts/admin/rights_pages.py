"""What a customer may ask about their data: a copy in answer to a letter, and erasure by two people (R171)."""

from datetime import datetime
from typing import Any

from django.db.models import Exists
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import find_customer
from billing.admin.deeds import deed
from billing.admin.facts import LABELS, WORDS
from billing.admin.panels import panel
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why
from billing.errors import Sentence
from billing.models import Customer
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.selectors.customer_traces import FURTHER, ME, has
from receipts.models import DataExport, ErasureCase
from receipts.models.rights import ErasureState, ExportState
from receipts.selectors.erasable import BLOCKS, outlook
from receipts.services.rights import erasing
from receipts.services.rights.exporting import answer_in_writing, standing, take
from receipts.services.rights.purging import WORDS as KINDS
from receipts.services.rights.purging import rehearse_purge, runs_of

WORDS["deed"] = {**WORDS["deed"], "erase": gettext_lazy("erase personal data")}
LABELS |= {
    "erased": gettext_lazy("Erased at once"), "kept": gettext_lazy("Kept for the books"),
    "kept_until": gettext_lazy("Kept until"), "years": gettext_lazy("Years after the last movement"),
}  # fmt: skip


FURTHER["erasures"] = Exists(ErasureCase.objects.filter(customer=ME))


@panel("customer", "console/rights/of_customer.html", order=95)
def _of_customer(request: ConsoleRequest, customer: Customer) -> dict[str, Any] | None:
    """The way to the page, and an erasure that waits. One query where there was any."""
    if not may_here(request, erasing.ACTION):
        return None
    cases = ErasureCase.objects.filter(customer=customer).order_by("-pk")
    return {"case": cases.first() if has(customer, "erasures") else None}


@console_path("customers/<int:pk>/data/", "customer_data", erasing.ACTION)
@require_http_methods(["GET", "POST"])
def customer_data(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Copies made, what an erasure would do, and how one stands; POST does what the button says."""
    customer, now = find_customer(request, pk), clock.now()
    form = Form([Field("reason", gettext_lazy("Who asked, how they proved who they are; or why not"), "area")])
    do = request.POST.get("do", "")
    if request.method == "POST" and do in DEEDS:
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, said = attempt(form, lambda: DEEDS[do](request, customer, form.typed("reason"), now))
        if done:
            return back_to(request, "customer_data", pk, said)
    found = outlook(customer)
    case = ErasureCase.objects.filter(customer=customer).order_by("-pk").first()
    waiting = case is not None and case.state == ErasureState.ASKED
    asked = ApprovalRequest.objects.filter(subject=f"erasure:{case.pk}").order_by("-pk").first() if case else None
    context = console_context(
        request, _("Personal data of %(name)s") % {"name": customer.shown_name}, customer=customer, form=form,
        case=case, found=found, blocks=[BLOCKS[key] for key in found.blocks],
        exports=standing(customer=customer), waiting=waiting, asked=asked,
        may_answer=may_here(request, "answer_data_request", Mode.DO),
        may_ask=may_here(request, erasing.ACTION, Mode.MAKE, Mode.CHECK),
        may_decide=may_here(request, erasing.ACTION, Mode.CHECK),
    )  # fmt: skip
    return render(request, "console/rights/customer_data.html", context, status=REFUSED if form.errors else 200)


def _copy(request: ConsoleRequest, customer: Customer, reason: str, now: datetime) -> Sentence:
    answer_in_writing(customer=customer, reason=reason, now=now, by=request.user)
    return gettext_lazy("The copy is being made. It is ready within minutes.")


def _forward(request: ConsoleRequest, customer: Customer, reason: str, now: datetime) -> Sentence:
    """Note the request where the family has not made one itself, and ask a second person."""
    case = erasing.ask_for_erasure(customer=customer, by_parent=False, now=now, by=request.user)
    erasing.put_forward(case=case, reason=reason, now=now, by=request.user)
    return gettext_lazy("Asked for. Another person decides.")


def _refuse(request: ConsoleRequest, customer: Customer, reason: str, now: datetime) -> Sentence:
    case = get_object_or_404(ErasureCase, customer=customer, state=ErasureState.ASKED)
    erasing.refuse(case=case, answer=reason, now=now, by=request.user)
    return gettext_lazy("Refused. The family reads why on its page.")


DEEDS = {"copy": _copy, "forward": _forward, "refuse": _refuse}


@console_path("customers/<int:pk>/data/<int:export>/file/", "customer_data_file", "answer_data_request", Mode.DO)
@require_GET
def customer_data_file(request: ConsoleRequest, pk: int, export: int) -> Any:
    """The copy that the office made, to hand to whoever asked in writing. Each fetch is written down."""
    now = clock.now()
    rows = DataExport.objects.filter(
        organization=request.organization, customer=pk, state=ExportState.READY, expires_at__gt=now
    )
    found = get_object_or_404(rows, pk=export)
    name = f"data-{find_customer(request, pk).code}-{found.made_at:%Y-%m-%d}.zip"
    return FileResponse(take(found, now=now), as_attachment=True, filename=name)


@deed(
    erasing.ACTION, "erase", label=gettext_lazy("Erase personal data"),
    facts=lambda request: erasing.facts_of(_case_of(request)), customer=lambda request: _case_of(request).customer_id,
)  # fmt: skip
def carry_out_erasure(request: ApprovalRequest, by: User, now: datetime) -> Sentence:
    erasing.carry_out(request=request, now=now, by=by)
    return gettext_lazy("Erased. What the books need is kept until its years are over.")


def _case_of(request: ApprovalRequest) -> ErasureCase:
    key = int(request.subject.partition(":")[2])
    return ErasureCase.objects.select_related("customer__organization", "organization").get(pk=key)


@console_path("retention/", "retention", "see_audit")
@require_GET
def retention(request: ConsoleRequest) -> HttpResponse:
    """What tonight's purge would take, whether it is on, and what past runs took. About ten queries."""
    organization = request.organization
    found = rehearse_purge(organization=organization, now=clock.now())
    runs = [(run, KINDS.get(run.kind, run.kind)) for run in runs_of(organization)]
    context = console_context(
        request, _("How long data is kept"), found=found, runs=runs,
        is_on=policies_for(organization).flag("retention.is_on"), settings=reverse("admin:policies"),
    )  # fmt: skip
    return render(request, "console/rights/retention.html", context)
