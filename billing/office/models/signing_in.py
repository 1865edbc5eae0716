"""Second factors, where each user is signed in, and links that are mailed to a user."""

from base64 import b32encode
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, ThrottlingMixin
from django_otp.oath import TOTP

from billing.office import clock
from billing.office.models.user import User
from billing.office.secrets import EncryptedTextField, keyed_hash

STEP_SECONDS, DIGITS = 30, 6
TOLERATED_STEPS = 1  # a phone's clock may be this many steps wrong; what it is wrong by is remembered


class Authenticator(ThrottlingMixin, Device):
    """An app that shows a new code each half minute (RFC 6238). Its key is encrypted; a dump gives nobody a code.

    last_step: of the code used last; only later ones are good, so that no code is used twice. Wrong codes make the
    next try wait, each time twice as long.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("user"))
    key = EncryptedTextField()  # hex
    drift = models.SmallIntegerField(default=0)
    last_step = models.BigIntegerField(default=-1)
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("authenticator")
        verbose_name_plural = _("authenticators")
        constraints = [models.UniqueConstraint(fields=["user", "confirmed"], name="authenticator_once")]

    def verify_token(self, token: str) -> bool:
        """Whether the code is right now, and was not used. Inside a transaction, the row locked."""
        if not self.verify_is_allowed()[0]:
            return False
        reckoned = TOTP(bytes.fromhex(self.key), STEP_SECONDS, 0, DIGITS, self.drift)
        reckoned.time = int(clock.now().timestamp())
        shaped = len(token) == DIGITS and token.isascii() and token.isdigit()
        if not shaped or not reckoned.verify(int(token), TOLERATED_STEPS, self.last_step + 1):
            self.throttle_increment(commit=True)
            return False
        self.last_step, self.drift = reckoned.t(), reckoned.drift
        self.throttle_reset(commit=False)
        self.save()
        return True

    def get_throttle_factor(self) -> int:
        return 1

    @property
    def key_text(self) -> str:
        """As one types it into an app: base 32."""
        return b32encode(bytes.fromhex(self.key)).decode().rstrip("=")

    @property
    def address(self) -> str:
        """otpauth://, what the QR code says."""
        issuer = settings.OTP_TOTP_ISSUER
        facts = {"secret": self.key_text, "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": 30}
        return f"otpauth://totp/{quote(issuer)}:{quote(self.user.get_username())}?{urlencode(facts)}"


class RecoverySet(ThrottlingMixin, Device):
    """Codes on paper for the day on which the phone is lost. A new set replaces the old one."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("user"))
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("recovery codes")
        verbose_name_plural = _("recovery codes")
        constraints = [models.UniqueConstraint(fields=["user"], name="recovery_set_once")]

    def verify_token(self, token: str) -> bool:
        """Whether it is a code of the set that was not used; now it is. Inside a transaction, the row locked."""
        if not self.verify_is_allowed()[0]:
            return False
        open_ones = self.codes.filter(code_hash=recovery_hash(self.user_id, token), used_at__isnull=True)
        if not open_ones.update(used_at=clock.now()):
            self.throttle_increment(commit=True)
            return False
        self.throttle_reset(commit=True)
        return True

    def get_throttle_factor(self) -> int:
        return 1


class RecoveryCode(models.Model):
    """One code, used once. Only its keyed hash is kept."""

    recovery_set = models.ForeignKey(RecoverySet, models.CASCADE, related_name="codes")
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recovery_set", "code_hash"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"{self.recovery_set_id}: {self.used_at or 'unused'}"


def recovery_hash(user_id: int, code: str) -> str:
    return keyed_hash(f"recovery:{user_id}:{code.replace('-', '')}")


class SignInEnd(models.TextChoices):
    SIGNED_OUT = "signed_out", _("signed out")
    BY_USER = "by_user", _("ended from another device")
    PASSWORD = "password", _("the password was changed")
    SECOND_FACTOR = "second_factor", _("the second factor was changed")
    WITHDRAWN = "withdrawn", _("a role was withdrawn")
    DEACTIVATED = "deactivated", _("the login was switched off")


class SignIn(models.Model):
    """Where a user is or was signed in: one row a session.

    device_hash: SHA-256 of a random word that the browser keeps, by which it is known again. session_key: of the
    session while it lives, else None. seen_at: to the minute.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="sign_ins")
    session_key = models.CharField(max_length=40, null=True, unique=True)
    device_hash = models.CharField(max_length=64)
    user_agent = models.CharField(_("browser"), max_length=255, blank=True)
    address = models.GenericIPAddressField(_("from where"), null=True, blank=True)
    signed_in_at = models.DateTimeField(_("signed in at"))
    seen_at = models.DateTimeField(_("last seen at"))
    proven_at = models.DateTimeField(_("second factor at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    end = models.CharField(_("why it ended"), max_length=20, choices=SignInEnd.choices, blank=True)

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        indexes = [models.Index(fields=["user", "-id"], name="sign_in_of_user")]
        constraints = [
            models.CheckConstraint(
                condition=Q(session_key__isnull=True) | Q(ended_at__isnull=True), name="sign_in_ended_has_no_session"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.signed_in_at}"


class LinkKind(models.TextChoices):
    PASSWORD = "password", _("new password")
    ADDRESS = "address", _("new e-mail address")


class AccountLink(models.Model):
    """A link that was asked for and mailed. Only the token's SHA-256 is kept; without a user nobody was mailed.

    recipient: the address as typed, which is counted whether it is anybody's or not.
    """

    kind = models.CharField(_("kind"), max_length=10, choices=LinkKind.choices)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    recipient = models.CharField(_("to"), max_length=254)
    token_hash = models.CharField(max_length=64, unique=True)
    asked_at = models.DateTimeField(_("asked at"))
    asked_from = models.GenericIPAddressField(_("from where"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    voided_at = models.DateTimeField(_("void since"), null=True, blank=True)

    class Meta:
        verbose_name = _("mailed link")
        verbose_name_plural = _("mailed links")
        indexes = [
            models.Index(fields=["recipient", "-asked_at"], name="account_link_to"),
            models.Index(fields=["asked_from", "-asked_at"], name="account_link_from"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.recipient}"

    def is_open(self, at: Any) -> bool:
        return self.used_at is None and self.voided_at is None and at < self.expires_at
