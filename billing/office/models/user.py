from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.office.models.organization import Organization


class User(AbstractUser):
    """Who logs in. What a user may do follows from memberships alone; is_superuser gives no right."""

    language = models.CharField(
        _("language"), max_length=10, default="en", choices=[("en", "English"), ("zh-hant", "繁體中文")]
    )
    phone = models.CharField(_("phone"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Role(models.TextChoices):
    """The nine roles of R167, R168 and R173."""

    PARENT = "parent", _("parent")
    TEACHER = "teacher", _("teacher")
    CLERK = "clerk", _("AR clerk")
    SUPERVISOR = "supervisor", _("AR supervisor")
    MANAGER = "manager", _("manager")
    FINANCE_MANAGER = "finance_manager", _("finance manager")
    ACCOUNTANT = "accountant", _("accountant")
    SCHOOL_ADMIN = "school_admin", _("school admin")
    PLATFORM_ADMIN = "platform_admin", _("platform admin")


STAFF_ROLES = frozenset(Role.values) - {Role.PARENT, Role.TEACHER}


class Membership(models.Model):
    """A user's role in one organization. Withdrawn by date, never deleted."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships", verbose_name=_("user"))
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="memberships", verbose_name=_("organization")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    granted_at = models.DateTimeField(auto_now_add=True)
    granted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organization", "role"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="membership_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}, {self.organization}"


class Mode(models.TextChoices):
    """How far a role may go with an action: a cell of the permission matrix."""

    DO = "do", _("may do alone")
    MAKE = "make", _("makes a request")
    CHECK = "check", _("approves another's request")
    READ = "read", _("reads")
    OWN_READ = "own_read", _("reads own")
    OWN = "own", _("acts on own")
    SYSTEM = "system", _("by the system")


class Grant(models.Model):
    """One cell of the permission matrix (docs/operators/roles.md), created by migration."""

    role = models.CharField(max_length=20, choices=Role.choices)
    action = models.CharField(max_length=60)
    mode = models.CharField(max_length=10, choices=Mode.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["role", "action"], name="grant_once")]

    def __str__(self) -> str:
        return f"{self.role} {self.action}: {self.mode}"
