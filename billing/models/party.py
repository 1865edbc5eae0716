from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.customer import Customer
from billing.office.models import Organization


class Student(models.Model):
    """Whom a service is for; the customer is who usually pays for it. Other payers stand at the agreement.

    is_staff_child: has a parent who works here, which some discounts ask for.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="students")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="students", verbose_name=_("customer")
    )
    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=160)
    latin_name = models.CharField(_("name in Latin letters"), max_length=160, blank=True)
    is_staff_child = models.BooleanField(_("child of staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("student")
        verbose_name_plural = _("students")
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="student_code_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="student_of_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class ProviderKind(models.TextChoices):
    TEACHER = "teacher", _("teacher")
    AGENT = "agent", _("agent")


class Provider(models.Model):
    """Who is paid for serving or selling: a teacher by lessons, an agent by commission.

    manager: the agent above, who earns the override commission. Rates are policies of the provider (R58).
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="providers")
    kind = models.CharField(_("kind"), max_length=10, choices=ProviderKind.choices)
    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=160)
    latin_name = models.CharField(_("name in Latin letters"), max_length=160, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    tax_id = models.CharField(_("tax id"), max_length=40, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="providers",
        verbose_name=_("login"),
    )  # fmt: skip
    manager = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="agents", verbose_name=_("reports to")
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="provider_code_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="provider_of_organization"),
            models.UniqueConstraint(
                fields=["organization", "user"], condition=Q(user__isnull=False), name="provider_login_once"
            ),
            models.CheckConstraint(
                condition=Q(manager__isnull=True) | ~Q(manager=models.F("id")), name="provider_is_not_own_manager"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"
