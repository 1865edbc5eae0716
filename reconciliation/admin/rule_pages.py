"""Matching rules at the console: their order, one of them with its preview and its trial, and the form (R144)."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_q.tasks import async_task

from billing.admin.base import LARGEST_KEY, ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Form, attempt, back_to
from billing.errors import DomainError
from billing.office import clock
from billing.office.models.user import Mode
from reconciliation.admin.rule_form import fill_from_line, fill_from_rule, read_wish, rule_form
from reconciliation.admin.rule_words import conditions_of, deed_of, trial_words
from reconciliation.admin.workbench_desk import MATCH, WORKING, find_line, new_key
from reconciliation.models import MatchingRule, RuleState, StatementLine
from reconciliation.selectors.matching_rules import RuleRow, latest_trials, rule_rows, rules_in
from reconciliation.selectors.rule_preview import foresee
from reconciliation.selectors.rule_trials import ENOUGH, replay
from reconciliation.services.matching_rules import AGREE, change_rule, drafted, make_rule

SHOWN_AGAINST = 50


@console_path("matching-rules/", "matching_rules", MATCH, *WORKING)
@require_GET
def matching_rules(request: ConsoleRequest) -> HttpResponse:
    """All of them, in the order in which they are tried. Three queries."""
    rows = rule_rows(request.organization)
    context = console_context(
        request, _("Matching rules"), rows=[_row(row, n, len(rows)) for n, row in enumerate(rows)]
    )
    return render(request, "console/rules/list.html", context)


def _row(row: RuleRow, n: int, count: int) -> dict[str, Any]:
    trial = trial_words(row.trial, row.rule.deed) if row.trial else ""
    return {
        "it": row, "rule": row.rule, "n": n + 1, "conditions": conditions_of(row.rule), "deed": deed_of(row.rule),
        "trial": trial, "is_first": n == 0, "is_last": n == count - 1,
    }  # fmt: skip


@console_path("matching-rules/new/", "matching_rule_new", MATCH, *WORKING)
@require_http_methods(["GET", "POST"])
def matching_rule_new(request: ConsoleRequest) -> HttpResponse:
    """The form of a new rule, empty or as a bank line has it; looked at before it is kept."""
    form = rule_form(request.organization)
    form.hidden = {"request_key": new_key()}
    if request.method == "GET":
        line = _line_of(request)
        if line is not None:
            fill_from_line(form, line)
        return _form_page(request, form, None)
    form.read(request.POST)
    if request.POST.get("step") == "save":
        done, made = attempt(form, partial(_make, request, form))
        if done and made is not None:
            return saved(request, made, _("Kept. It suggests from now on; open lines are looked at anew."))
    return _form_page(request, form, None)


@console_path("matching-rules/<int:pk>/", "matching_rule", MATCH, *WORKING)
@require_GET
def matching_rule(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One rule: what it says, its state, what it would do with open lines, and how its trial came out."""
    rule = find_rule(request, pk)
    context = console_context(request, rule.name, **rule_context(request, rule))
    return render(request, "console/rules/rule.html", context)


@console_path("matching-rules/<int:pk>/change/", "matching_rule_change", MATCH, *WORKING)
@require_http_methods(["GET", "POST"])
def matching_rule_change(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The form of a rule that is there; another version of it suggests until it is let act anew."""
    rule = find_rule(request, pk)
    form = rule_form(request.organization)
    form.hidden = {"version": str(rule.version)}
    if request.method == "GET":
        fill_from_rule(form, rule)
        return _form_page(request, form, rule)
    form.read(request.POST)
    if request.POST.get("step") == "save":
        done, made = attempt(form, partial(_change, request, form, rule))
        if done and made is not None:
            return saved(request, made, _("Kept. Open lines are looked at anew."))
    return _form_page(request, form, rule)


def rule_context(request: ConsoleRequest, rule: MatchingRule) -> dict[str, Any]:
    today = request.organization.today(clock.now())
    trial = latest_trials([rule]).get(rule.pk)
    against = trial.lines_against[:SHOWN_AGAINST] if trial else []
    return {
        "rule": rule, "conditions": conditions_of(rule), "deed": deed_of(rule), "trial": trial,
        "trial_words": trial_words(trial, rule.deed) if trial else "", "against": _lines(request, against),
        "preview": foresee(rule, today) if rule.state != RuleState.OFF else None, "enough": ENOUGH,
        "may_agree": may_here(request, AGREE, Mode.CHECK), "is_own": rule.changed_by_id == request.user.pk,
    }  # fmt: skip


def saved(request: ConsoleRequest, rule: MatchingRule, sentence: str) -> HttpResponse:
    """Back to the page of the rule, while a worker looks at the open lines anew."""
    async_task("reconciliation.tasks.match_by_rule", rule.pk)
    return back_to(request, "matching_rule", rule.pk, sentence)


def find_rule(request: ConsoleRequest, pk: int) -> MatchingRule:
    rule: MatchingRule = get_object_or_404(rules_in(request.organization), pk=pk)
    rule.organization = request.organization
    return rule


def _form_page(request: ConsoleRequest, form: Form, rule: MatchingRule | None) -> HttpResponse:
    """The form; after "look" what the rule typed would do with open lines, and how it would have done before."""
    context: dict[str, Any] = {}
    if request.method == "POST" and not form.errors:
        try:
            context = _look(request, form, rule)
        except DomainError as refusal:
            form.refuse(refusal)
    title = _("Change a matching rule") if rule else _("New matching rule")
    whole = console_context(request, title, form=form, rule=rule, is_new=rule is None, **context)
    return render(request, "console/rules/form.html", whole, status=REFUSED if form.errors else 200)


def _look(request: ConsoleRequest, form: Form, rule: MatchingRule | None) -> dict[str, Any]:
    """Raises DomainError."""
    now = clock.now()
    wish = read_wish(form, request.organization)
    draft = drafted(organization=request.organization, wish=wish, now=now, by=request.user)
    if rule is not None:
        draft.pk, draft.place = rule.pk, rule.place
    today = request.organization.today(now)
    found = replay(draft, today)
    return {
        "draft": draft, "conditions": conditions_of(draft), "deed": deed_of(draft), "preview": foresee(draft, today),
        "trial": found, "trial_words": trial_words(found, draft.deed),
        "against": _lines(request, found.against[:SHOWN_AGAINST]),
    }  # fmt: skip


def _make(request: ConsoleRequest, form: Form) -> MatchingRule:
    return make_rule(
        organization=request.organization, wish=read_wish(form, request.organization),
        request_key=form.typed("request_key") or new_key(), now=clock.now(), by=request.user,
    )  # fmt: skip


def _change(request: ConsoleRequest, form: Form, rule: MatchingRule) -> MatchingRule:
    return change_rule(
        rule=rule, wish=read_wish(form, request.organization), version=number_of(form.typed("version")),
        now=clock.now(), by=request.user,
    )  # fmt: skip


def number_of(text: str) -> int:
    """A whole number that a form sends back; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _line_of(request: ConsoleRequest) -> StatementLine | None:
    """Raises Http404."""
    text = request.GET.get("line", "")
    if not text:
        return None
    key = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return find_line(request, key if key <= LARGEST_KEY else 0)


def _lines(request: ConsoleRequest, keys: list[int]) -> list[StatementLine]:
    """The latest first. One query."""
    rows = StatementLine.objects.filter(organization=request.organization, pk__in=keys).order_by("-booked_on", "-pk")
    return list(rows.prefetch_related("matches__customer", "matches__ledger_account"))
