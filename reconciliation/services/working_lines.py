"""What a person does with a bank line at the workbench (R144): one door to the verbs, once for each form shown.

What was typed is kept as plain text by name, so that the preview, the deed and an approval of it read the same.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused, Sentence
from billing.money import format_money, parse_amount, parse_signed_amount
from billing.office.models import User
from billing.transactions import transaction_required
from reconciliation.models import LineDeed, Match, StatementLine
from reconciliation.services.bank_files import lock_bank_accounts
from reconciliation.services.matching import RuleMark, lock_lines

LONGEST_KEY = 64


class DoneBefore(DomainError):
    """The second of two clicks."""

    code = "done_before"
    sentence = _("This was done already; nothing was done a second time.")


class Quicker(DomainError):
    code = "somebody_was_quicker"
    sentence = _("Somebody was quicker: of this line {left} is left to explain, not {seen} as was shown.")


@dataclass(frozen=True)
class Asked:
    """What a form asks for. seen: what was left of the line when it was shown.

    score, evidence, rule: of the suggestion that was accepted, as the match keeps them.
    """

    verb: str
    typed: Mapping[str, str]
    request_key: str = ""
    seen: str = ""
    score: Decimal | None = None
    evidence: Sequence[Any] = ()
    rule: RuleMark | None = None

    @property
    def digest(self) -> str:
        text = json.dumps([self.verb, dict(self.typed)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def text(self, name: str) -> str:
        return str(self.typed.get(name, "")).strip()

    def key(self, name: str) -> int:
        """A primary key that was chosen. Raises BadInput."""
        text = self.text(name)
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise BadInput(_("Choose one of the list."), field=name, code="required")
        return int(text)

    def amount(self, name: str, currency: str) -> Decimal | None:
        """Raises BadInput. None where nothing was typed: all that is left."""
        return parse_amount(self.text(name), currency, field=name) if self.text(name) else None


@dataclass(frozen=True)
class Verb:
    """work: called as (line, asked, now, by) with the line locked. by_hand: moves money as a person decided, so that
    a clerk asks for it. label: in the imperative.
    """

    work: Callable[[StatementLine, Asked, datetime, User], Sequence[Match]]
    label: Sentence
    by_hand: bool = True


@transaction_required
def work_line(*, line: StatementLine, asked: Asked, verb: Verb, now: datetime, by: User) -> list[Match]:
    """Explain a bank line, or part of it, as a person says. What is posted is what the verb's service posts.

    Raises DoneBefore (the same form again), KeyReused, Quicker (less is left than was shown), and what the verb's
    service raises. Locks the form's key, the account, the line, then what the service locks.
    """
    if asked.request_key:
        _once(line, asked, now, by)
    wanted = {line.bank_account_id, *_other_account(line, asked)}
    account = lock_bank_accounts(line.organization, wanted)[line.bank_account_id]
    locked = lock_lines(account, [line.pk]).get(line.pk)
    if locked is None:
        raise BadInput(_("There is no such bank line."), field="line", code="not_found")
    locked.bank_account, locked.organization = account, account.organization
    left = f"{locked.open_amount:f}"
    if (asked.seen and left != asked.seen) or not locked.open_amount:
        seen = parse_signed_amount(asked.seen, locked.currency, field="seen") if asked.seen else locked.amount
        raise Quicker(left=format_money(locked.open_amount, locked.currency), seen=format_money(seen, locked.currency))
    return list(verb.work(locked, asked, now, by))


def _other_account(line: StatementLine, asked: Asked) -> list[int]:
    """Of the other end of a transfer: both accounts are locked at once, so that two transfers do not wait crosswise."""
    if not asked.text("other"):
        return []
    rows = StatementLine.objects.filter(pk=asked.key("other"), organization=line.organization)
    return list(rows.values_list("bank_account_id", flat=True))


def _once(line: StatementLine, asked: Asked, now: datetime, by: User) -> None:
    deed, is_new = LineDeed.objects.get_or_create(
        organization=line.organization, request_key=asked.request_key[:LONGEST_KEY],
        defaults={"line": line, "verb": asked.verb, "digest": asked.digest, "done_at": now, "done_by": by},
    )  # fmt: skip
    if is_new:
        return
    if deed.line_id != line.pk or deed.digest != asked.digest:
        raise KeyReused()
    raise DoneBefore()
