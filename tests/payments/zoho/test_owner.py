"""Invariant 35, requirements §2 rows 9 and 10: what Zoho bills is not billed here; what Zoho chases is not charged,
tried again or reminded here."""

from datetime import date
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from billing.errors import DomainError
from billing.models import Agreement, Invoice
from billing.refusals import RefusedByDatabase, explained
from billing.transactions import in_transaction
from payments.models import PaymentAttempt, ZohoSubscription
from payments.services.attempts import AttemptOrder, prepare_attempt
from payments.services.zoho.linking import BilledHere, StartedAlready, start_subscription
from tests import agreements, builders
from tests.billing.chasing.cast import mails, owed, run, school
from tests.billing.runs.cast import monthly, prepare
from tests.payments.charging.cast import Scene as CardScene
from tests.payments.charging.cast import charging_scene
from tests.payments.zoho.cast import Scene

pytestmark = pytest.mark.django_db(transaction=True)


def charge(scene: CardScene, invoice: Invoice) -> PaymentAttempt:
    order = AttemptOrder(
        gateway_account=scene.account, customer_id=scene.ada.pk, operation="sale", currency="USD", method=scene.card(),
        request_key=uuid4().hex, amount=invoice.open_amount, claims=((invoice.pk, invoice.open_amount),),
    )  # fmt: skip
    with explained():
        return in_transaction(partial(prepare_attempt, order, now=builders.NOW, by=None))


@pytest.mark.parametrize(("backend", "owner", "charged"), [
    ("native", "native", True), ("zoho", "native", True), ("zoho", "zoho", False),
])  # fmt: skip
def test_35_what_zoho_chases_is_not_charged_here(backend: str, owner: str, charged: bool) -> None:
    with charging_scene() as scene:
        agreed = agreements.agreement(scene.ada, backend=backend, dunning_owner=owner)
        invoice = scene.bill(agreement_id=agreed.pk)
        if charged:
            assert charge(scene, invoice).state == "created"
            return
        with pytest.raises(RefusedByDatabase) as refusal:
            charge(scene, invoice)
        assert refusal.value.code == "zoho_charges_it"
        assert not PaymentAttempt.objects.filter(operation="sale").exists()


def test_35_an_agreement_is_not_handed_over_while_a_charge_is_under_way() -> None:
    with charging_scene() as scene:
        agreed = agreements.agreement(scene.ada, backend="zoho", dunning_owner="native")
        charge(scene, scene.bill(agreement_id=agreed.pk))
        rows = Agreement.objects.filter(pk=agreed.pk)
        with pytest.raises(IntegrityError, match="charge under way"), transaction.atomic():
            rows.update(dunning_owner="zoho")
        PaymentAttempt.objects.filter(operation="sale").update(state="not_sent")
        rows.update(dunning_owner="zoho")


def test_10_what_is_billed_here_is_never_chased_by_zoho() -> None:
    ada = builders.customer(builders.organization())
    with pytest.raises(IntegrityError, match="agreement_one_owner"):
        agreements.agreement(ada, backend="native", dunning_owner="zoho")


def test_9_the_billing_run_leaves_out_what_zoho_bills() -> None:
    org = builders.organization()
    ada = builders.customer(org)
    mine = monthly(ada)
    theirs = monthly(ada)
    Agreement.objects.filter(pk=theirs.pk).update(backend="zoho", dunning_owner="zoho")
    made = prepare(org)
    assert made is not None
    assert [item.agreement_id for item in made.items.all()] == [mine.pk]


@pytest.mark.parametrize(("owner", "reminded"), [("zoho", False), ("native", True)])
def test_35_reminders_are_the_owners_alone(owner: str, reminded: bool) -> None:
    org = school()
    ada = builders.customer(org, email="ada@example.com")
    agreed = agreements.agreement(ada, backend="zoho", dunning_owner=owner)
    owed(ada, late=30, agreement_id=agreed.pk)
    run(org)
    assert bool(mails(org)) == reminded


def test_9_only_what_zoho_bills_is_begun_there_and_only_once(scene: Scene) -> None:
    def begin(agreement: Agreement) -> ZohoSubscription:
        return in_transaction(
            partial(
                start_subscription, agreement=agreement, gateway_account=scene.account, plan_code="P", now=scene.now,
                by=None,
            )
        )  # fmt: skip

    with pytest.raises(BilledHere):
        begin(agreements.agreement(scene.ada))
    theirs = scene.agreement()
    begin(theirs)
    with pytest.raises(StartedAlready):
        begin(theirs)
    with pytest.raises(IntegrityError, match="still billed by Zoho"), transaction.atomic():
        Agreement.objects.filter(pk=theirs.pk).update(backend="native", dunning_owner="native")
    with pytest.raises(DomainError):
        begin(scene.agreement(state="ended", ends_on=date(2026, 2, 1)))


def test_9_the_database_lets_no_native_agreement_have_a_subscription(scene: Scene) -> None:
    link = scene.begun()
    mine = agreements.agreement(scene.ada)
    with pytest.raises(IntegrityError, match="is billed here"), transaction.atomic():
        ZohoSubscription.objects.create(
            organization=scene.school, agreement=mine, payer=link.payer, gateway_account=scene.account, key="K",
            plan_code="P", made_at=scene.now,
        )  # fmt: skip


def test_credit_that_waits_here_is_not_set_against_what_zoho_charges(scene: Scene) -> None:
    builders.pay(scene.ada, "40.00", now=scene.now)
    scene.subscribed()
    assert scene.invoices[0].applied_amount == Decimal(100)
    assert sum(payment.credit_item.unapplied_amount for payment in scene.payments) == Decimal(40)
