"""The whole of it: paying, vault, reports, webhooks, steering and the browser's part, each built on the one before."""

from tests.sandbox.authorizenet.browser import Browser


class AuthorizeNet(Browser):
    """https://apitest.authorize.net as far as a biller uses it, on this machine."""
