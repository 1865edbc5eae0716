"""A family pays on its page: the charge goes where the card works, and what seems fraudulent does not go (R45, R49)."""

from typing import Any

from django.test import Client
from django.urls import reverse

from payments.models import GatewayAccount, PaymentAttempt, PaymentMethod
from payments.models.attempt import AttemptState
from tests import builders
from tests.console_desk import plain
from tests.payments.routing.cast import Two


def pay(two: Two, method: PaymentMethod, amount: str = "60.00") -> str:
    """The page that the family ends at."""
    parent, client = builders.user(), Client()
    two.first.ada.users.add(parent)
    client.force_login(parent)
    invoice = two.first.bill(amount)
    typed: dict[str, Any] = {
        "invoices": str(invoice.pk), f"amount_{invoice.pk}": amount, "method": str(method.pk), "confirm": "yes",
        "request_key": f"key{invoice.pk}",
    }  # fmt: skip
    answer = client.post(reverse("family_pay_till", args=[two.first.ada.pk, "USD"]), typed, follow=True)
    return plain(answer)


def test_R45_a_card_whose_processor_is_in_maintenance_is_charged_at_the_other(two: Two) -> None:
    card, _twin = two.card(), two.twin()
    GatewayAccount.objects.filter(pk=two.first.account.pk).update(
        paused_until="2100-01-01T00:00Z", pause_reason="upkeep"
    )
    assert "US$60.00" in pay(two, card)
    assert two.taken() == (0, 1)
    attempt = PaymentAttempt.objects.get()
    assert (attempt.state, attempt.gateway_account) == (AttemptState.SUCCEEDED, two.account)
    assert attempt.decision["by"] == "payer" and attempt.decision["others"][0]["code"] == "paused"


def test_R45_where_no_processor_can_take_it_the_family_is_told_and_nothing_is_made(two: Two) -> None:
    card = two.card()
    GatewayAccount.objects.filter(pk=two.first.account.pk).update(is_active=False)
    assert "cannot be charged at the moment" in pay(two, card)
    assert not PaymentAttempt.objects.exists() and two.taken() == (0, 0)


def test_R49_a_suspect_charge_is_not_made_and_the_family_is_sent_to_the_office(two: Two) -> None:
    page = pay(two, two.card(cvv="no_match", avs="no_match"))
    assert "This could not be accepted." in page and "call the school's office" in page
    assert two.taken() == (0, 0)
