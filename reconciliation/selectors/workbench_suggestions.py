"""What matching proposed for open lines, as suggestions the workbench can carry out as they stand."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from billing.models import Customer, Invoice
from billing.money import ZERO
from billing.office.models import Organization
from billing.office.policies import policies_for
from reconciliation.models import Deed, MatchingRule, MatchProposal, RuleState, StatementLine
from reconciliation.models.proposal import ProposedAction
from reconciliation.rules.matching.facts import MatchingPolicy
from reconciliation.rules.words_matching import match_sentences
from reconciliation.rules.workbench import Share, Suggestion

# What is not money of a customer: the verb that the workbench has for it.
VERBS = {ProposedAction.DUPLICATE: "twice", ProposedAction.REVERSAL: "reversal"}
PAYING = (ProposedAction.AUTO, ProposedAction.SUGGEST)
SUGGEST_FROM = MatchingPolicy().suggest_from


class Known:
    """The customers, invoices and matching rules that proposals name, as they are now. Three queries at most."""

    def __init__(self, organization: Organization, proposals: Sequence[MatchProposal]) -> None:
        keys = {row[0] for one in proposals for row in one.candidates} | {one.customer_id for one in proposals}
        self.customers = Customer.objects.filter(organization=organization).in_bulk([pk for pk in keys if pk])
        numbers = {number for one in proposals for row in one.candidates for number in row[1]}
        numbers |= {part[1] for one in proposals for part in one.parts}
        rows = Invoice.objects.filter(organization=organization, number__in=numbers)
        self.invoices = {row.number: row for row in rows} if numbers else {}
        rules = {one.rule_id for one in proposals if one.rule_id}
        standing = MatchingRule.objects.filter(pk__in=rules).exclude(state=RuleState.OFF)
        self.rules = {row.pk: row for row in standing.select_related("ledger_account")} if rules else {}

    def rule_of(self, proposal: MatchProposal) -> MatchingRule | None:
        """None where the rule was switched off or changed since."""
        rule = self.rules.get(proposal.rule_id or 0)
        return rule if rule is not None and rule.version == proposal.rule_version else None


def suggestions_for(lines: Sequence[StatementLine]) -> dict[int, list[Suggestion]]:
    """By line, the likeliest first; of lines of which part is explained already nothing. Five queries at most."""
    whole = {line.pk: line for line in lines if line.open_amount and not line.matched_amount}
    proposals = list(MatchProposal.objects.filter(line__in=list(whole))) if whole else []
    if not proposals:
        return {}
    organization = next(iter(whole.values())).organization
    known = Known(organization, proposals)
    sure_from = Decimal(policies_for(organization).number("matching.post_from")) / 100
    made = {one.line_id: list(_suggested(whole[one.line_id], one, known, sure_from)) for one in proposals}
    for one in proposals:
        if one.rule_id:  # what a rule says is not always the likeliest
            made[one.line_id].sort(key=lambda suggestion: -suggestion.score)
    return made


def why_not(line: StatementLine) -> list[str]:
    """What matching said of a line it suggests nothing for. One query."""
    found = MatchProposal.objects.filter(line=line).first()
    return match_sentences(found.evidence, line.currency) if found is not None else []


def likely_payers(customer_ids: Iterable[int]) -> set[int]:
    """Customers of whom an open line may be the money, by what matching thinks. One query."""
    wanted = set(customer_ids)
    rows = MatchProposal.objects.filter(
        customer__in=wanted, action__in=PAYING, score__gte=SUGGEST_FROM, line__open_amount__gt=0
    )
    return set(rows.values_list("customer_id", flat=True))


def _suggested(line: StatementLine, proposal: MatchProposal, known: Known, sure_from: Decimal) -> Iterable[Suggestion]:
    evidence = [list(step) for step in proposal.evidence]
    sentences = match_sentences(proposal.evidence, line.currency)
    verb = VERBS.get(ProposedAction(proposal.action))
    if verb and proposal.other_line_id:
        yield Suggestion(
            verb, {"other": str(proposal.other_line_id)}, proposal.score, sentences, evidence,
            is_sure=proposal.score >= sure_from,
        )  # fmt: skip
    rule = known.rule_of(proposal)
    told: set[tuple[int | None, tuple[str, ...]]] = set()
    customer = known.customers.get(proposal.customer_id or 0)
    if proposal.action in PAYING and customer is not None and (rule is not None or not proposal.rule_id):
        shares = _parts(proposal, known)
        told.add((customer.pk, tuple(sorted(share.number for share in shares))))
        paid = _payment(line, customer, shares, proposal.score, sentences, evidence, sure_from)
        yield paid if rule is None else _by_rule(paid, rule)
    elif proposal.action in PAYING and rule is not None and rule.deed in (Deed.ITEM, Deed.SUSPENSE):
        verb, typed = _booking(rule)
        name = str(rule.ledger_account or "")
        sure = proposal.score >= sure_from
        yield _by_rule(Suggestion(verb, typed, proposal.score, sentences, evidence, name=name, is_sure=sure), rule)
    for key, numbers, _difference, score, _reason in proposal.candidates:
        other = known.customers.get(key)
        if other is None or (key, tuple(sorted(numbers))) in told:
            continue
        told.add((key, tuple(sorted(numbers))))
        yield _payment(line, other, _run_down(line, numbers, known), Decimal(score), [], [], None)


def _booking(rule: MatchingRule) -> tuple[str, dict[str, str]]:
    """The verb of the workbench, and what its form would say."""
    if rule.ledger_account is None:
        return "suspense", {"note": rule.name}
    typed = {
        "ledger_account": str(rule.ledger_account.pk), "reason_code": rule.reason_code, "note": rule.name,
        "department": rule.department, "project": rule.project,
    }  # fmt: skip
    return "item", {name: text for name, text in typed.items() if text}


def _by_rule(made: Suggestion, rule: MatchingRule) -> Suggestion:
    """Only what a second person has let act is sure: nobody writes a rule and accepts by it what they may not do."""
    return replace(made, is_sure=made.is_sure and rule.may_act, rule=(rule.pk, rule.version))


def _parts(proposal: MatchProposal, known: Known) -> list[Share]:
    """As proposed; open amounts as they are now."""
    return [
        Share(key, number, Decimal(cash), known.invoices[number].open_amount, Decimal(discount), Decimal(write_off))
        for key, number, cash, discount, write_off in proposal.parts
        if number in known.invoices
    ]


def _run_down(line: StatementLine, numbers: Iterable[str], known: Known) -> list[Share]:
    """The line's money over a candidate's invoices in their order, each up to what is open."""
    left, shares = line.open_amount, []
    for number in numbers:
        invoice = known.invoices.get(number)
        if invoice is None or not invoice.open_amount or invoice.currency != line.currency or left <= ZERO:
            continue
        amount = min(left, invoice.open_amount)
        shares.append(Share(invoice.pk, number, amount, invoice.open_amount))
        left -= amount
    return shares


def _payment(
    line: StatementLine, customer: Customer, shares: list[Share], score: Decimal, sentences: list[str],
    evidence: list[Any], sure_from: Decimal | None,
) -> Suggestion:  # fmt: skip
    """sure_from: None for what is only an alternative."""
    typed = {"customer": str(customer.pk), "strategy": "manual"}
    typed |= {f"invoice-{share.invoice_id}": f"{share.amount:f}" for share in shares if share.amount}
    whole = sum((share.amount for share in shares), ZERO)
    return Suggestion(
        "payment", typed, score, sentences, evidence, customer.pk, customer.name, customer.code,
        customer.latin_name, shares, unapplied=line.open_amount - whole,
        is_sure=sure_from is not None and score >= sure_from,
    )  # fmt: skip
