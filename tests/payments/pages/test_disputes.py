"""A family says that an invoice or a payment is not right, and follows what becomes of it (R107, R124)."""

from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import Invoice
from billing.office import clock
from billing.office.models import KeptDocument, Notice
from billing.selectors.chasing.gate import Hold
from payments.models import Dispute, Payment
from payments.models.dispute import DisputeKind
from payments.services.dispute_asking import ask_about
from payments.services.dispute_work import answer_dispute
from payments.services.voidable import check_voidable
from tests import builders, uploads
from tests.assertions import assert_books_whole
from tests.billing.chasing import cast as chasing
from tests.console_desk import desk, plain
from tests.payments import dispute_cast, refund_cast
from tests.payments.pages.cast import Family, a_file, family
from tests.payments.refund_cast import owner


@pytest.fixture
def mei(db: None) -> Family:
    return family()


def typed(amount: str = "20.00", **details: Any) -> dict[str, Any]:
    return {"amount": amount, "reason_code": "wrong_amount", "description": "Two lessons were never given.",
            "request_key": "form-1", **details}  # fmt: skip


def url_of(about: Invoice | Payment) -> str:
    return f"/family/disputes/new/?{'invoice' if isinstance(about, Invoice) else 'payment'}={about.pk}"


def tell(mei: Family, about: Invoice | Payment, **details: Any) -> Dispute:
    answer = mei.post(url_of(about), **typed(**details))
    return Dispute.objects.get(pk=int(answer["Location"].rstrip("/").rpartition("/")[2]))


def page_of(dispute: Dispute) -> str:
    return f"/family/disputes/{dispute.pk}/"


def test_R124_an_invoice_that_is_not_right_is_marked_and_both_sides_are_told_once(mei) -> None:
    bill = builders.invoice(mei.payer, "120.00")
    assert "At most US$120.00" in mei.see(url_of(bill))
    dispute = tell(mei, bill, document=[a_file("letter.jpg", uploads.picture())])
    bill.refresh_from_db()
    assert bill.is_disputed and (dispute.kind, dispute.amount, dispute.opened_by) == ("invoice", D(20), mei.user)
    assert mei.post(url_of(bill), **typed())["Location"] == page_of(dispute)
    assert Dispute.objects.count() == 1
    assert Notice.objects.filter(kind="dispute_asked").values_list("channel", flat=True).count() == 2
    text = mei.see(page_of(dispute))
    assert "the office looks into it" in text and "Two lessons were never given." in text and "letter.jpg" in text
    assert "Until then we do not remind you of this invoice." in text
    paper = KeptDocument.objects.get()
    assert mei.client().get(f"{page_of(dispute)}documents/{paper.pk}/").status_code == 200
    seen = desk(mei.org, "clerk").get(f"disputes/{dispute.pk}/").content.decode()
    assert f"/console/documents/{paper.pk}/" in seen


def test_R124_reminders_of_it_stop(db) -> None:
    school = chasing.school()
    payer = builders.customer(school, "Mei", email="mei@example.org")
    bill = chasing.owed(payer, late=1)
    with transaction.atomic():
        order = dispute_cast.order(bill, "20.00")
        ask_about(organization=school, order=order, files=[], now=builders.NOW, by=owner(payer))
    chasing.run(school)
    assert chasing.mails(school) == []
    assert chasing.case_of(bill).held_because == Hold("disputed").code


def test_R107_a_second_one_about_the_same_is_refused_with_words(mei) -> None:
    bill = builders.invoice(mei.payer, "120.00")
    dispute = tell(mei, bill)
    text = mei.see(url_of(bill))
    assert "You told us already" in text and dispute.number in text and "What happened" not in text
    assert "already" in plain(mei.post(url_of(bill), 422, **typed(request_key="form-2")))
    payment = mei.paid("50.00")
    question = tell(mei, payment, request_key="form-3")
    assert question.kind == DisputeKind.QUESTION
    assert "already" in plain(mei.post(url_of(payment), 422, **typed(request_key="form-4")))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("amount", "120.01", "Only US$120.00"), ("amount", "0", "more than 0"), ("amount", "ten", "amount"),
        ("reason_code", "nonsense", "Choose what is not right."), ("description", "  ", "Say in a few sentences"),
        ("request_key", "", ""),
    ],
)  # fmt: skip
def test_R107_bad_input_is_said_and_nothing_is_opened(mei, field, value, words) -> None:
    bill = builders.invoice(mei.payer, "120.00")
    assert words in plain(mei.post(url_of(bill), 422, **typed(**{field: value})))
    assert Dispute.objects.count() == 0


def test_R107_a_settled_invoice_leads_to_the_refund(mei) -> None:
    bill = builders.invoice(mei.payer, "120.00")
    mei.paid("120.00")
    text = mei.see(url_of(bill))
    assert "what was paid of it comes back as a refund" in text and "Ask for money back" in text


def test_R107_the_answer_and_the_end_are_told_and_the_bill_is_reduced(mei) -> None:
    bill = builders.invoice(mei.payer, "120.00")
    dispute = tell(mei, bill)
    clerk, manager = builders.user(mei.org, "supervisor"), builders.user(mei.org, "manager")
    now = clock.now()
    with transaction.atomic():
        answer_dispute(dispute=dispute, sent_on=mei.org.today(now), note="You are right about one lesson.", now=now,
                       by=clerk, reason_without="their word")  # fmt: skip
    text = mei.see(page_of(dispute))
    assert "The office answered" in text and "You are right about one lesson." in text
    dispute_cast.lose(dispute, "10.00", clerk, manager, now=now)
    text = mei.see(page_of(dispute))
    assert "you were right" in text and "US$10.00 was taken off by credit memo" in text and "Take DSP" not in text
    assert_books_whole()


def test_R107_a_question_about_a_payment_holds_nothing_and_ends_with_its_refund(mei) -> None:
    """No bank is involved: nothing is posted, the payment may still be refunded or voided."""
    payment = mei.paid("50.00")
    dispute = tell(mei, payment, amount="50.00", reason_code="duplicate")
    assert dispute.hold_entry is None and dispute.steps.filter(key="money_held").count() == 0
    check_voidable(payment)
    staff, now = refund_cast.office(mei.org), clock.now()
    dispute_cast.complete(dispute, staff.supervisor, now=now)
    path = f"disputes/{dispute.pk}/settle/"
    who = desk(mei.org, "supervisor")
    fields: dict[str, Any] = {"outcome": "lost", "lost_amount": "50.00", "reason": "Charged twice indeed"}
    assert "ask for a refund of" in plain(who.post(path, 422, **fields, step="preview"))
    refund_cast.ask(payment, "50.00", staff.clerk, now=now, reason_code="duplicate")
    planned = who.post(path, 200, **fields, step="preview").context["form"].hidden["planned"]
    who.post(path, **fields, step="save", planned=planned)
    dispute.refresh_from_db()
    assert (dispute.state, dispute.lost_amount, dispute.approval) == ("lost", 0, None)
    text = mei.see(page_of(dispute))
    assert "you were right" in text and "Charged twice indeed" in text
    assert_books_whole()


def test_R107_taken_back_twice_is_taken_back_once_by_whoever_asked(mei) -> None:
    bill = builders.invoice(mei.payer, "120.00")
    dispute = tell(mei, bill)
    url = f"{page_of(dispute)}withdraw/"
    assert mei.client(owner(mei.payer)).post(url).status_code == 422
    mei.post(url)
    mei.post(url)
    bill.refresh_from_db()
    dispute.refresh_from_db()
    assert dispute.state == "withdrawn" and not bill.is_disputed
    assert "taken back" in mei.see(page_of(dispute))


def test_R107_words_and_papers_may_follow_while_it_is_open(mei) -> None:
    dispute = tell(mei, mei.paid("50.00"))
    add = f"{page_of(dispute)}add/"
    for _twice in range(2):
        mei.post(add, text="Here is my statement.", document=[a_file("s.pdf", uploads.pdf())])
    assert dispute.events.filter(channel="page").count() == 1 and KeptDocument.objects.count() == 1
    assert mei.see(page_of(dispute)).count("Here is my statement.") == 1
    assert mei.client().post(add, {"text": ""}).status_code == 422
    mei.post(f"{page_of(dispute)}withdraw/")
    assert mei.client().post(add, {"text": "More"}).status_code == 422


def test_R107_a_chargeback_is_shown_without_what_the_office_writes_to_the_bank(mei) -> None:
    payment = mei.paid("50.00")
    dispute = dispute_cast.contest(payment, "50.00", builders.user(mei.org, "supervisor"), now=clock.now(),
                                   description="The cardholder lies")  # fmt: skip
    text = mei.see(page_of(dispute))
    assert "at your bank" in text and "lies" not in text and "Add something" not in text
    assert mei.client().post(f"{page_of(dispute)}withdraw/").status_code == 422
    assert dispute.number in mei.see("/family/disputes/")


def test_45_anything_of_somebody_else_does_not_exist(mei) -> None:
    """Another family's, another school's, and the share of a co-payer: each asks about their own invoices alone."""
    bill = builders.invoice(mei.payer, "120.00")
    dispute = tell(mei, bill, document=[a_file("a.jpg", uploads.picture())])
    paper = KeptDocument.objects.get()
    payer, eve = mei.other()
    share = builders.invoice(payer, "40.00")
    _far, zoe = mei.other("Zoe", builders.organization(zone="UTC"))
    for user in (eve, zoe, builders.user()):
        client = mei.client(user)
        for path in (page_of(dispute), f"{page_of(dispute)}documents/{paper.pk}/", url_of(bill)):
            assert client.get(path).status_code == 404
        for deed in ("add", "withdraw"):
            assert client.post(f"{page_of(dispute)}{deed}/", {"text": "x"}).status_code == 404
        assert client.post(url_of(bill), typed()).status_code == 404
        assert dispute.number not in plain(client.get("/family/disputes/"))
    for bad in (url_of(share), "/family/disputes/new/", "/family/disputes/new/?invoice=1;2"):
        assert mei.client().get(bad).status_code == 404
    assert Client().get(page_of(dispute)).status_code == 302


def test_the_pages_stay_within_twenty_queries(mei) -> None:
    bill = builders.invoice(mei.payer, "120.00")
    dispute = tell(mei, bill)
    payment, client = mei.paid("50.00"), mei.client()
    for path in ("/family/disputes/", page_of(dispute), url_of(payment), url_of(bill)):
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        assert len(seen) <= 20, (path, len(seen))
