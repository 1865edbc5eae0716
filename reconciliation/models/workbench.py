from __future__ import annotations

from collections.abc import Set

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models import Customer
from billing.office.models import Organization
from reconciliation.models.statement import StatementLine


class LineWork(models.Model):
    """Who looks after a bank line nobody could explain yet. Rewritten as it is passed on; the audit trail keeps all.

    owner: empty once it was given back. due_on: when it is to be settled.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    line = models.OneToOneField(StatementLine, models.PROTECT, related_name="work", verbose_name=_("bank line"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    note = models.CharField(_("note"), max_length=400, blank=True)
    due_on = models.DateField(_("to be settled by"), null=True, blank=True)
    changed_at = models.DateTimeField(_("since"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("work on a bank line")
        verbose_name_plural = _("work on bank lines")

    def __str__(self) -> str:
        return f"{self.line_id} {self.owner or '–'}"


class LineDeed(models.Model):
    """A form of the workbench that was carried out: the second click of it does nothing (invariant 36).

    request_key: minted when the form was shown. digest: SHA-256 of what was asked, to tell a repetition from a key
    used for something else.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    request_key = models.CharField(max_length=64)
    line = models.ForeignKey(StatementLine, models.PROTECT, related_name="deeds", verbose_name=_("bank line"))
    verb = models.CharField(_("deed"), max_length=12)
    digest = models.CharField(max_length=64)
    done_at = models.DateTimeField(_("done at"))
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("deed on a bank line")
        verbose_name_plural = _("deeds on bank lines")
        constraints = [
            models.UniqueConstraint(fields=["organization", "request_key"], name="line_deed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.line_id}"


class QuestionState(models.TextChoices):
    """lapsed: nobody answered in time, or the line was explained meanwhile."""

    WAITING = "waiting", _("waiting")
    YES = "yes", _("yes")
    NO = "no", _("no")
    LAPSED = "lapsed", _("lapsed")


QUESTION_MOVES: dict[str, Set[str]] = {
    QuestionState.WAITING: {QuestionState.YES, QuestionState.NO, QuestionState.LAPSED},
    QuestionState.YES: frozenset(),
    QuestionState.NO: frozenset(),
    QuestionState.LAPSED: frozenset(),
}


class PayerQuestion(models.Model):
    """ "Is this your payment?", asked of one customer about one bank line. The answer is evidence and posts nothing.

    token_hash: keyed hash of the token in the link, which is nowhere but in the message.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    line = models.ForeignKey(StatementLine, models.PROTECT, related_name="questions", verbose_name=_("bank line"))
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("customer"))
    token_hash = models.CharField(max_length=64, unique=True)
    state = models.CharField(_("state"), max_length=8, choices=QuestionState.choices, default=QuestionState.WAITING)
    asked_at = models.DateTimeField(_("asked at"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("asked by")
    )
    expires_at = models.DateTimeField(_("until"))
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("question to a payer")
        verbose_name_plural = _("questions to payers")
        constraints = [
            models.UniqueConstraint(fields=["line"], condition=Q(state="waiting"), name="payer_question_one_waits"),
            models.UniqueConstraint(fields=["line", "customer"], name="payer_question_once"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("asked_at")), name="payer_question_has_time"),
            models.CheckConstraint(
                condition=Q(state__in=("yes", "no"), answered_at__isnull=False)
                | Q(state__in=("waiting", "lapsed"), answered_at__isnull=True),
                name="payer_question_answered_with_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id} {self.customer_id} {self.state}"
