"""Doing something with a bank line: looked at first, done once, by whom may; the rest is asked of a supervisor."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.working import Form
from billing.errors import DomainError
from billing.money import format_money
from billing.office import clock
from billing.refusals import explained
from billing.transactions import in_transaction
from reconciliation.admin.workbench_approvals import ask_supervisor, look
from reconciliation.admin.workbench_desk import (
    CONFLICT,
    MATCH,
    WORKING,
    alone,
    filter_of,
    find_line,
    new_key,
    show,
    status_of,
)
from reconciliation.admin.workbench_forms import (
    CARRIED,
    asked_of,
    form_of,
    invoice_rows,
    payer_of,
    split_rows,
)
from reconciliation.admin.workbench_line import may_accept, onward, quicker_words, show_line
from reconciliation.models import LineDeed, StatementLine
from reconciliation.rules.workbench import Suggestion
from reconciliation.selectors.workbench import Filter
from reconciliation.selectors.workbench_effects import Effect
from reconciliation.selectors.workbench_suggestions import suggestions_for
from reconciliation.services.matching import AlreadyExplained, RuleMark
from reconciliation.services.workbench_verbs import VERBS
from reconciliation.services.working_lines import Asked, DoneBefore, Quicker, work_line

# Verbs whose form is only what was chosen elsewhere: they show at once what they would do.
CHOSEN = ("record", "transfer", "reversal", "twice", "returned", "payout")


class NoLongerSuggested(DomainError):
    code = "no_longer_suggested"
    sentence = gettext_lazy("This is no longer what is suggested; nothing was done. Look at it once more.")


class NeedsSupervisor(DomainError):
    code = "needs_supervisor"
    sentence = gettext_lazy("This is less than sure: ask a supervisor by creating the payment with a reason.")


# Accepting what is suggested


@console_path("bank-lines/<int:pk>/accept/", "bank_line_accept", MATCH, *WORKING)
@require_POST
def accept(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Do what is suggested, as it was shown; then the next line."""
    line = find_line(request, pk)
    wanted = filter_of(request, line)
    assert wanted is not None
    given = request.POST
    try:
        _suggestion, said = take_up(
            request, line, given.get("digest", ""), given.get("request_key", ""), given.get("seen", "")
        )
    except DoneBefore as refusal:
        return onward(request, wanted, line, refusal)
    except (Quicker, AlreadyExplained):
        return _quicker(request, wanted, line)
    except DomainError as refusal:
        return show_line(request, wanted, find_line(request, pk), refusal=refusal, status=status_of(True))
    return onward(request, wanted, line, said)


def take_up(
    request: ConsoleRequest, line: StatementLine, digest: str, key: str, seen: str
) -> tuple[Suggestion | None, str]:
    """Carry out the suggestion of this digest in a transaction of its own; what was done, in words. Raises DomainError.

    A line that was worked meanwhile has no suggestion any more: the refusal then says so, not that it is gone.
    """
    found = next((one for one in suggestions_for([line]).get(line.pk, []) if one.digest == digest), None)
    if found is None:
        _say_what_happened(line, key, request)
        raise NoLongerSuggested()
    if not may_accept(request, found):
        raise NeedsSupervisor()
    asked = _as_suggested(found, key, seen)
    with explained():
        in_transaction(
            lambda: work_line(line=line, asked=asked, verb=VERBS[found.verb], now=clock.now(), by=request.user)
        )
    return found, done_words(line, found.verb, found.name)


def _as_suggested(found: Suggestion, key: str = "", seen: str = "") -> Asked:
    rule = RuleMark(*found.rule) if found.rule else None
    return Asked(found.verb, found.typed, key, seen, found.score, found.evidence, rule)


def _say_what_happened(line: StatementLine, key: str, request: ConsoleRequest) -> None:
    """Raises DoneBefore or Quicker where that is why nothing is suggested."""
    if key and LineDeed.objects.filter(line=line, request_key=key, done_by=request.user).exists():
        raise DoneBefore()
    if not line.open_amount:
        nothing = format_money(line.open_amount, line.currency)
        raise Quicker(left=nothing, seen=format_money(line.amount, line.currency))


def done_words(line: StatementLine, verb: str, name: str = "") -> str:
    facts = {
        "amount": format_money(line.amount, line.currency), "day": date_format(line.booked_on), "name": name,
        "what": str(VERBS[verb].label),
    }  # fmt: skip
    sentence = _("Done: {amount} of {day}, {name} ({what}).") if name else _("Done: {amount} of {day} ({what}).")
    return sentence.format(**facts)


def _quicker(request: ConsoleRequest, wanted: Filter, line: StatementLine) -> HttpResponse:
    refusal = DomainError(quicker_words(line), code="somebody_was_quicker")
    return show_line(request, wanted, find_line(request, line.pk), refusal=refusal, status=CONFLICT)


@console_path("bank-lines/<int:pk>/preview/", "bank_line_preview", MATCH, *WORKING)
@require_GET
def preview(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What accepting a suggestion would do: the very service, run and taken back."""
    line = find_line(request, pk)
    wanted = filter_of(request, line)
    digest = request.GET.get("digest", "")
    found = next((one for one in suggestions_for([line]).get(line.pk, []) if one.digest == digest), None)
    effects: list[Effect] = []
    refusal: DomainError | None = None if found else NoLongerSuggested()
    if found is not None:
        asked = _as_suggested(found)
        try:
            with explained():
                effects = in_transaction(lambda: look(line, asked, request.user))
        except DomainError as trouble:
            refusal = trouble
    return show(request, "preview", wanted, line=line, effects=effects, refusal=refusal, it=found)


# Everything else


@console_path("bank-lines/<int:pk>/do/<slug:verb>/", "bank_line_do", MATCH, *WORKING)
@require_http_methods(["GET", "POST"])
def do(request: ConsoleRequest, pk: int, verb: str) -> HttpResponse:
    """The form of a verb: filled in, looked at, done. By whom may not do it alone, it is put before a supervisor."""
    line = find_line(request, pk)
    if verb not in VERBS:
        raise Http404
    is_asking = VERBS[verb].by_hand and not alone(request)
    form = form_of(verb, line, is_asking)
    given = request.POST if request.method == "POST" else request.GET
    form.hidden |= {name: str(given.get(name, "")).strip()[:80] for name in (*CARRIED, "request_key", "seen")}
    if verb == "record" and form.hidden["kind"] != "payment":
        form.fields = [field for field in form.fields if field.name != "note"]  # only a payment keeps one
    if request.method == "GET":
        form.hidden |= {"request_key": new_key(), "seen": f"{line.open_amount:f}"}
        if verb == "payment" and payer_of(request, form.hidden["customer"]) is None:
            return HttpResponseRedirect(reverse("admin:bank_line_find", args=[pk]) + f"?{request.GET.urlencode()}")
        for field in form.fields:
            field.value = request.GET.get(field.name, field.value)
    else:
        form.read(request.POST)
    asked = asked_of(verb, form, given)
    effects: list[Effect] | None = None
    if request.method == "POST" or verb in CHOSEN:
        try:
            with explained():
                if request.POST.get("step") == "do":
                    return _done(request, line, asked, form, is_asking)
                effects = in_transaction(lambda: look(line, asked, request.user))
        except (Quicker, AlreadyExplained) as refusal:
            if not find_line(request, pk).open_amount:
                wanted = filter_of(request, line)
                assert wanted is not None
                return _quicker(request, wanted, line)
            form.refuse(refusal)
        except DomainError as refusal:
            form.refuse(refusal)
    return _form_page(request, line, verb, form, asked, effects, is_asking)


def _done(request: ConsoleRequest, line: StatementLine, asked: Asked, form: Form, is_asking: bool) -> HttpResponse:
    """Raises DomainError."""
    wanted, now = filter_of(request, line), clock.now()
    assert wanted is not None
    if is_asking:
        reason = form.typed("reason")
        in_transaction(lambda: ask_supervisor(line=line, asked=asked, reason=reason, now=now, by=request.user))
        return onward(request, wanted, line, _("Asked for. It is done once a supervisor has approved."))
    try:
        in_transaction(lambda: work_line(line=line, asked=asked, verb=VERBS[asked.verb], now=now, by=request.user))
    except DoneBefore as refusal:
        return onward(request, wanted, line, refusal)
    return onward(request, wanted, line, done_words(line, asked.verb))


def _form_page(
    request: ConsoleRequest, line: StatementLine, verb: str, form: Form, asked: Asked, effects: list[Effect] | None,
    is_asking: bool,
) -> HttpResponse:  # fmt: skip
    customer = payer_of(request, form.hidden["customer"]) if verb == "payment" else None
    context: dict[str, Any] = {"customer": customer}
    if customer is not None:
        context["invoices"] = invoice_rows(line, customer, asked.typed, form)
    if effects is not None:
        whole = sum((effect.match.amount for effect in effects), start=line.amount - line.amount)
        context |= {"told": whole, "rest": line.open_amount - whole}
    return show(
        request, "split" if verb == "split" else "do", filter_of(request, line), line=line, verb=verb, form=form,
        label=VERBS[verb].label, effects=effects, is_asking=is_asking, is_chosen=verb in CHOSEN,
        split=split_rows(form) if verb == "split" else [], status=status_of(form.errors), **context,
    )  # fmt: skip
