"""The family picks another plan or frequency: what may be chosen, what it would change, and doing it (R55, R56)."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.errors import DomainError
from billing.models import Agreement, AgreementChange, Installment
from billing.models.agreement import RUNNING
from billing.models.installment import InstallmentState
from billing.office import clock
from billing.office.models import User
from billing.pages.family import priced
from billing.pages.own import user_of
from billing.refusals import explained
from billing.rules.priced import PricedLine
from billing.selectors.prices import Choice, choices_for
from billing.services.plans.changing import choose_by_family, next_change_day
from billing.transactions import in_transaction, rehearse

PERIODS_SHOWN = 3


@require_http_methods(["GET", "POST"])
@login_required
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Of an own agreement alone; who merely pays a share of it does not decide. POST without confirm shows what would
    change; with confirm, and the price and day that were shown, it is done. Done twice it is done once."""
    user = user_of(request)
    agreement = _own(user, pk)
    day = next_change_day(agreement, agreement.organization.today(clock.now()))
    choices = choices_for(agreement, day)
    picked = next((one for one in choices if key_of(one) == request.POST.get("choice", "")), None)
    shown = f"{key_of(picked)} {day.isoformat()} {picked.price.amount}" if picked else ""
    problem: str = ""
    outlook: Sequence[Installment] = ()
    if request.method == "POST" and picked is None:
        problem = _("Choose one of the list.")
    elif picked is not None:
        try:
            if request.POST.get("confirm") and request.POST.get("shown") == shown:
                _do(user, agreement, picked)
                words = _("From {day} on: {plan}, {frequency}.")
                messages.success(
                    request, words.format(day=date_format(day), plan=picked.plan.name, frequency=picked.frequency_words)
                )
                return HttpResponseRedirect(reverse("family"))
            if request.POST.get("confirm"):
                problem = _("That is not what was shown last. Look at it once more.")
            outlook = _outlook(user, agreement, picked, day)
        except DomainError as refusal:
            if refusal.code == "nothing_changes" and request.POST.get("confirm"):
                return HttpResponseRedirect(reverse("family"))  # the second of two clicks
            problem = str(refusal)
    context = {
        "agreement": agreement, "day": day, "picked": picked, "picked_key": key_of(picked) if picked else "",
        "choices": [(key_of(one), one, _amount(agreement, one)) for one in choices],
        "outlook": [(row, _lines(row)) for row in outlook], "problem": problem, "shown": shown,
    }  # fmt: skip
    return render(request, "pages/choose.html", context, status=422 if problem else 200)


def _lines(row: Installment) -> Sequence[tuple[str, Decimal, Sequence[str]]]:
    return [priced(PricedLine.from_json(line), row.currency) for line in row.lines]


def key_of(choice: Choice) -> str:
    return f"{choice.plan.pk}:{choice.frequency}"


def _amount(agreement: Agreement, choice: Choice) -> Decimal:
    """Of what it has now the price agreed, which need not be that of the list."""
    if choice.is_current:
        terms = agreement.terms.filter(plan=choice.plan, frequency=choice.frequency)
        agreed: Decimal = terms.latest("effective_on", "id").price
        return agreed
    listed: Decimal = choice.price.amount
    return listed


def _own(user: User, pk: int) -> Agreement:
    """Raises Http404."""
    rows = Agreement.objects.filter(customer__users=user, organization__is_active=True, state__in=RUNNING)
    found = rows.select_related("organization", "customer", "student", "plan").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _work(user: User, agreement: Agreement, picked: Choice) -> AgreementChange:
    return choose_by_family(
        agreement=agreement, plan_id=picked.plan.pk, frequency=picked.frequency, now=clock.now(), by=user
    )


def _do(user: User, agreement: Agreement, picked: Choice) -> None:
    """Raises DomainError."""
    with explained():
        in_transaction(lambda: _work(user, agreement, picked))


def _outlook(user: User, agreement: Agreement, picked: Choice, day: date) -> Sequence[Installment]:
    """The next instalments from the day on, as they would be. Raises DomainError."""

    def work() -> Sequence[Installment]:
        _work(user, agreement, picked)
        rows = agreement.installments.filter(state=InstallmentState.PLANNED, period_start__gte=day)
        return list(rows.order_by("period_start")[:PERIODS_SHOWN])

    with explained():
        return rehearse(work)
