from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models import Customer, Provider
from billing.office.models import Organization


class PaperKind(models.TextChoices):
    STATEMENT = "statement", _("statement of account")
    FAMILY = "family", _("family statement")
    TAX_INVOICE = "tax_invoice", _("tax invoice")
    CREDIT_MEMO = "credit_memo", _("credit memo")
    YEAR_END = "year_end", _("paid in the year")
    REFUNDS = "refunds", _("refund statement")
    EARNINGS = "earnings", _("earnings statement")
    PROVIDER_YEAR = "provider_year", _("earned in the year")


# Of papers that have a number of their own.
SERIES = {
    PaperKind.STATEMENT: "STM", PaperKind.YEAR_END: "YRP", PaperKind.REFUNDS: "RFS", PaperKind.EARNINGS: "ERN",
    PaperKind.PROVIDER_YEAR: "YRE",
}  # fmt: skip


def digest_of_facts(facts: Any) -> str:
    """SHA-256 of what a paper is about, however its keys are ordered."""
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


class IssuedPaper(models.Model):
    """A numbered paper other than a receipt: what it says, frozen. Append-only (R155, R157, R158).

    organization: who issues it; empty for the family statement alone, which speaks for several schools, so that no
    school's office finds in its own list what another school bills. That one belongs to the user it was made for.
    subject: what it is about, "customer:17", "provider:3", "user:9", "invoice:71", "credit_memo:5".
    digest: SHA-256 of what would make a new version necessary, content["facts"]. supersedes: the version before.
    number: of its series, STM-… and so on; a tax invoice and a credit memo bear the number of their document.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, null=True, related_name="+")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, null=True, related_name="papers", verbose_name=_("customer")
    )
    provider = models.ForeignKey(
        Provider, models.PROTECT, db_constraint=False, null=True, related_name="papers", verbose_name=_("provider")
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="papers")
    kind = models.CharField(_("kind"), max_length=14, choices=PaperKind.choices)
    subject = models.CharField(_("about"), max_length=40)
    period_start = models.DateField(_("from"))
    period_end = models.DateField(_("to"))
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    number = models.CharField(_("number"), max_length=40)
    content = models.JSONField(_("content"))
    digest = models.CharField(max_length=64)
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="superseded_by", verbose_name=_("replaces")
    )
    issued_at = models.DateTimeField(_("issued at"))
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("paper")
        verbose_name_plural = _("papers")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject", "period_start", "period_end", "version"], name="paper_version_once"
            ),
            models.UniqueConstraint(
                fields=["number", "kind", "version", "organization"], nulls_distinct=False, name="paper_number_once"
            ),
            models.CheckConstraint(condition=Q(period_end__gte=F("period_start")), name="paper_period_in_order"),
            models.CheckConstraint(
                condition=Q(version=1, supersedes__isnull=True) | Q(version__gt=1, supersedes__isnull=False),
                name="paper_version_supersedes",
            ),
            models.CheckConstraint(
                condition=Q(organization__isnull=False, user__isnull=True)
                & (
                    Q(customer__isnull=False, provider__isnull=True) | Q(customer__isnull=True, provider__isnull=False)
                )
                | Q(organization__isnull=True, customer__isnull=True, provider__isnull=True)
                & Q(user__isnull=False, kind="family"),
                name="paper_has_one_reader",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["organization", "-id"], name="paper_newest")]

    def __str__(self) -> str:
        return self.number


class PaperDocument(models.Model):
    """The one signed PDF of a paper in the archive, found by its SHA-256. Append-only (R155)."""

    paper = models.OneToOneField(IssuedPaper, models.PROTECT, related_name="document")
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    size = models.PositiveIntegerField(_("size"))
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("paper document")
        verbose_name_plural = _("paper documents")

    def __str__(self) -> str:
        return f"{self.paper} {self.sha256[:8]}"


class PaperCopy(models.Model):
    """A paper handed out: printed, downloaded or mailed, by whom. All copies are the same file."""

    paper = models.ForeignKey(IssuedPaper, models.PROTECT, related_name="copies")
    how = models.CharField(_("how"), max_length=10)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("paper copy")
        verbose_name_plural = _("paper copies")

    def __str__(self) -> str:
        return f"{self.paper} {self.how}"
