"""The take-in form as somebody fills it in."""

from datetime import date, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import Customer
from billing.office import clock
from payments.models import ChequePresentation
from tests import builders
from tests.console_desk import Desk, plain
from tests.payments.vault_cast import in_vault

KEY = "form-key-1"


def today() -> date:
    return clock.now().date()


def kept(payer: Customer, amount: str = "100.00", **details: Any) -> Any:
    """A cheque in the vault by today's clock, in thirty days unless told otherwise."""
    details.setdefault("cheque_date", today() + timedelta(days=30))
    return in_vault(payer, amount, now=clock.now(), received_on=today(), **details)


def bounced(payer: Customer, times: int) -> None:
    """So many cheques of the payer came back this month."""
    day = today() - timedelta(days=2)
    papers = [builders.cheque(f"BOUNCED{n}", cheque_date=day) for n in range(times)]
    for taken in [
        builders.pay(payer, 10 + n, method="cheque", cheque=paper, received_on=day, now=clock.now())
        for n, paper in enumerate(papers)
    ]:
        ChequePresentation.objects.filter(payment=taken.payment).update(
            result="returned", result_on=day, reason="nsf", entry=taken.payment.entry, recorded_at=clock.now()
        )


def row(place: int = 0, **typed: Any) -> dict[str, Any]:
    """The inputs of one cheque."""
    given = {
        "number": f"00{place}", "bank": "First Bank", "date": (today() + timedelta(days=30)).isoformat(),
        "amount": "100", "words_amount": "", "branch": "", "drawer": "Ada Lovelace", "kind": "personal", **typed,
    }  # fmt: skip
    return {f"{name.replace('for_', 'for')}-{place}": value for name, value in given.items()}


def sheet(payer: Customer, *rows: dict[str, Any], step: str = "take", **shared: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "customer": payer.code, "request_key": KEY, "strategy": "fifo", "currency": payer.organization.currency,
        "received_on": today().isoformat(), "reference": "", "note": "", "step": step, **shared,
    }  # fmt: skip
    found["row"] = [name.rpartition("-")[2] for one in rows for name in one if name.startswith("number-")]
    for one in rows:
        found |= one
    return found


def take(desk: Desk, payer: Customer, *rows: dict[str, Any], status: int = 302, **shared: Any) -> Any:
    return desk.post(f"vault/take-in/?customer={payer.code}", status, **sheet(payer, *rows, **shared))


def refusal(desk: Desk, payer: Customer, *rows: dict[str, Any], **shared: Any) -> str:
    return plain(take(desk, payer, *rows, status=422, **shared))


def upload(data: bytes, name: str = "front.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)
