"""One line, one decision: who paid, what for, how sure, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from billing.money import ZERO
from billing.rules.priced import Step, step
from reconciliation.rules.matching.allocating import Plan, Task, plan, plan_exactly
from reconciliation.rules.matching.book import Book
from reconciliation.rules.matching.clues import Clues, invoices_of, read_clues
from reconciliation.rules.matching.codes import CodeClue, code_step
from reconciliation.rules.matching.facts import (
    Action,
    Candidate,
    Decision,
    InvoiceFacts,
    LineFacts,
    RuleDeed,
    RuleFacts,
)
from reconciliation.rules.matching.finding import How, Mention
from reconciliation.rules.matching.house_rules import first_fitting
from reconciliation.rules.matching.names import NameClass
from reconciliation.rules.matching.numbers import is_near
from reconciliation.rules.matching.ruling import book_by_rule, hold_payment, leave_to_person, says_so
from reconciliation.rules.matching.scoring import UNSURE, Fit, Who, score
from reconciliation.rules.matching.screens import no_payment, repetition_or_return
from reconciliation.rules.matching.suggesting import candidates

SURE_FITS = (Fit.EQUAL, Fit.DISCOUNT, Fit.LESS_FEE)
# What bears out the payer against a number of somebody else: the more of it, where the number may be a slip.
PAYER_FITS = (Fit.SINGLE, Fit.SET)
SLIPPED_FITS = (*PAYER_FITS, Fit.OLDEST_OF_EQUALS, Fit.DISCOUNT_GUESSED, Fit.FEE_GUESSED)
# What bears out a reference that was repaired.
REPAIRED_FITS = (*SURE_FITS, *PAYER_FITS)
# Fits that depend on all that is open: not while an earlier line of a payer who is known by name alone waits for a
# person.
LEANS_ON_OPEN = (Fit.ON_ACCOUNT,)
BY_NAME = (Who.NAME_EXACT, Who.NAME_READ)


@dataclass(frozen=True)
class Payer:
    """Who is taken to have paid, and which of the named invoices are theirs. unclear: the text leaves doubts.

    needs: the fits that are sure enough when little else speaks for this customer; empty: any.
    """

    customer_id: int
    who: Who
    named: tuple[InvoiceFacts, ...] = ()
    unclear: tuple[str, ...] = ()
    needs: tuple[Fit, ...] = ()
    steps: tuple[Step, ...] = ()


def decide(line: LineFacts, book: Book) -> Decision:
    """What to do with a line. The book is not changed: see Book.use_up.

    What repeats or takes back an earlier line is that, whatever else fits; then the rules of the house, the first of
    which that fits wins; then what can be found out.
    """
    earlier = repetition_or_return(line, book)
    if earlier is not None:
        return earlier
    rule, screened = first_fitting(line, book.rules), no_payment(line, book)
    if rule is None and screened is not None:
        return screened
    clues = read_clues(line, book)
    alone = screened or _found_out(line, clues, book)
    return alone if rule is None else _by_rule(line, rule, alone, clues, book)


def _found_out(line: LineFacts, clues: Clues, book: Book) -> Decision:
    payer = find_payer(line, clues, book)
    if payer is None:
        return _to_person(line, clues, book)
    made = plan(_task(line, book, payer))
    return _decision(line, clues, book, payer, made)


def _by_rule(line: LineFacts, rule: RuleFacts, alone: Decision, clues: Clues, book: Book) -> Decision:
    """alone: what was decided without the rule; where that posts the same payment, the rule adds nothing."""
    if rule.deed == RuleDeed.PERSON:
        return leave_to_person(line, rule, alone, clues, book)
    if rule.customer_id is None:
        return book_by_rule(line, rule, alone, clues, book)
    if alone.action == Action.AUTO and alone.customer_id == rule.customer_id:
        return alone
    own = invoices_of(clues.strong, rule.customer_id) or invoices_of(clues.weak, rule.customer_id)
    foreign = tuple(m.written for m in clues.strong if m.invoice.customer_id != rule.customer_id)
    steps = (says_so(rule), *(number_step(mention) for mention in clues.mentions if mention.invoice in own))
    payer = Payer(rule.customer_id, Who.RULE, tuple(own), (*clues.unclear, *foreign), steps=steps)
    paid = _decision(line, clues, book, payer, plan(_task(line, book, payer)))
    return hold_payment(line, rule, paid, alone, book)


def find_payer(line: LineFacts, clues: Clues, book: Book) -> Payer | None:
    """References first, borne out by account or name; where the two disagree the amount must decide."""
    if clues.code is not None:
        return _by_code(clues.code, clues, line, book)
    if clues.virtual is not None:
        return _by_payer(clues.virtual, Who.VIRTUAL_ACCOUNT, clues, line, book)
    named = {mention.invoice.customer_id for mention in clues.strong}
    if not named:
        return _without_numbers(line, clues, book)
    if clues.payer is not None and clues.payer in named:
        return _by_payer(clues.payer, Who.NUMBER_AND_PAYER, clues, line, book)
    if len(named) > 1:
        return _of_several(named, clues, line, book)
    (customer_id,) = named
    if clues.payer is not None:
        return _settle_conflict(line, clues, book, customer_id, clues.payer)
    return _by_number(customer_id, clues, book)


def _by_code(code: CodeClue, clues: Clues, line: LineFacts, book: Book) -> Payer | None:
    """Our own reference. Whole, it says for whom somebody else pays too; repaired, nothing may speak against it."""
    others = {clues.virtual} if not code.is_repaired else {clues.virtual, clues.payer}
    others |= {mention.invoice.customer_id for mention in clues.strong} if code.is_repaired else set()
    if others - {None, code.customer_id}:
        return None
    if not code.is_repaired:
        return _by_payer(code.customer_id, Who.CODE, clues, line, book)
    own = [code.invoice] if code.invoice else invoices_of(clues.strong, code.customer_id)
    steps = payer_steps(clues, code.customer_id, book)
    return Payer(code.customer_id, Who.CODE_REPAIRED, tuple(own), clues.unclear, REPAIRED_FITS, steps)


def _by_number(customer_id: int, clues: Clues, book: Book) -> Payer:
    """Numbers of one customer, and nobody else known to have paid."""
    own = tuple(invoices_of(clues.strong, customer_id))
    steps = tuple(number_step(mention) for mention in clues.strong)
    unclear = clues.unclear
    if clues.shown and book.names.is_compatible(customer_id, clues.shown):
        steps += (step("name_bears_out", name=clues.shown),)
        return Payer(customer_id, Who.NUMBER_AND_PAYER, own, unclear, steps=steps)
    if all(mention.how == How.STRUCTURED for mention in clues.strong):
        return Payer(customer_id, Who.STRUCTURED, own, unclear, steps=steps)
    if clues.shown:
        steps += (step("payer_unknown", name=clues.shown),)
        return Payer(customer_id, Who.NUMBER_THIRD_PARTY, own, unclear, SURE_FITS, steps)
    return Payer(customer_id, Who.NUMBER, own, unclear, SURE_FITS, steps)


def _by_payer(customer_id: int, who: Who, clues: Clues, line: LineFacts, book: Book) -> Payer | None:
    """The payer is known; numbers of others in the text are slips or are not ours to follow."""
    foreign = [m for m in clues.strong if m.invoice.customer_id != customer_id]
    own = invoices_of(clues.strong, customer_id) or invoices_of(clues.weak, customer_id)
    if foreign and not own:
        return _settle_conflict(line, clues, book, foreign[0].invoice.customer_id, customer_id)
    steps = tuple(number_step(m) for m in clues.mentions if m.invoice in own) + payer_steps(clues, customer_id, book)
    return Payer(customer_id, who, tuple(own), (*clues.unclear, *(m.written for m in foreign)), steps=steps)


def _without_numbers(line: LineFacts, clues: Clues, book: Book) -> Payer | None:
    if clues.account is not None:
        agrees = not clues.name.is_strong or clues.name.customer_id == clues.account
        return _by_payer(clues.account, Who.ACCOUNT if agrees else Who.ACCOUNT_OTHER_NAME, clues, line, book)
    if clues.name.is_strong:
        assert clues.name.customer_id is not None  # a strong finding names somebody
        sure = clues.name.how >= NameClass.CORE
        return _by_payer(clues.name.customer_id, Who.NAME_EXACT if sure else Who.NAME_READ, clues, line, book)
    tailed = {mention.invoice.customer_id for mention in clues.weak}
    if len(tailed) == 1:
        (customer_id,) = tailed
        named = tuple(invoices_of(clues.weak, customer_id))
        steps = tuple(number_step(mention) for mention in clues.weak)
        if clues.shown and book.names.is_compatible(customer_id, clues.shown):
            return Payer(customer_id, Who.TAIL, named, clues.unclear, steps=steps)
        return Payer(customer_id, Who.TAIL, named, clues.unclear, (Fit.EQUAL,), steps)
    if clues.name.customer_id is not None:
        return _by_payer(clues.name.customer_id, Who.NAME_ALIKE, clues, line, book)
    return None


def _of_several(named: set[int], clues: Clues, line: LineFacts, book: Book) -> Payer | None:
    """Numbers of several customers: one of them may have a name like the payer's; a stranger is a person's matter."""
    if not clues.shown or clues.payer is not None:
        return None
    like = [pk for pk in sorted(named) if book.names.is_compatible(pk, clues.shown)]
    return _by_payer(like[0], Who.NUMBER_AND_PAYER, clues, line, book) if len(like) == 1 else None


def _settle_conflict(line: LineFacts, clues: Clues, book: Book, named: int, payer: int) -> Payer | None:
    """The number is A's, the payer is B. The amount decides, if it fits exactly one side."""
    numbers = tuple(invoices_of(clues.strong, named))
    by_number = Payer(named, Who.CONFLICT_SETTLED, numbers, clues.unclear, (Fit.EQUAL, Fit.DISCOUNT))
    fits_number = plan_exactly(_task(line, book, by_number)).fit in by_number.needs
    slipped = any(is_near(i.number, own.number) for i in numbers for own in book.open_of(payer, line.currency))
    written = tuple(mention.written for mention in clues.strong)
    by_payer = Payer(payer, Who.CONFLICT_SETTLED, (), written, SLIPPED_FITS if slipped else PAYER_FITS)
    made = plan(_task(line, book, by_payer))
    fits_payer = made.fit in SLIPPED_FITS
    if made.fit == Fit.OLDEST_OF_EQUALS and not _agrees(made, numbers):
        by_payer = replace(by_payer, needs=PAYER_FITS)
    if fits_number == fits_payer:
        return None
    steps = tuple(number_step(mention) for mention in clues.strong)
    if fits_number:
        return replace(by_number, steps=(*steps, step("amount_fits_number", name=clues.shown)))
    return replace(by_payer, steps=(*steps, *payer_steps(clues, payer, book), step("amount_fits_payer")))


def _agrees(made: Plan, numbers: Sequence[InvoiceFacts]) -> bool:
    return any(is_near(part.number, invoice.number) for part in made.parts for invoice in numbers)


def _task(line: LineFacts, book: Book, payer: Payer) -> Task:
    return Task(book, payer.customer_id, line.amount, line.currency, line.paid_on, payer.named, payer.unclear)


def _decision(line: LineFacts, clues: Clues, book: Book, payer: Payer, made: Plan) -> Decision:
    """Posted by itself only when the score allows, the fit is what the evidence needs, and the sum is not too large."""
    points = score(payer.who, made.fit)
    steps = (*payer.steps, *made.steps)
    allowed = made.fit != Fit.NONE and points >= book.policy.auto_from
    if allowed and payer.needs and made.fit not in payer.needs:
        allowed, steps = False, (*steps, step("not_enough"))
    if allowed and made.fit in LEANS_ON_OPEN and payer.who in BY_NAME and payer.customer_id in book.waiting:
        allowed, steps = False, (*steps, step("earlier_line_waits"))
    limit = book.policy.person_above
    if allowed and limit is not None and line.amount > limit:
        allowed, steps = False, (*steps, step("above_limit", limit_amount=limit))
    if allowed and line.has_lost_characters and payer.who in BY_NAME:
        allowed, steps = False, (*steps, step("lost_characters"))
    action = Action.AUTO if allowed else Action.SUGGEST
    unapplied = made.unapplied if made.fit != Fit.NONE else line.amount - made.cash
    choices = () if allowed else candidates(line, clues, book, payer.customer_id)
    return Decision(
        line.id, action, f"{payer.who}+{made.fit}", points if allowed else min(points, book.policy.auto_from),
        payer.customer_id, made.parts, unapplied, evidence=steps, candidates=choices,
        named=tuple(invoice.id for invoice in payer.named),
    )  # fmt: skip


def _to_person(line: LineFacts, clues: Clues, book: Book) -> Decision:
    """Nobody is known to have paid, or two are: the best guesses, none of them followed."""
    choices: Sequence[Candidate] = candidates(line, clues, book, None)
    steps = tuple(number_step(mention) for mention in clues.mentions)
    if clues.code is not None:
        steps = (*steps, code_step(clues.code), step("code_contradicted"))
    elif clues.payer is not None and clues.strong:
        steps = (*steps, *payer_steps(clues, clues.payer, book), step("conflict"))
    else:
        steps = (*steps, step("payer_not_found"))
    best = choices[0] if choices and choices[0].score >= book.policy.suggest_from else None
    if best is None:
        return Decision(line.id, Action.NONE, "unidentified", UNSURE, None, (), ZERO, None, steps, tuple(choices))
    return Decision(
        line.id, Action.SUGGEST, f"unsure+{best.reason}", best.score, best.customer_id, (), line.amount, None, steps,
        tuple(choices),
    )  # fmt: skip


def number_step(mention: Mention) -> Step:
    return step(f"number_{mention.how.name.lower()}", number=mention.invoice.number, written=mention.written)


def payer_steps(clues: Clues, customer_id: int, book: Book) -> tuple[Step, ...]:
    steps: tuple[Step, ...] = ()
    if clues.code is not None and clues.code.customer_id == customer_id:
        steps += (code_step(clues.code),)
    if clues.virtual == customer_id:
        steps += (step("virtual_account"),)
    if clues.account == customer_id:
        steps += (step("account_known", count=book.accounts.times(customer_id)),)
    if clues.name.customer_id == customer_id:
        steps += (step(f"name_{clues.name.how.name.lower()}", name=clues.shown),)
    return steps
