"""Moving money to another customer, at the console: search, preview, ask, approve (R127)."""

import html
import re
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import CreditTransfer, Customer
from billing.office import clock
from billing.office.documents import documents_of
from billing.office.models import ApprovalRequest, Organization
from tests import builders
from tests.assertions import assert_books_whole, reread
from tests.console_desk import Desk, desk
from tests.uploads import picture

CONSENT = "Mrs Lovelace, by phone, 12 March"


@pytest.fixture
def school(db: None, monkeypatch: pytest.MonkeyPatch) -> Organization:
    monkeypatch.setattr(clock, "now", lambda: builders.NOW)
    return builders.organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada Lovelace", code="ADA")


@pytest.fixture
def ben(school: Organization) -> Customer:
    return builders.customer(school, "Ben Short", code="BEN")


@pytest.fixture
def clerk(school: Organization) -> Desk:
    return desk(school, "clerk")


@pytest.fixture
def manager(school: Organization) -> Desk:
    return desk(school, "manager")


def typed(**more: str) -> dict[str, str]:
    return {"amount": "40", "consent": CONSENT, "reason": "paid for the brother", "strategy": "none", **more}


def hash_on(page: str) -> str:
    found = re.search(r'name="shown_hash" value="(\w+)"', page)
    assert found
    return found[1]


def test_R127_from_the_payment_to_the_other_customer_and_back_to_the_books(school, ada, ben, clerk, manager) -> None:
    hers, his = builders.invoice(ada, "100.00", number="A-1"), builders.invoice(ben, "30.00", number="B-1")
    payment = builders.pay(ada, "100.00").payment
    item = builders.credit_of(payment)
    assert "Move to another customer" in clerk.see(f"payments/{payment.pk}/")
    found = clerk.get(f"credits/{item.pk}/move/?q=Short").content.decode()
    assert f"?to={ben.pk}" in found and "BEN Ben Short" in html.unescape(found)
    path = f"credits/{item.pk}/move/?to={ben.pk}"
    preview = clerk.post(path, 200, step="preview", **typed(strategy="fifo")).content.decode()
    assert "What a manager will be asked to approve" in preview and "A-1" in preview and "B-1" in preview
    assert not ApprovalRequest.objects.exists()
    letter = SimpleUploadedFile("letter.png", picture("PNG"), "image/png")
    clerk.post(path, step="save", letter=letter, **typed(strategy="fifo"))
    asked = ApprovalRequest.objects.get()
    page = manager.get(f"approvals/{asked.pk}/").content.decode()
    for fact in (CONSENT, "ADA Ada Lovelace", "BEN Ben Short", "A-1", "B-1", "Read the letter"):
        assert fact in html.unescape(page), fact
    manager.post(f"approvals/{asked.pk}/", decision="approve", shown_hash=hash_on(page))
    moved = CreditTransfer.objects.get()
    reread(hers, his, item)
    assert (hers.open_amount, his.open_amount, item.moved_amount) == (40, 0, 40)
    assert documents_of(school, f"credit_transfer:{moved.pk}").get().kind == "consent"
    for where in (f"payments/{payment.pk}/", f"credits/{moved.to_item_id}/"):
        assert moved.number in clerk.see(where), where
    assert "Money moved to another customer" in clerk.see(f"customers/{ada.pk}/")
    assert "Money moved here from another customer" in clerk.see(f"customers/{ben.pk}/")
    assert_books_whole()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"amount": "100.01"}, "Only 100.00 of 100.00 is left."),
        ({"amount": "0"}, "The amount must be more than 0."),
        ({"amount": "many"}, "Amount:"),
        ({"consent": " "}, "Write who agreed, when and how"),
        ({"reason": ""}, "Reason:"),
    ],
)
def test_R127_what_is_wrong_is_said_and_what_was_typed_stays(ada, ben, clerk, changed, sentence) -> None:
    item = builders.pay(ada, "100.00").payment.credit_item
    page = clerk.post(f"credits/{item.pk}/move/?to={ben.pk}", 422, step="save", **typed(**changed))
    text = html.unescape(page.content.decode())
    assert sentence in text
    assert "paid for the brother" in text or "reason" in changed
    assert not ApprovalRequest.objects.exists()


def test_R127_by_hand_an_amount_that_is_wrong_is_said_beside_its_invoice(ada, ben, clerk) -> None:
    his = builders.invoice(ben, "30.00", number="B-1")
    item = builders.pay(ada, "100.00").payment.credit_item
    fields = typed(strategy="manual") | {f"apply-{his.pk}": "30.01"}
    page = clerk.post(f"credits/{item.pk}/move/?to={ben.pk}", 422, step="preview", **fields).content.decode()
    assert f'id="error_apply-{his.pk}"' in page and "Invoice B-1 has 30.00 left." in html.unescape(page)


def test_R127_the_same_customer_is_sent_to_redistribute(ada, clerk) -> None:
    item = builders.pay(ada, "100.00").payment.credit_item
    assert "use Redistribute" in clerk.see(f"credits/{item.pk}/move/?to={ada.pk}")


def test_R127_a_credit_memo_says_why_it_stays(school, ada, clerk) -> None:
    from django.db import transaction

    from billing.services.invoicing import issue_credit_memo

    with transaction.atomic():
        memo = issue_credit_memo(
            organization=school, customer_id=ada.pk, net=Decimal("20.00"), tax=Decimal(0), currency="USD",
            issued_on=builders.TODAY, reason="goodwill", now=builders.NOW, by=None,
        )  # fmt: skip
    assert "Issue one to the other customer instead" in clerk.see(f"credits/{memo.credit_item_id}/move/")
    assert "Move to another customer" not in clerk.see(f"credits/{memo.credit_item_id}/")


def test_R127_another_organization_sees_nothing(ada, clerk) -> None:
    item = builders.pay(ada, "100.00").payment.credit_item
    stranger = builders.customer(builders.organization(), "Eve")
    assert "To which customer" in clerk.see(f"credits/{item.pk}/move/?to={stranger.pk}")
    desk(stranger.organization, "clerk").get(f"credits/{item.pk}/move/", 404)


def test_R127_who_only_reads_is_not_let_in(school, ada) -> None:
    item = builders.pay(ada, "100.00").payment.credit_item
    desk(school, "accountant").get(f"credits/{item.pk}/move/", 403)


def test_R127_a_preview_that_no_longer_holds_is_shown_anew(ada, ben, clerk) -> None:
    item = builders.pay(ada, "100.00").payment.credit_item
    path = f"credits/{item.pk}/move/?to={ben.pk}"
    preview = clerk.post(path, 200, step="preview", **typed(strategy="fifo")).content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', preview)
    assert seen
    builders.invoice(ben, "30.00")
    page = clerk.post(path, 422, step="save", seen=seen[1], **typed(strategy="fifo"))
    assert "Something changed since this page was shown" in html.unescape(page.content.decode())
    assert not ApprovalRequest.objects.exists()
