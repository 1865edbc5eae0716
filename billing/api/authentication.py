"""Who calls: a token in the Authorization header. Cookies and sessions open nothing here."""

from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from billing.office import clock
from billing.office.machines import find_client
from billing.office.models import ApiClient, User

SCHEMES = (b"bearer", b"token")


class TokenAuthentication(BaseAuthentication):
    """request.user: whom the system acts as. request.auth: its ApiClient.

    One answer for a token that is unknown, expired or revoked, so that it tells a stranger nothing.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiClient] | None:
        scheme, _space, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() not in SCHEMES:
            return None
        client = find_client(token.strip().decode("latin-1"), clock.now())
        if client is None:
            raise AuthenticationFailed(_("This token is not valid here, or no longer."), code="bad_token")
        return client.user, client

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="quittance"'
