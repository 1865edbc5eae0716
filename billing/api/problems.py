"""Refusals as RFC 9457 problem+json: {type, title, status, detail, code, errors, and the facts}."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions

from billing.errors import BadInput, DomainError, Refusals
from billing.refusals import constraint_of, explain, sentence_of

log = logging.getLogger(__name__)

# The one table. What is not in it: 400 if the request could not be read (BadInput), 422 if the rules refuse it.
STATUSES: Mapping[str, int] = {
    "not_permitted": 403,
    "own_entry": 403,
    "own_request": 403,
    "not_found": 404,
    "already_decided": 409,
    "already_reconciled": 409,
    "already_refunded": 409,
    "already_so": 409,
    "already_told": 409,
    "amount_fixed": 409,
    "approval_needed": 409,
    "changed_since_shown": 409,
    "cheque_at_bank": 409,
    "credit_used": 409,
    "duplicate_cheque": 409,
    "duplicate_in_file": 409,
    "duplicate_payment": 409,
    "form_used": 409,
    "handed_over": 409,
    "illegal_transition": 409,
    "in_flight": 409,
    "invalid_transition": 409,
    "is_contested": 409,
    "lesson_told": 409,
    "looks_like_duplicate": 409,
    "method_fixed": 409,
    "not_at_bank": 409,
    "not_depositable": 409,
    "not_endable": 409,
    "not_reconcilable": 409,
    "not_retryable": 409,
    "not_returnable": 409,
    "not_voidable": 409,
    "on_another_slip": 409,
    "on_slip": 409,
    "partly_refunded": 409,
    "seat_taken": 409,
    "several_payments": 409,
    "stale": 409,
    "tampered_document": 409,
    "told_meanwhile": 409,
    "bank_account_number": 422,
    "card_number": 422,
    "customer_closed": 422,
    "key_reused": 422,
    "less_than_due": 422,
    "more_than_paid": 422,
    "not_eligible": 422,
    "over_allocation": 422,
    "period_closed": 422,
    "unknown_customer": 422,
    "unknown_policy": 422,
    "pdf_unavailable": 503,
}
# Codes of the framework, in our words.
FRAMEWORK_CODES = {
    "authentication_failed": "bad_token", "permission_denied": "not_permitted", "error": "refused",
    "parse_error": "not_json", "does_not_exist": "not_found",
}  # fmt: skip
BUSY_STATES = ("40001", "40P01", "55P03", "57014")  # serialization, deadlock, lock timeout, statement timeout
RESERVED = frozenset(("type", "title", "status", "detail", "code", "errors"))
FACT_NAMES = {"due": "due_amount"}
GROUPED_AMOUNT = re.compile(r"\d{1,3}(,\d{2,3})+(\.\d+)?")

Error = dict[str, str]


class InFlight(DomainError):
    code = "in_flight"
    sentence = gettext_lazy("A request with this Idempotency-Key is still at work.")


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[Error] | None = None,
    headers: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """A problem+json answer. facts: become members beside the standard ones."""
    body: dict[str, Any] = {
        "type": f"urn:quittance:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or [],
    }
    body |= {FACT_NAMES.get(name, name): _plain(fact) for name, fact in (facts or {}).items() if name not in RESERVED}
    text = json.dumps(body, ensure_ascii=True)
    return HttpResponse(text, status=status, content_type="application/problem+json", headers=dict(headers or {}))


def handle(exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """The framework's exception handler: everything that goes wrong in a view ends here."""
    if isinstance(exc, DomainError):
        return of_refusal(exc, getattr(context.get("view"), "field_names", {}))
    if isinstance(exc, Http404):
        exc = exceptions.NotFound(_("There is no such record."))
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    if isinstance(exc, exceptions.ValidationError):
        return _of_validation(exc)
    if isinstance(exc, exceptions.APIException):
        return _of_framework(exc)
    if isinstance(exc, RequestDataTooBig):
        return problem(413, "body_too_large", _("The request is too large (at most 256 KB)."))
    return _of_database(exc) or _of_bug(exc, context)


def of_refusal(refusal: DomainError, names: Mapping[str, str]) -> HttpResponse:
    """names: what this door calls the fields that services name."""
    parts = refusal.refusals if isinstance(refusal, Refusals) else [refusal]
    errors = [
        {"field": names.get(part.field, part.field), "code": part.code, "message": str(part)}
        for part in parts
        if part.field
    ]
    status = STATUSES.get(refusal.code, 400 if isinstance(refusal, BadInput | Refusals) else 422)
    headers = {"Retry-After": "1"} if isinstance(refusal, InFlight) else {}
    facts = refusal.facts if len(parts) == 1 else {}
    detail = " ".join(dict.fromkeys(str(part) for part in parts))
    return problem(status, refusal.code, detail, errors=errors, headers=headers, facts=facts)


def _of_validation(exc: exceptions.ValidationError) -> HttpResponse:
    errors = list(_flatten("", exc.get_full_details()))
    codes = {error["code"] for error in errors}
    code = codes.pop() if len(codes) == 1 else "invalid"
    detail = " ".join(dict.fromkeys(error["message"] for error in errors))
    return problem(STATUSES.get(code, 400), code, detail, errors=errors)


def _flatten(path: str, detail: Any) -> Iterator[Error]:
    """The framework's nested details as a list: {"cheque": {"bank": [...]}} gives field "cheque.bank"."""
    if isinstance(detail, list):
        for place, item in enumerate(detail):
            leaf = isinstance(item, dict) and set(item) == {"message", "code"}
            yield from _flatten(path if leaf else f"{path}[{place}]", item)
    elif isinstance(detail, dict) and set(detail) == {"message", "code"} and isinstance(detail["code"], str):
        yield {"field": path, "code": detail["code"], "message": str(detail["message"])}
    elif isinstance(detail, dict):
        for name, item in detail.items():
            step = f"[{name}]" if isinstance(name, int) else f".{name}" if path else str(name)
            yield from _flatten(path + step, item)


def _of_framework(exc: exceptions.APIException) -> HttpResponse:
    headers: dict[str, str] = {}
    if getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]
    wait = getattr(exc, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(int(wait) + 1)
    code = str(exc.get_codes())
    return problem(exc.status_code, FRAMEWORK_CODES.get(code, code), str(exc.detail), headers=headers)


def _of_database(exc: Exception) -> HttpResponse | None:
    state = getattr(exc.__cause__, "sqlstate", "") or ""
    if isinstance(exc, OperationalError) and state in BUSY_STATES:
        return problem(503, "busy", _("Busy; nothing was saved. Send the same again."), headers={"Retry-After": "2"})
    if isinstance(exc, IntegrityError) and sentence_of(constraint_of(exc)):
        refusal = explain(exc)
        log.warning("refused by the database: %s", constraint_of(exc))
        return problem(STATUSES.get(refusal.code, 409), refusal.code, str(refusal))
    return None


def _of_bug(exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Not foreseen: logged whole, told as little as possible, with a reference to the log line."""
    request = context.get("request")
    log.error("API request failed", exc_info=exc)
    got_request_exception.send(sender=type(context.get("view")), request=getattr(request, "_request", request))
    reference = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    sentence = _("Something went wrong here; nothing was saved.")
    return problem(500, "internal_error", sentence, facts={"reference": reference})


def _plain(fact: Any) -> Any:
    """A fact as JSON. Amounts that a sentence shows grouped ("7,500.00") become plain digits again."""
    if isinstance(fact, Decimal):
        return f"{fact:f}"
    if isinstance(fact, date):
        return fact.isoformat()
    if fact is None or isinstance(fact, bool | int):
        return fact
    if isinstance(fact, list | tuple):
        return [_plain(item) for item in fact]
    if isinstance(fact, Mapping):
        return {str(name): _plain(item) for name, item in fact.items()}
    text = str(fact)
    return text.replace(",", "") if GROUPED_AMOUNT.fullmatch(text) else text
