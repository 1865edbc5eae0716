"""Matching rules are written, tried, let act and put back by people; what they post is posted by matching."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.ledger.models import LedgerAccount
from billing.models import Customer
from billing.office.access import require
from billing.office.models import Organization, User
from billing.office.models.user import Mode
from billing.states import move
from billing.transactions import transaction_required
from payments.models import BankAccount
from reconciliation.models import RULE_MOVES, Deed, Direction, MatchingRule, RuleState, RuleTrial
from reconciliation.rules.matching.house_rules import ways_of
from reconciliation.selectors.matching_rules import bookable_accounts
from reconciliation.selectors.rule_trials import MOST_AGAINST, Replay, replay

# A rule acts once a second person has let it: who may agree to what clerks make up by hand.
AGREE = "match_by_hand"
MOST_PHRASES, LONGEST_PHRASE = 10, 80


class RuleChanged(DomainError):
    code = "rule_changed"
    sentence = _("Somebody changed this rule meanwhile; nothing was done. Look at it as it is now.")


class SameHands(DomainError):
    code = "same_hands"
    sentence = _("You changed this rule last: another person lets it act.")


class RuleIsOff(DomainError):
    code = "rule_is_off"
    sentence = _("The rule is off; switch it on first.")


@dataclass(frozen=True)
class RuleWish:
    """What a person wants a rule to be; see MatchingRule. text_has, text_lacks: phrases, one a line."""

    name: str
    deed: str
    bank_account: BankAccount | None = None
    direction: str = ""
    text_has: str = ""
    text_lacks: str = ""
    payer_has: str = ""
    bank_code: str = ""
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    ledger_account: LedgerAccount | None = None
    reason_code: str = ""
    department: str = ""
    project: str = ""
    customer: Customer | None = None


def drafted(*, organization: Organization, wish: RuleWish, now: datetime, by: User) -> MatchingRule:
    """The rule as it would be, not stored: to be looked at. One query at most. Raises BadInput."""
    _check_conditions(wish)
    _check_deed(organization, wish)
    is_item, is_payment = wish.deed == Deed.ITEM, wish.deed == Deed.PAYMENT
    return MatchingRule(
        organization=organization, name=clean_text(wish.name, field="name", longest=80, required=True),
        bank_account=wish.bank_account, direction=wish.direction, text_has=_phrases(wish.text_has, "text_has"),
        text_lacks=_phrases(wish.text_lacks, "text_lacks"), payer_has=_phrase(wish.payer_has, "payer_has", 120),
        bank_code=_phrase(wish.bank_code, "bank_code", 40), amount_from=wish.amount_from, amount_to=wish.amount_to,
        deed=wish.deed, ledger_account=wish.ledger_account if is_item else None,
        reason_code=wish.reason_code if is_item else "",
        department=clean_text(wish.department, field="department", longest=40) if is_item else "",
        project=clean_text(wish.project, field="project", longest=40) if is_item else "",
        customer=wish.customer if is_payment else None, state=_first_state(wish.deed),
        made_at=now, made_by=by, changed_at=now, changed_by=by,
    )  # fmt: skip


@transaction_required
def make_rule(*, organization: Organization, wish: RuleWish, request_key: str, now: datetime, by: User) -> MatchingRule:
    """A new rule, the last in the order; it suggests. The same form again gives the rule it made. Raises BadInput.

    Locks the organization, so that two made at once have places of their own.
    """
    rule = drafted(organization=organization, wish=wish, now=now, by=by)
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    rows = MatchingRule.objects.filter(organization=organization)
    made = rows.filter(request_key=request_key).first()
    if made is not None:
        return made
    rule.place = (rows.aggregate(last=Max("place"))["last"] or 0) + 1
    rule.request_key = request_key[:64]
    rule.save()
    return rule


@transaction_required
def change_rule(*, rule: MatchingRule, wish: RuleWish, version: int, now: datetime, by: User) -> MatchingRule:
    """Change what a rule says: another version, which suggests until it is let act anew.

    version: the one that was shown. What is the same changes nothing. Raises RuleChanged, BadInput.
    """
    standing = _lock(rule)
    wanted = drafted(organization=standing.organization, wish=wish, now=now, by=by)
    said = [field.attname for field in MatchingRule._meta.concrete_fields if field.name in _SAID]
    different = [name for name in said if getattr(wanted, name) != getattr(standing, name)]
    if not different:
        return standing
    if standing.version != version:
        raise RuleChanged()
    for name in different:
        setattr(standing, name, getattr(wanted, name))
    standing.version += 1
    standing.state = RuleState.OFF if standing.state == RuleState.OFF else _first_state(standing.deed)
    standing.changed_at, standing.changed_by = now, by
    standing.let_act_at = standing.let_act_by = None
    standing.put_back_at, standing.put_back_why = None, ""
    standing.save()
    return standing


@transaction_required
def try_rule(*, rule: MatchingRule, now: datetime, by: User) -> tuple[RuleTrial, Replay]:
    """Replay a rule over the last twelve months and keep what came out. Locks the rule."""
    standing = _lock(rule)
    return _try(standing, now, by)


@transaction_required
def let_act(*, rule: MatchingRule, version: int, now: datetime, by: User) -> RuleTrial | None:
    """Let a rule post by itself, if a trial at this moment has nothing against it and enough for it.

    The trial is kept either way; it says whether the rule acts now. None: it acted before. Raises NotPermitted,
    SameHands (whoever changed it last), RuleChanged, RuleIsOff. Locks the rule.
    """
    require(by, rule.organization, AGREE, Mode.CHECK)
    standing = _lock(rule)
    if standing.version != version:
        raise RuleChanged()
    if standing.may_act:
        return None
    if standing.state == RuleState.OFF:
        raise RuleIsOff()
    if standing.changed_by_id == by.pk:
        raise SameHands()
    trial, found = _try(standing, now, by)
    if found.passes:
        move(standing, RuleState.ACTS, RULE_MOVES, let_act_at=now, let_act_by=by, put_back_at=None, put_back_why="")
    return trial


@transaction_required
def switch_rule(*, rule: MatchingRule, on: bool, version: int) -> MatchingRule:
    """Off: as if the rule were not there. On again it suggests. A second time nothing changes. Raises RuleChanged."""
    standing = _lock(rule)
    if standing.version != version:
        raise RuleChanged()
    if on == (standing.state == RuleState.OFF):
        move(standing, _first_state(standing.deed) if on else RuleState.OFF, RULE_MOVES)
    return standing


@transaction_required
def move_rule(*, rule: MatchingRule, up: bool, place: int) -> bool:
    """Change places with the rule above or below. False where it is at the end, or no longer where it was shown.

    place: where it was shown, so that a double click moves it once. Locks the organization.
    """
    Organization.objects.select_for_update(no_key=True).get(pk=rule.organization_id)
    rows = MatchingRule.objects.filter(organization=rule.organization_id)
    here = rows.get(pk=rule.pk)
    beside = rows.filter(place__lt=here.place).order_by("-place") if up else rows.filter(place__gt=here.place)
    other = beside.first() if up else beside.order_by("place").first()
    if here.place != place or other is None:
        return False
    rows.filter(pk=here.pk).update(place=other.place)
    rows.filter(pk=other.pk).update(place=here.place)
    return True


@transaction_required
def put_back(*, rule_id: int, version: int, why: str, now: datetime) -> None:
    """A person undid what a rule posted by itself: it only suggests from now on. Locks the rule."""
    rule = MatchingRule.objects.select_for_update(no_key=True).get(pk=rule_id)
    if rule.version == version and rule.may_act and rule.deed != Deed.PERSON:
        move(rule, RuleState.SUGGESTS, RULE_MOVES, put_back_at=now, put_back_why=why[:400])


@transaction_required
def lock_acting(*, marks: set[tuple[int, int]]) -> dict[int, MatchingRule] | None:
    """Rules that are about to post, by their keys; None where one of them was changed or put back meanwhile."""
    rows = MatchingRule.objects.filter(pk__in={pk for pk, _version in marks}, state=RuleState.ACTS).order_by("pk")
    rules = {rule.pk: rule for rule in rows.select_for_update(no_key=True)}
    return rules if {(rule.pk, rule.version) for rule in rules.values()} == marks else None


_SAID = {field.name for field in fields(RuleWish)}


def _lock(rule: MatchingRule) -> MatchingRule:
    rows = MatchingRule.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
    return rows.get(pk=rule.pk)


def _try(rule: MatchingRule, now: datetime, by: User) -> tuple[RuleTrial, Replay]:
    found = replay(rule, rule.organization.today(now))
    trial = RuleTrial.objects.create(
        organization=rule.organization, rule=rule, version=rule.version, first_on=found.first_on,
        last_on=found.last_on, fitted=found.fitted, agreed=found.agreed, against=len(found.against),
        undecided=found.undecided, lines_against=found.against[:MOST_AGAINST], ran_at=now, ran_by=by,
    )  # fmt: skip
    return trial, found


def _first_state(deed: str) -> str:
    """What only leaves lines to people acts at once."""
    return RuleState.ACTS if deed == Deed.PERSON else RuleState.SUGGESTS


def _check_conditions(wish: RuleWish) -> None:
    """Raises BadInput. An amount or a direction alone says nothing of what a line is."""
    if wish.direction not in ("", *Direction.values):
        raise BadInput(_("Choose one of the list."), field="direction", code="unknown_choice")
    if not (wish.text_has.strip() or wish.payer_has.strip() or wish.bank_code.strip()):
        sentence = _("Say what the text, the payer's name or the bank's code has; an amount alone is too little.")
        raise BadInput(sentence, field="text_has", code="required")
    bounds = [amount for amount in (wish.amount_from, wish.amount_to) if amount is not None]
    if bounds and wish.bank_account is None:
        raise BadInput(_("Choose a bank account: amounts are in its currency."), field="bank_account", code="required")
    if len(bounds) == 2 and bounds[0] > bounds[1]:
        raise BadInput(_("The first amount is more than the last."), field="amount_from", code="amounts_reversed")


def _check_deed(organization: Organization, wish: RuleWish) -> None:
    """Raises BadInput; the same for another organization's record as for none."""
    if wish.deed not in Deed.values:
        raise BadInput(_("Choose one of the list."), field="deed", code="unknown_choice")
    if wish.bank_account is not None and wish.bank_account.organization_id != organization.pk:
        raise BadInput(_("Choose one of the list."), field="bank_account", code="unknown_choice")
    if wish.deed == Deed.ITEM:
        if wish.ledger_account not in bookable_accounts(organization.pk):
            raise BadInput(_("Choose a ledger account."), field="ledger_account", code="required")
        if not wish.reason_code:
            raise BadInput(_("Say what it is."), field="reason_code", code="required")
    if wish.deed == Deed.PAYMENT:
        if wish.customer is None or wish.customer.organization_id != organization.pk:
            raise BadInput(_("Choose a customer."), field="customer", code="required")
        if wish.direction != Direction.IN:
            raise BadInput(_("Only money that comes in is a payment."), field="direction", code="wrong_direction")


def _phrases(text: str, field: str) -> str:
    """One phrase a line, empty lines left out. Raises BadInput."""
    found = [_phrase(line, field, LONGEST_PHRASE) for line in text.splitlines() if line.strip()]
    if len(found) > MOST_PHRASES:
        sentence = _("At most {most} phrases.")
        raise BadInput(sentence, field=field, code="too_many", most=MOST_PHRASES)
    return "\n".join(found)


def _phrase(text: str, field: str, longest: int) -> str:
    phrase = clean_text(text, field=field, longest=longest)
    if phrase and not ways_of(phrase):
        raise BadInput(_("A phrase has letters, figures or Chinese characters."), field=field, code="no_words")
    return phrase
