"""Moving money to another customer: choose whom, how much, on whose word; a manager approves (R127)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.credit_page import STRATEGIES, Moved, _read_amounts, find_credit
from billing.admin.customer_page import ASKING
from billing.admin.deeds import deed, subject_key
from billing.admin.facts import LABELS, WORDS, readable
from billing.admin.working import REFUSED, Field, Form, back_to, say_why
from billing.errors import DomainError, Sentence
from billing.inputs import clean_text
from billing.models import CreditItem, Customer
from billing.money import format_amount, parse_amount
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.refusals import explained
from billing.selectors.open_items import open_invoices
from billing.selectors.search import LONGEST, find_customers
from billing.services import move_requests
from billing.services.moving import MoveOrder, check_movable
from billing.transactions import in_transaction

WORDS["deed"] = {**WORDS["deed"], "move_credit": gettext_lazy("move money to another customer")}
HOW = {"none": gettext_lazy("nothing: keep it as credit there"), **STRATEGIES}
WORDS["pays_by"] = HOW
LABELS |= {
    "to_customer": gettext_lazy("To customer"), "consent": gettext_lazy("Consent"), "letter": gettext_lazy("Letter"),
    "pays_by": gettext_lazy("What it pays there"), "pays": gettext_lazy("Invoices it pays there"),
}  # fmt: skip


@console_path("credits/<int:pk>/move/", "move_credit", move_requests.MOVE, *ASKING)
@require_http_methods(["GET", "POST"])
def move(request: ConsoleRequest, pk: int) -> HttpResponse:
    """First whom (?q= and ?to=), then how much and on whose word; the preview shows what will be approved."""
    item = find_credit(request, pk)
    try:
        check_movable(item)
    except DomainError as trouble:
        return _page(request, item, None, trouble=str(trouble))
    other = _chosen(request)
    if other is None or other.pk == item.customer_id:
        return _page(request, item, None, same=other is not None, **_search(request, item))
    form = _form(item)
    rows: list[Any] = []
    if request.method == "POST":
        form.read(request.POST, request.FILES)
        try:
            with explained():
                if request.POST.get("step") == "save":
                    return _ask(request, item, other, form)
                shown = move_requests.move_facts(item, _order(request, item, other, form, None), clock.now())
                rows = readable(shown)
                form.hidden["seen"] = _seen(shown)
        except DomainError as refusal:
            form.refuse(refusal)
    typed = _typed(request.POST)
    invoices = open_invoices([other.pk], item.currency)[other.pk]
    return _page(
        request, item, form, other=other, rows=rows,
        invoices=[(i, f"apply-{i.id}", typed.get(f"apply-{i.id}", ""), form.placed.get(f"apply-{i.id}", ""))
                  for i in invoices],
    )  # fmt: skip


def _form(item: CreditItem) -> Form:
    left = move_requests.movable_amount(item)
    first = item.unapplied_amount or left
    hint = _("At most {left}. What is set against invoices here is taken back, the latest first.")
    return Form(
        [
            Field("amount", gettext_lazy("Amount"), "amount", format_amount(first, item.currency).replace(",", ""),
                  help=hint.format(left=format_amount(left, item.currency))),
            Field("consent", gettext_lazy("Consent of the customer it leaves"), "area",
                  help=gettext_lazy("Who agreed, when and how: “Mrs Lovelace, 12 March, by phone”.")),
            Field("letter", gettext_lazy("Letter or e-mail, as picture or PDF"), "file", required=False),
            Field("strategy", gettext_lazy("What it pays there"), "select", "none",
                  choices=tuple(HOW.items())),
            Field("reason", gettext_lazy("Reason"), "area"),
        ],
        hidden={"seen": ""},
    )  # fmt: skip


def _order(request: ConsoleRequest, item: CreditItem, other: Customer, form: Form, letter_id: int | None) -> MoveOrder:
    amount = parse_amount(form.typed("amount"), item.currency, field="amount")
    strategy = form.typed("strategy")
    by_hand: list[tuple[int, Decimal]] = _read_amounts(_typed(request.POST), item.currency)
    return MoveOrder(
        to_customer_id=other.pk, amount=amount, consent=clean_text(form.typed("consent"), field="consent", longest=400),
        strategy=strategy, by_hand=tuple(by_hand) if strategy == "manual" else (), letter_id=letter_id,
    )  # fmt: skip


def _ask(request: ConsoleRequest, item: CreditItem, other: Customer, form: Form) -> HttpResponse:
    """Raises Moved if what the preview showed no longer holds."""
    now = clock.now()
    reason = clean_text(form.typed("reason"), field="reason", longest=400, required=True)
    say_why(request, reason)
    upload = form.uploaded("letter")

    def work() -> ApprovalRequest:
        plain = move_requests.move_facts(item, _order(request, item, other, form, None), now)
        if form.typed("seen") and form.typed("seen") != _seen(plain):
            raise Moved()
        letter = None
        if upload is not None:
            name, data = upload
            letter = move_requests.keep_letter(credit_item=item, name=name, data=data, now=now, by=request.user)
        order = _order(request, item, other, form, letter.pk if letter else None)
        return move_requests.ask_to_move(credit_item=item, order=order, reason=reason, by=request.user, now=now)

    asked = in_transaction(work)
    return back_to(request, "approval", asked.pk, _("Asked. A manager decides."))


def _seen(shown: Mapping[str, Any]) -> str:
    """What a preview promised, without what was typed: what reopens and what is paid."""
    return move_requests.fingerprint({name: shown[name] for name in ("amount", "reopens", "pays", "to_customer_key")})


def _typed(posted: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in posted.items() if key.startswith("apply-")}


def _chosen(request: ConsoleRequest) -> Customer | None:
    key = request.GET.get("to", "")
    if not key.isascii() or not key.isdigit() or len(key) > 18:
        return None
    rows = Customer.objects.filter(organization=request.organization).select_related("organization")
    return rows.filter(pk=int(key)).first()


def _search(request: ConsoleRequest, item: CreditItem) -> dict[str, Any]:
    text = request.GET.get("q", "").strip()[:LONGEST]
    on = request.organization.today(clock.now())
    found = find_customers(request.organization, text, on=on) if text else []
    return {"q": text, "found": [row for row in found if row.id != item.customer_id], "searched": bool(text)}


def _page(request: ConsoleRequest, item: CreditItem, form: Form | None, **more: Any) -> HttpResponse:
    title = _("Move money of {number}").format(number=item.number)
    context = console_context(
        request, title, item=item, form=form, currency=item.currency, back=reverse("admin:credit_item", args=[item.pk]),
        left=move_requests.movable_amount(item), **more,
    )  # fmt: skip
    return render(request, "console/customer/move.html", context, status=REFUSED if form and form.errors else 200)


# Carrying it out


def _credit_of(asked: ApprovalRequest) -> CreditItem:
    rows = CreditItem.objects.select_related("organization", "customer", "customer__organization")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _now(asked: ApprovalRequest) -> dict[str, Any]:
    return move_requests.move_facts(_credit_of(asked), move_requests.order_of(asked), clock.now())


def _both(asked: ApprovalRequest) -> set[int]:
    return {_credit_of(asked).customer_id, move_requests.order_of(asked).to_customer_id}


@deed(move_requests.MOVE, "move_credit", label=gettext_lazy("Move the money"), facts=_now, customer=_both)
def _carry_out(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    transfer = move_requests.carry_out_move(request=asked, credit_item=_credit_of(asked), by=by, now=now)
    return _("Approved; {number} moved the money.").format(number=transfer.number)
