"""Taking post-dated cheques into safekeeping: all of a form or none, and the slip for the customer (R110-R116)."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import LARGEST_KEY, ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, say_why
from billing.errors import BadInput, DomainError, NotPermitted, Refusals
from billing.inputs import parse_day
from billing.models import Customer
from billing.office import clock
from billing.office.calendar import WorkCalendar
from billing.office.documents import keep_document
from billing.office.models import ApprovalRequest
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.refusals import explained
from billing.selectors.open_items import OpenInvoice, open_invoices
from billing.selectors.search import find_customers
from billing.transactions import in_transaction
from payments.admin.vault_form import MOST_ROWS, PHOTOS, Row, TakeIn, amounts_said, due_said, new_form, read_form
from payments.admin.vault_rejecting import rejection_url
from payments.admin.vault_slip import slip_url
from payments.models import Cheque
from payments.services.bounces import RISKY, bounce_history
from payments.services.risky_cheques import ask_to_take_risky
from payments.services.vault import take_in

SHOWN_INVOICES = 40


@console_path("vault/take-in/", "vault_take_in", "enter_payment", Mode.DO)
@require_http_methods(["GET", "POST"])
def vault_take_in(request: ConsoleRequest) -> HttpResponse:
    """?customer=CODE opens the form, ?q= looks for a customer, ?replaces= a cheque that new ones stand for.

    POST with step "take" takes all cheques in, "ask" puts them before a supervisor, "check" only says how they stand.
    """
    now = clock.now()
    today = request.organization.today(now)
    customer = _customer(request)
    if customer is None:
        return _find(request, today)
    replaces = _replaces(request, customer)
    if request.method == "GET":
        return _draw(request, new_form(customer, today, request.GET, replaces), now)
    form = read_form(customer, today, request.POST, request.FILES, replaces)
    step = request.POST.get("step", "")
    if step == "more":
        return _draw(request, _with_more_rows(form, today), now)
    done = _ask(request, form, now) if step == "ask" else _take(request, form, now, keep=step != "check")
    return done or _draw(request, form, now)


@console_path("vault/take-in/words/", "vault_words", "enter_payment", Mode.DO)
@require_POST
def words(request: ConsoleRequest) -> HttpResponse:
    """What amounts and a date say while somebody types: {"words", "counts", "due"}. Writes nothing."""
    organization = request.organization
    currency = request.POST.get("currency", "") or organization.currency
    said = amounts_said(request.POST.get("amount", ""), request.POST.get("words_amount", ""), currency)
    work = WorkCalendar(organization)
    said["due"] = due_said(request.POST.get("date", ""), work, organization.today(clock.now()))
    return JsonResponse(said)


# Who


def _customer(request: ConsoleRequest) -> Customer | None:
    """The customer of ?customer=CODE; None for none yet. Raises Http404."""
    code = request.POST.get("customer", "") or request.GET.get("customer", "")
    if not code or "\0" in code:
        return None
    customer = get_object_or_404(Customer, organization=request.organization, code=code)
    customer.organization = request.organization
    return customer


def _replaces(request: ConsoleRequest, customer: Customer) -> Cheque | None:
    """The cheque of this customer that a new one replaces. Raises Http404, NotPermitted (403)."""
    text = request.GET.get("replaces", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > LARGEST_KEY:
        raise Http404
    return get_object_or_404(Cheque, pk=int(text), customer=customer)


def _find(request: ConsoleRequest, today: date) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    found = find_customers(request.organization, text, on=today) if text else []
    context = console_context(
        request, _("Take in post-dated cheques"), q=text, found=found, currency=request.organization.currency,
        carried=request.GET.urlencode(),
    )  # fmt: skip
    return render(request, "console/vault/find.html", context)


# Doing


def _orders(form: TakeIn) -> list[tuple[Row, Any]]:
    """Each filled row with its order. Raises Refused, with every refusal beside its input."""
    if not form.request_key:
        raise BadInput(_("Open the form anew; this one has lost its key."), code="required")
    try:
        received_on = parse_day(form.shared.typed("received_on"), field="received_on")
    except DomainError as refusal:
        form.shared.refuse(refusal)
        received_on = None
    pairs = []
    if not form.filled:
        form.rows[0].refuse(BadInput(_("Enter at least one cheque."), field="cheque_number", code="required"))
    for row in form.filled:
        try:
            pairs.append((row, form.order(row, received_on or date.min)))
        except DomainError as refusal:
            row.refuse(refusal)
    _raise_if_refused(form)
    return pairs


class Refused(DomainError):
    """The form says where and why."""

    code = "refused_rows"
    sentence = gettext_lazy("None was taken in. Correct what is marked, or empty the row.")


def _raise_if_refused(form: TakeIn) -> None:
    if form.shared.errors or any(row.is_refused for row in form.rows):
        raise Refused()


def _take(request: ConsoleRequest, form: TakeIn, now: datetime, *, keep: bool) -> HttpResponse | None:
    """All cheques with their pictures, or none. keep: False only looks whether they would be taken."""

    def work() -> list[Cheque]:
        pairs = _orders(form)
        if form.replaces is not None and not may_here(request, "deposit_cheques", Mode.DO):
            raise NotPermitted(action="deposit_cheques")
        results = take_in(organization=form.organization, orders=[o for _row, o in pairs], now=now, by=request.user)
        taken: list[Cheque] = []
        for (row, _order), result in zip(pairs, results, strict=True):
            if isinstance(result, DomainError):
                _place(form, row, result)
            else:
                taken.append(result)
        _raise_if_refused(form)
        for (row, _order), cheque in zip(pairs, taken, strict=True):
            _keep_photos(request, row, cheque, now)
        _raise_if_refused(form)
        if not keep:
            raise Refused(gettext_lazy("Nothing is wrong so far; nothing was taken in yet."), code="would_do")
        return taken

    cheques = _carry(form, work)
    if cheques is None:
        return None
    said = ngettext("{n} cheque is in the vault.", "{n} cheques are in the vault.", len(cheques))
    messages.success(request, said.format(n=len(cheques)))
    return HttpResponseRedirect(slip_url(cheques))


def _place(form: TakeIn, row: Row, refusal: DomainError) -> None:
    """A refusal beside its input, in the row or among what all rows share."""
    for part in refusal.refusals if isinstance(refusal, Refusals) else [refusal]:
        shared = any(item.name == part.field for item in form.shared.fields)
        if shared or part.field in ("method", "customer", "strategy"):
            if str(part) not in form.shared.placed.values():
                form.shared.refuse(part)
        else:
            row.refuse(part)


def _carry(form: TakeIn, work: Any) -> Any:
    """What the work gave, or None with the refusal in the form."""
    try:
        with explained():
            return in_transaction(work)
    except Refused as refused:
        if refused.code != "refused_rows":
            form.shared.hidden["looked"] = str(refused)
        elif str(refused) not in form.shared.errors:
            form.shared.errors.insert(0, str(refused))
    except DomainError as refusal:
        form.shared.refuse(refusal)
    return None


def _keep_photos(request: ConsoleRequest, row: Row, cheque: Cheque, now: datetime) -> None:
    for kind in PHOTOS:
        try:
            sent = row.form.uploaded(f"{kind}-{row.place}")
            if sent is not None:
                keep_document(
                    organization=request.organization, subject=f"cheque:{cheque.pk}", kind=kind, name=sent[0],
                    data=sent[1], now=now, by=request.user, field=f"{kind}-{row.place}",
                )  # fmt: skip
        except DomainError as refusal:
            row.refuse(refusal)


def _ask(request: ConsoleRequest, form: TakeIn, now: datetime) -> HttpResponse | None:
    """Put every cheque of the form before a supervisor, each a question of its own, or none."""
    reason = request.POST.get("why", "")
    say_why(request, reason)

    def work() -> list[ApprovalRequest]:
        asked = []
        for row, order in _orders(form):
            try:
                asked.append(
                    ask_to_take_risky(
                        organization=form.organization, order=order, reason=reason, now=now, by=request.user
                    )
                )
            except DomainError as refusal:
                if refusal.field == "reason":
                    raise
                _place(form, row, refusal)
        _raise_if_refused(form)
        return asked

    asked = _carry(form, work)
    if asked is None:
        return None
    messages.success(request, _("Asked. Keep the cheques apart; each goes into the vault once a supervisor agrees."))
    where = reverse("admin:approval", args=[asked[0].pk]) if len(asked) == 1 else reverse("admin:approvals")
    return HttpResponseRedirect(where)


def _with_more_rows(form: TakeIn, today: date) -> TakeIn:
    """As many empty rows again, for a browser without scripts."""
    last = form.rows[-1].place + 1
    more = read_form(form.customer, today, _row_names(range(last, min(last + 3, MOST_ROWS))), {}, form.replaces)
    form.rows += [row for row in more.rows if row.place >= last]
    return form


def _row_names(places: Any) -> Any:
    return QueryDict(urlencode([("row", place) for place in places]))


# Drawing


def _draw(request: ConsoleRequest, form: TakeIn, now: datetime) -> HttpResponse:
    customer, today = form.customer, form.organization.today(now)
    book = policies_for(form.organization, customer_id=customer.pk)
    history = bounce_history(customer, today, book)
    looked = form.shared.hidden.pop("looked", "")
    failed = bool(form.shared.errors) or any(row.is_refused for row in form.rows)
    _offer_rejections(form)
    context = console_context(
        request, _("Take in post-dated cheques"), form=form, customer=customer, today=today, history=history,
        may_accept=may_here(request, RISKY, Mode.CHECK), invoices=_invoices(form), looked=looked,
        last_day=_last_day(book, today), query=request.GET.urlencode(), held=_held(customer),
        asks=history.needs_supervisor and not may_here(request, RISKY, Mode.CHECK), most=MOST_ROWS,
        why=request.POST.get("why", ""), spare=_spare(form, today),
    )  # fmt: skip
    return render(request, "console/vault/take_in.html", context, status=REFUSED if failed else 200)


def _spare(form: TakeIn, today: date) -> Row:
    """An empty row that the script copies; its place is past every real one."""
    return read_form(form.customer, today, _row_names([MOST_ROWS - 1]), {}).rows[0]


def _last_day(book: Any, today: date) -> date:
    return today + timedelta(days=book.number("cheques.vault_days"))


def _invoices(form: TakeIn) -> list[OpenInvoice]:
    """What a cheque may be meant for. One query."""
    return open_invoices([form.customer.pk], form.currency)[form.customer.pk][:SHOWN_INVOICES]


def _held(customer: Customer) -> list[Cheque]:
    """What lies in the vault of this customer already. One query."""
    return list(Cheque.objects.filter(customer=customer, state="in_vault").order_by("matures_on", "pk"))


def _offer_rejections(form: TakeIn) -> None:
    """Beside each refused row the page that records the cheque as handed back, with what was typed."""
    for row in form.rows:
        if row.is_refused and not row.is_blank:
            row.reject_url = rejection_url(
                form.customer, codes=row.codes, number=row.typed("number"), bank=row.typed("bank"),
                drawer=row.typed("drawer"), cheque_date=row.typed("date"), currency=form.currency,
                amount=row.typed("words_amount") or row.typed("amount"),
            )  # fmt: skip
