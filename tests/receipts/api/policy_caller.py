"""Another system that pays and reads the policy of John Doe."""

from datetime import date
from typing import Any

from billing.models import Agreement
from tests.billing.api.caller import Caller, counts
from tests.billing.insurance.cast import JANUARY

NUMBER = "POL-LIFE-2026-000001"


def john(amount: str, on: date = JANUARY, **more: Any) -> dict[str, Any]:
    """A payment for his policy."""
    body = {"policy_number": NUMBER, "amount": amount, "method": "upi", "upi_id": "john@bank", "received_on": str(on),
            "payer_name": "John Doe", "payment_type": "premium", **more}  # fmt: skip
    return {name: value for name, value in body.items() if value is not None}


def refused(caller: Caller, body: Any, status: int, code: str, field: str = "") -> dict[str, Any]:
    before = counts()
    got = caller.post(body)
    assert (got.status_code, got.json()["code"]) == (status, code), got.content
    assert not field or field in [error["field"] for error in got.json()["errors"]]
    assert counts() == before
    found: dict[str, Any] = got.json()
    return found


def read(caller: Caller, path: str) -> Any:
    got = caller.call("GET", f"/api/v1/{path}")
    assert got.status_code == 200, got.content
    return got.json()


def there(policy: Agreement) -> Caller:
    return Caller(policy.organization)
