"""Authorize.Net: the XML and JSON API, the vault, reports, Accept.js and AcceptUI, webhooks."""

from tests.sandbox.authorizenet.gateway import AuthorizeNet

__all__ = ["AuthorizeNet"]
