"""The link by which a family stops a topic without signing in: signed, good for one customer and topic (RFC 8058)."""

from django.conf import settings
from django.core import signing
from django.urls import reverse

from billing.office.message_kinds import TOPICS, topic_of


def stop_address(party: int, kind: str) -> str:
    """The whole address for e-mails of a kind that may be stopped."""
    token = signing.Signer(salt="messages.stop").sign(f"{party}:{topic_of(kind)}")
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('message_stop', args=[token])}"


def read_stop(token: str) -> tuple[int, str] | None:
    """(customer, topic) of a link of ours, None for any other."""
    try:
        party, _colon, topic = signing.Signer(salt="messages.stop").unsign(token).partition(":")
    except signing.BadSignature:
        return None
    return (int(party), topic) if topic in TOPICS and party.isdigit() else None
