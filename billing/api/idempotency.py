"""One Idempotency-Key, one deed: the first answer is kept in the deed's own transaction and given again (row 83)."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from billing.api.answers import answer, render
from billing.api.problems import InFlight
from billing.errors import BadInput, KeyReused
from billing.office.models import ApiClient, ApiRequest

LONGEST_KEY = 255
HEADER = "Idempotency-Key"

Deed = Callable[[str], tuple[int, dict[str, Any]]]


def read_key(request: Request) -> str:
    """The Idempotency-Key header. Raises BadInput if it is missing, longer than 255 characters or not plain ASCII."""
    key = request.headers.get(HEADER, "").strip()
    if not key:
        sentence = _("Send an Idempotency-Key header: a new one for each payment, the same for a retry.")
        raise BadInput(sentence, field=HEADER, code="key_required")
    if len(key) > LONGEST_KEY:
        raise BadInput(_("The Idempotency-Key has more than 255 characters."), field=HEADER, code="key_too_long")
    if not key.isascii() or not key.isprintable():
        raise BadInput(_("The Idempotency-Key must be plain ASCII."), field=HEADER, code="key_not_ascii")
    return key


def answer_once(*, client: ApiClient, key: str, asked: str, body: Any, now: datetime, deed: Deed) -> HttpResponse:
    """Do `deed` in a transaction and keep its answer, or give the answer kept for this key.

    asked: method and path; with the body, what the key stands for. deed: takes a request key derived from client and
    key, returns status and body; what it raises rolls everything back and is not kept.
    Raises KeyReused if the key stood for something else, InFlight while another request with it is at work.
    """
    mark = derived_key(client, key)
    fingerprint = _fingerprint(asked, body)
    with transaction.atomic():
        if not _try_lock(mark):
            raise InFlight(field=HEADER)
        earlier = ApiRequest.objects.filter(organization=client.organization, key=mark).first()
        if earlier is not None:
            if earlier.body_hash != fingerprint:
                raise KeyReused(field=HEADER)
            return answer(earlier.status, earlier.answer, {"Idempotency-Replayed": "true"})
        status, made = deed(mark)
        text = render(made)
        # Kept as text: jsonb would forget the order of its keys.
        ApiRequest.objects.create(
            organization=client.organization, client=client, key=mark, body_hash=fingerprint, status=status,
            answer=text, made_at=now,
        )  # fmt: skip
    return answer(status, text)


def derived_key(client: ApiClient, key: str) -> str:
    """A key of fixed length that no other client can hit: what payments keep as their request key."""
    digest = hashlib.blake2b(key.encode(), digest_size=24).hexdigest()
    return f"api:{client.pk}:{digest}"


def _fingerprint(asked: str, body: Any) -> str:
    """Equal for equal JSON, whatever the order of its keys or its white space."""
    text = json.dumps([asked, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _try_lock(mark: str) -> bool:
    """Held until the transaction ends. READ COMMITTED, so whoever gets it next sees what was kept."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 83))", [mark])
        row: tuple[bool] = cursor.fetchone()
    return row[0]
