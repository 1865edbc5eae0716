"""What is done with a matching rule: tried, let act, switched off and on, moved."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.working import REFUSED, Form, attempt, back_to
from billing.office import clock
from billing.office.models.user import Mode
from reconciliation.admin.rule_pages import find_rule, number_of, rule_context, saved
from reconciliation.admin.rule_words import trial_words
from reconciliation.admin.workbench_desk import MATCH, WORKING
from reconciliation.models import MatchingRule
from reconciliation.services.matching_rules import AGREE, let_act, move_rule, switch_rule, try_rule


@console_path("matching-rules/<int:pk>/try/", "matching_rule_try", MATCH, *WORKING)
@require_POST
def matching_rule_try(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Replay it over the last twelve months."""
    rule, form = find_rule(request, pk), Form([])
    done, made = attempt(form, lambda: try_rule(rule=rule, now=clock.now(), by=request.user))
    if not done or made is None:
        return _refused(request, rule, form)
    return back_to(request, "matching_rule", rule.pk, trial_words(made[0], rule.deed), "trial")


@console_path("matching-rules/<int:pk>/act/", "matching_rule_act", AGREE, Mode.CHECK)
@require_POST
def matching_rule_act(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Let it post by itself, if a trial at this moment allows it."""
    rule, form = find_rule(request, pk), Form([])
    version = number_of(request.POST.get("version", ""))
    done, trial = attempt(form, lambda: let_act(rule=rule, version=version, now=clock.now(), by=request.user))
    if not done:
        return _refused(request, rule, form)
    if trial is not None and not find_rule(request, pk).may_act:
        messages.error(request, _("It does not act by itself: see the trial."))
        return HttpResponseRedirect(reverse("admin:matching_rule", args=[pk]) + "#trial")
    return saved(request, rule, _("It acts by itself from now on; open lines are looked at anew."))


@console_path("matching-rules/<int:pk>/switch/", "matching_rule_switch", MATCH, *WORKING)
@require_POST
def matching_rule_switch(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Off, or on again."""
    rule, form = find_rule(request, pk), Form([])
    on, version = request.POST.get("on") == "yes", number_of(request.POST.get("version", ""))
    done, _made = attempt(form, lambda: switch_rule(rule=rule, on=on, version=version))
    if not done:
        return _refused(request, rule, form)
    return saved(request, rule, _("It is on again.") if on else _("It is off: as if it were not there."))


@console_path("matching-rules/<int:pk>/move/", "matching_rule_move", MATCH, *WORKING)
@require_POST
def matching_rule_move(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Up or down by one. A double click moves it once."""
    rule = find_rule(request, pk)
    up, place = request.POST.get("to") == "up", number_of(request.POST.get("place", ""))
    attempt(Form([]), lambda: move_rule(rule=rule, up=up, place=place))
    return HttpResponseRedirect(reverse("admin:matching_rules") + f"#rule-{pk}")


def _refused(request: ConsoleRequest, rule: MatchingRule, form: Form) -> HttpResponse:
    """The page of the rule as it is now, with why nothing was done."""
    fresh = find_rule(request, rule.pk)
    context = console_context(request, fresh.name, form=form, **rule_context(request, fresh))
    return render(request, "console/rules/rule.html", context, status=REFUSED)
