"""Making out a deposit slip: which account, which cheques of those in hand, which cash of the safe (R12, R112)."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import LARGEST_KEY, ConsoleRequest, console_context, console_path
from billing.admin.working import REFUSED, Field, Form, attempt, back_to
from billing.errors import BadInput
from billing.inputs import clean_text
from billing.money import ZERO, parse_amount
from billing.office import clock
from billing.office.models import Organization
from billing.office.models.user import Mode
from billing.office.policies import policies_for_customers
from payments.admin.cash_form import counter
from payments.models import BankAccount, Cheque, Deposit
from payments.selectors.deposits import depositable_cheques
from payments.services.denominations import read_count, total_of
from payments.services.deposits import prepare_deposit

MOST = 500


@console_path("deposits/new/", "deposit_new", "deposit_cheques", Mode.DO)
@require_http_methods(["GET", "POST"])
def deposit_new(request: ConsoleRequest) -> HttpResponse:
    """One bank account at a time: its currency decides which cheques are offered and which notes are counted."""
    accounts = list(BankAccount.objects.filter(organization=request.organization, is_active=True).order_by("name"))
    asked = request.POST.get("bank_account") or request.GET.get("bank_account", "")
    account = next((a for a in accounts if a.code == asked), accounts[0] if accounts else None)
    form = _form()
    if request.method == "POST" and account is not None:
        form.read(request.POST)
        done, deposit = attempt(form, lambda: _prepare(request, account))
        if done and deposit is not None:
            said = _("Slip {number} is made out. Take it to the bank with what is on it.").format(number=deposit.number)
            return back_to(request, "deposit", deposit.pk, said)
    context = console_context(
        request, _("New deposit slip"), accounts=accounts, account=account, form=form,
        **(_offered(request, account, form) if account else {}),
    )  # fmt: skip
    return render(request, "console/deposit/new.html", context, status=REFUSED if form.errors else 200)


def _form() -> Form:
    return Form(
        [
            Field(
                "cash_amount", gettext_lazy("Cash"), "amount", required=False,
                help=gettext_lazy("Leave it empty if you count below; what you count is what goes."),
            ),
            Field("note", gettext_lazy("Remark"), required=False),
        ],
        hidden={"request_key": uuid4().hex},
    )  # fmt: skip


def _prepare(request: ConsoleRequest, account: BankAccount) -> Deposit:
    posted = request.POST
    denominations = read_count(posted, account.currency)
    typed = posted.get("cash_amount", "").strip()
    cash = parse_amount(typed, account.currency, field="cash_amount") if typed else total_of(denominations)
    key = clean_text(posted.get("request_key", ""), field="request_key", longest=80, required=True, free=False)
    return prepare_deposit(
        organization=request.organization, bank_account=account, cheque_ids=ticked(posted), cash_amount=cash,
        denominations=denominations, note=posted.get("note", ""), request_key=key, now=clock.now(), by=request.user,
    )  # fmt: skip


def ticked(posted: QueryDict) -> list[int]:
    """Keys of the cheques ticked. Raises BadInput for what no page of ours sends."""
    keys = posted.getlist("cheque")
    if len(keys) > MOST:
        raise BadInput(_("At most {most} cheques at a time."), field="cheques", code="too_many", most=MOST)
    if not all(key.isascii() and key.isdigit() and int(key[:20]) <= LARGEST_KEY for key in keys):
        raise BadInput(_("Choose cheques of the list."), field="cheques", code="unknown")
    return [int(key) for key in keys]


# What may be chosen


def _offered(request: ConsoleRequest, account: BankAccount, form: Form) -> dict[str, Any]:
    """Cheques in hand of the account's currency by bank, and the counter. Three queries."""
    organization = request.organization
    today = organization.today(clock.now())
    found = list(depositable_cheques(organization, account.currency)[: MOST + 1])
    # An untouched form offers every cheque that may go; what was ticked stays ticked.
    wanted = set(request.POST.getlist("cheque")) if request.method == "POST" else None
    rows = _rows(organization, found[:MOST], wanted, today)
    chosen = [row["cheque"].amount for row in rows if row["ticked"]]
    return {
        "rows": rows, "more": len(found) > MOST, "currency": account.currency, "chosen_count": len(chosen),
        "chosen_amount": sum(chosen, ZERO), "counter": counter(account.currency, request.POST, form),
        "cheque_error": form.placed.get("cheques", ""), "may_go": any(not row["why_not"] for row in rows),
    }  # fmt: skip


def _rows(
    organization: Organization, cheques: Iterable[Cheque], wanted: set[str] | None, today: date
) -> list[dict[str, Any]]:
    """Each cheque with whether it is ticked, or why it cannot go."""
    cheques = list(cheques)
    books = policies_for_customers(organization, {cheque.customer_id for cheque in cheques})
    rows = []
    for cheque in cheques:
        days = books[cheque.customer_id].number("cheques.stale_days")
        stale = cheque.cheque_date < today - timedelta(days=days)
        why_not = _("stale: ask for a new one") if stale else ""
        picked = str(cheque.pk) in wanted if wanted is not None else not stale
        rows.append({"cheque": cheque, "why_not": why_not, "ticked": picked and not stale})
    return rows


def cash_rows(deposit: Deposit) -> list[tuple[str, int, Decimal]]:
    """Face, pieces, sum of the cash on a slip, the biggest first."""
    return [(str(face), int(pieces), Decimal(str(face)) * int(pieces)) for face, pieces in deposit.denominations]
