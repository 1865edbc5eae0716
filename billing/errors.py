"""Expected trouble, each kind with a stable code and its facts."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Sentence = str | Promise


class DomainError(Exception):
    """Something a person or system asked for that the rules refuse.

    code: stable, for machines. field: the input it is about, "" for the whole. facts: what a door may show.
    The sentence says what is wrong and what is allowed; it is translated when shown.
    """

    code = "refused"
    sentence: Sentence = _("This cannot be done.")

    def __init__(self, sentence: Sentence | None = None, *, field: str = "", code: str = "", **facts: Any) -> None:
        self.template = sentence if sentence is not None else self.sentence
        self.field = field
        self.code = code or type(self).code
        self.facts = facts
        super().__init__(self.code)

    def __str__(self) -> str:
        text = str(self.template)
        return text.format(**self.facts) if self.facts else text


class BadInput(DomainError):
    """A value that cannot be read or is not allowed, said at the place where it was given."""

    code = "invalid"


class NotPermitted(DomainError):
    code = "not_permitted"
    sentence = _("Your role does not allow this.")


class NotFound(DomainError):
    code = "not_found"
    sentence = _("There is no such record.")


class IllegalTransition(DomainError):
    code = "illegal_transition"
    sentence = _("{record} is {old} and cannot become {new}.")


class StaleState(DomainError):
    code = "stale"
    sentence = _("{record} was changed by somebody else; reload and try again.")


class KeyReused(DomainError):
    code = "key_reused"
    sentence = _("This key was already used for something else.")


class PeriodClosed(DomainError):
    code = "period_closed"
    sentence = _("{month} is closed.")


class Unbalanced(DomainError):
    code = "unbalanced"
    sentence = _("The entry does not balance: debits {debits}, credits {credits}.")


class Refusals(DomainError):
    """Several refusals at once, so that a form can show each beside its field."""

    code = "invalid"

    def __init__(self, refusals: list[DomainError]) -> None:
        super().__init__(refusals[0].template, field=refusals[0].field, code=refusals[0].code, **refusals[0].facts)
        self.refusals = refusals
