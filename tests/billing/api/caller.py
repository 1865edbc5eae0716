"""Another system, calling the API over HTTP. Every answer is held against the published description."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import count
from typing import Any

from django.db import connection
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from billing.office.machines import issue_token
from billing.office.models import ApiClient, Organization
from tests import builders

PAYMENTS = "/api/v1/payments/"
MONEY_TABLES = (
    "payments_payment", "payments_cheque", "receipts_receipt", "billing_credititem", "billing_allocation",
    "billing_invoice", "ledger_journalentry", "ledger_journalline", "office_apirequest", "office_notice",
    "office_approvalrequest", "office_numberseries",
)  # fmt: skip
_keys = count(1)


class Caller:
    """A client of one organization, acting as a user with `roles`."""

    def __init__(self, organization: Organization, *roles: str, user: Any = None) -> None:
        self.organization = organization
        self.user = user or builders.user(organization, *(roles or ("clerk",)))
        self.record: ApiClient
        self.record, self.token = issue_token(organization=organization, name="POS", user=self.user)
        self.http = Client()

    def call(self, method: str, path: str, data: Any = None, *, headers: Mapping[str, str] | None = None) -> Any:
        """data: JSON, or bytes as they are. The answer's .json() as usual."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
        content_type = sent.pop("Content-Type", "application/json")
        got = self.http.generic(method, path, body, content_type, headers=sent)
        check_described(method, path, got)
        return got

    def get(self, path: str, **query: Any) -> Any:
        """path: below /api/v1/payments/."""
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return self.call("GET", f"{PAYMENTS}{path}" + (f"?{text}" if text else ""))

    def post(self, data: Any, key: str | None = None, **headers: str) -> Any:
        """A new Idempotency-Key unless one is given; "" sends none."""
        key = f"k{next(_keys)}" if key is None else key
        return self.call("POST", PAYMENTS, data, headers=({"Idempotency-Key": key} if key else {}) | headers)

    def change(self, method: str, number: str, data: Any, key: str | None = None) -> Any:
        """PATCH or DELETE of one payment, with a new Idempotency-Key unless one is given; "" sends none."""
        key = f"k{next(_keys)}" if key is None else key
        headers = {"Idempotency-Key": key} if key else {}
        return self.call(method, f"{PAYMENTS}{number}/", data, headers=headers)


def payment(payer: Any, amount: Any = "120.00", /, **more: Any) -> dict[str, Any]:
    """A body that is taken, unless `more` spoils it. A value of None leaves the field out."""
    body = {
        "customer": payer.code, "amount": amount, "method": "cash", "received_on": str(builders.TODAY),
        "payer_name": "Ada Lovelace", **more,
    }  # fmt: skip
    return {name: value for name, value in body.items() if value is not None}


def counts() -> dict[str, int]:
    """Rows of every table that money touches."""
    found = {}
    with connection.cursor() as cursor:
        for table in MONEY_TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = cursor.fetchone()[0]
    return found


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def check_described(method: str, path: str, got: Any) -> None:
    """The answer has a status and a body that the description announces, with no member it does not know."""
    media = got.headers["Content-Type"].split(";")[0]
    if media == "application/problem+json":
        found = got.json()
        assert {"type", "title", "status", "detail", "code", "errors"} <= set(found)
        assert found["status"] == got.status_code
        assert all(set(error) == {"field", "code", "message"} for error in found["errors"])
    operation = _operation(method, path)
    if operation is None or got.status_code in (404, 405):
        return
    answers = operation["responses"]
    assert str(got.status_code) in answers, f"{method} {path} gave an undescribed {got.status_code}: {got.content!r}"
    if media == "application/json":
        schema = answers[str(got.status_code)]["content"][media]["schema"]
        Draft7Validator(_as_json_schema(schema)).validate(got.json())


def _operation(method: str, path: str) -> dict[str, Any] | None:
    """The described operation whose address this is: the one with the fewest parts left open."""
    path = path.partition("?")[0]
    fitting = [
        template
        for template in description()["paths"]
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path)
    ]
    found: dict[str, Any] = description()["paths"][min(fitting, key=lambda t: t.count("{"))] if fitting else {}
    return found.get(method.lower())


def _as_json_schema(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: references put in, nullable said with null, objects closed."""
    if isinstance(schema, list):
        return [_as_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _as_json_schema(description()["components"]["schemas"][name])
    made = {name: _as_json_schema(item) for name, item in schema.items() if name != "nullable"}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made["additionalProperties"] = False
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") else made
