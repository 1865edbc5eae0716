"""A supervisor accepts a risky cheque through the approvals of the console (R116)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from billing.models import Customer
from billing.office import clock
from billing.office.models import ApprovalRequest, Organization
from payments.models import Cheque
from payments.services.risky_cheques import ask_to_take_risky
from tests import builders
from tests.builders import NOW, TODAY
from tests.console_desk import Desk, desk, plain
from tests.payments.vault_cast import came_back, vault_order


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization()


@pytest.fixture
def dov(school: Organization) -> Customer:
    """Two cheques of Dov's came back."""
    dov = builders.customer(school, "Dov")
    came_back(dov)
    came_back(dov)
    return dov


@pytest.fixture
def clerk(school: Organization) -> Desk:
    return desk(school, "clerk", name="carla")


@pytest.fixture
def supervisor(school: Organization) -> Desk:
    return desk(school, "supervisor", name="sam")


def ask(payer: Customer, clerk: Desk, **details: Any) -> ApprovalRequest:
    with transaction.atomic():
        return ask_to_take_risky(
            organization=payer.organization, order=vault_order(payer, 120, **details), reason="customer for ten years",
            now=NOW, by=clerk.user,
        )  # fmt: skip


def approve(who: Desk, asked: ApprovalRequest, status: int = 302) -> Any:
    return who.post(
        f"approvals/{asked.pk}/", status, decision="approve", shown_hash=asked.shown_hash, reason="", typed_amount=""
    )


def test_R116_the_supervisor_reads_the_cheque_and_what_came_back(dov, clerk, supervisor) -> None:
    asked = ask(dov, clerk, number="000777", bank="Second Bank")
    page = supervisor.see(f"approvals/{asked.pk}/")
    for words in ("take a post-dated cheque", "000777", "Second Bank", "US$120.00", "Cheques that came back 2"):
        assert words in page, page[-2500:]
    assert "request key" not in page.lower()
    assert "Take cheque 000777 of Dov" in supervisor.see("approvals/")


def test_R116_approving_puts_it_in_the_vault(dov, clerk, supervisor) -> None:
    asked = ask(dov, clerk, number="000777")
    page = plain(supervisor.client.get(approve(supervisor, asked)["Location"]))
    assert "Approved; cheque First Bank 000777 is in the vault" in page
    cheque = Cheque.objects.get(number="000777")
    assert (cheque.state, cheque.recorded_by, cheque.matures_on >= TODAY) == ("in_vault", clerk.user, True)


def test_R116_who_asked_does_not_approve(school, dov, supervisor) -> None:
    asked = ask(dov, supervisor)
    assert "another person must approve" in plain(approve(supervisor, asked, 422))
    assert not Cheque.objects.filter(state="in_vault").exists()


def test_60_taken_meanwhile_by_another_desk_it_is_not_taken_twice(school, dov, clerk, supervisor) -> None:
    asked = ask(dov, clerk, number="000777")
    builders.policy(school, "cheques.bounce_supervisor", 0)
    builders.pay(dov, 5, method="cheque", cheque=builders.cheque("000777"))
    builders.policy(school, "cheques.bounce_supervisor", 2)
    page = plain(approve(supervisor, asked, 422))
    assert "This cheque was entered on 2026-03-12" in page
    asked.refresh_from_db()
    assert asked.state == "requested"


def test_27_what_is_past_90_days_is_not_even_asked(dov, clerk) -> None:
    from billing.errors import BadInput

    with pytest.raises(BadInput, match="90 days"):
        ask(dov, clerk, cheque_date=TODAY + timedelta(days=91))


def test_R116_a_counter_payment_is_accepted_there_too(dov, clerk, supervisor) -> None:
    taken = builders.pay(dov, 99, method="cheque", cheque=builders.cheque("N1"), by=clerk.user).payment
    assert "a supervisor who accepts the cheque" in clerk.see(f"payments/{taken.pk}/")
    approve(supervisor, ApprovalRequest.objects.get(action="accept_risky_cheque"))
    taken.refresh_from_db()
    assert taken.state == "processed"


def test_R116_the_receive_screen_warns_before_the_save(dov, clerk) -> None:
    fields = {
        "customer": dov.code, "amount": "50", "method": "cheque", "received_on": "2026-03-12", "currency": "USD",
        "cheque_number": "N1", "cheque_bank": "First Bank", "cheque_date": "2026-03-12", "strategy": "fifo",
        "request_key": "form 1",
    }  # fmt: skip
    found = clerk.post("receive/preview/", 200, **fields).json()
    words = [warning["message"] for warning in found["warnings"] if warning["code"] == "bounces"]
    assert words == [
        "2 cheques of this payer came back in the last 12 months."
        " Provisional, and applied to nothing, until a supervisor has accepted the cheque."
    ]
