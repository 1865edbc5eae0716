"""Other systems: the tokens they show, and whom they act as.

A token is "qt_<8 hex digits>_<64 hex digits>"; we keep its first eleven characters to tell tokens apart, and the
SHA-256 of the whole. 256 random bits need no slow hash.
"""

import hashlib
import hmac
import secrets
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.office.access import roles_in
from billing.office.models import ApiClient, Organization, User
from billing.office.models.user import STAFF_ROLES


def issue_token(
    *, organization: Organization, name: str, user: User, expires_at: datetime | None = None
) -> tuple[ApiClient, str]:
    """A new token for another system, which acts as `user` with that user's roles in this organization alone.

    The token is in the answer and nowhere else: show it once. Raises BadInput if the user is no staff there.
    """
    name = clean_text(name, field="name", longest=80, required=True)
    if not roles_in(user, organization) & STAFF_ROLES:
        raise BadInput(_("This user does not work in this organization."), field="user", code="not_staff")
    prefix = f"qt_{secrets.token_hex(4)}"
    token = f"{prefix}_{secrets.token_hex(32)}"
    client = ApiClient.objects.create(
        organization=organization, name=name, user=user, token_prefix=prefix, token_hash=token_digest(token),
        expires_at=expires_at,
    )  # fmt: skip
    return client, token


def find_client(token: str, now: datetime) -> ApiClient | None:
    """Whose token this is, if it may still be used: not revoked, not expired, its user and organization active."""
    digest = token_digest(token)
    client = ApiClient.objects.select_related("organization", "user").filter(token_hash=digest).first()
    if client is None or not hmac.compare_digest(client.token_hash, digest):
        return None
    expired = client.expires_at is not None and client.expires_at <= now
    if expired or client.revoked_at is not None or not client.user.is_active or not client.organization.is_active:
        return None
    return client


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
