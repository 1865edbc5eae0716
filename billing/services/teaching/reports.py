"""What is told about a seat, and when it is not taken."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models.lesson import AttendanceSource


class AlreadyTold(DomainError):
    """Something else was told about the seat before; only a correction, with its reason, may replace it."""

    code = "already_told"
    sentence = _("{student} in {lesson} was told as: {status}. To correct it, give the reason.")


class ToldMeanwhile(DomainError):
    code = "told_meanwhile"
    sentence = _("Somebody else has told about {student} in {lesson} meanwhile: {status}. Look again.")


class NotBegun(DomainError):
    code = "not_begun"
    sentence = _("{lesson} has not begun; until then it can only be cancelled.")


class NotRunning(DomainError):
    code = "not_running"
    sentence = _("Agreement {number} does not run on {day}.")


class CreditUsed(DomainError):
    code = "credit_used"
    sentence = _("The make-up credit given for {lesson} was already used; correct where it was used first.")


@dataclass(frozen=True)
class AttendanceReport:
    """What became of a seat.

    notice_hours: of a student's cancellation, needed; of a missed lesson, if any. reason: of a correction; without one
    nothing that was told is replaced. seen: key of the attendance a person had before their eyes when they decided,
    0: none; None: not a person. request_key: told again with it, nothing happens.
    """

    seat_id: int
    status: str
    notice_hours: Decimal | None = None
    reason: str = ""
    source: str = AttendanceSource.CONSOLE
    request_key: str = ""
    seen: int | None = None
