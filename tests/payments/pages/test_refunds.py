"""A family asks for money back on its pages, sees each step, and nobody else's (R91-R101, R189)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format

from billing.office import clock
from billing.office.documents import keep_document
from billing.office.models import ApprovalRequest, KeptDocument, Notice
from payments.models import Payment, Refund
from tests import builders, uploads
from tests.assertions import assert_books_whole
from tests.console_desk import desk, plain
from tests.payments import refund_cast as cast
from tests.payments.pages.cast import Family, a_file, family


@pytest.fixture
def mei(db: None) -> Family:
    return family()


def typed(amount: str = "40.00", **details: Any) -> dict[str, Any]:
    return {"amount": amount, "reason_code": "overpaid", "reason": "Paid twice by mistake", "destination": "source",
            "invoice": "", "request_key": "form-1", **details}  # fmt: skip


def url_of(payment: Payment) -> str:
    return f"/family/refunds/new/?payment={payment.pk}"


def look(mei: Family, payment: Payment, status: int = 200, **details: Any) -> Any:
    return mei.post(url_of(payment), status, **typed(**details))


def ask(mei: Family, payment: Payment, **details: Any) -> Refund:
    fields = {"documents": None, **details}
    files = fields.pop("documents")
    shown = look(mei, payment, **fields).context["shown"]
    extra = {"document": files} if files else {}
    answer = mei.post(url_of(payment), **typed(**fields), confirm="1", shown=shown, **extra)
    return Refund.objects.get(pk=int(answer["Location"].rstrip("/").rpartition("/")[2]))


def test_R91_it_says_what_may_come_back_and_by_when_before_anything_is_typed(mei) -> None:
    payment = mei.paid("120.00")
    text = mei.see(url_of(payment))
    assert "At most US$120.00" in text and "No fee is kept." in text and "Back to the card it was paid with" in text
    assert "If you ask today you can expect it by" in text
    assert Refund.objects.count() == 0


def test_R91_a_request_is_looked_at_first_then_asked_once_with_its_documents(mei) -> None:
    payment = mei.paid("120.00")
    answer = look(mei, payment)
    assert "Look at it once more" in plain(answer) and Refund.objects.count() == 0
    photo = a_file("letter.jpg", uploads.picture())
    refund = ask(mei, payment, documents=[photo])
    assert (refund.requested_via, refund.requested_by, refund.gross_amount) == ("parent", mei.user, 40)
    again = mei.post(url_of(payment), **typed(), confirm="1", shown=answer.context["shown"])
    assert again["Location"] == f"/family/refunds/{refund.pk}/" and Refund.objects.count() == 1
    kept = KeptDocument.objects.get(subject=f"refund:{refund.pk}")
    page = mei.see(f"/family/refunds/{refund.pk}/")
    assert "letter.jpg" in page and "the office decides" in page and "You asked for it" in page
    assert f"You can expect it by {date_format(refund.expected_on)}" in page
    paper = mei.client().get(f"/family/refunds/{refund.pk}/documents/{kept.pk}/")
    assert paper.status_code == 200 and paper["Content-Security-Policy"].startswith("sandbox")
    assert Notice.objects.filter(kind="refund_requested", party=mei.payer.pk).count() == 1


def test_R93_one_cent_more_than_is_left_is_refused_at_its_place(mei) -> None:
    payment = mei.paid("120.00")
    assert look(mei, payment, amount="120.00").context["preview"].paid == 120
    text = plain(look(mei, payment, 422, amount="120.01"))
    assert "Only 120.00 of 120.00 is left to refund." in text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("amount", "0", "must be more than 0"), ("amount", "x", "amount"), ("amount", "-5", "amount"),
        ("amount", "1.005", "decimal"), ("reason_code", "", "Choose why."), ("reason_code", "drop", "Choose why."),
        ("reason", "   ", "Say in a sentence what happened."), ("destination", "cheque", "Choose one of the list."),
        ("invoice", "9;1", "Choose one of the list."),
    ],
)  # fmt: skip
def test_R91_bad_input_is_said_and_nothing_is_asked(mei, field, value, words) -> None:
    answer = look(mei, mei.paid("120.00"), 422, **{"reason_code": "cancelled", field: value})
    assert words in plain(answer).replace("How much", "")
    assert Refund.objects.count() == 0


def test_47_a_card_number_is_neither_kept_nor_sent_back(mei) -> None:
    payment = mei.paid("120.00")
    reason = "My card is 4111 1111 1111 1111"
    shown = look(mei, payment, reason=reason).context["shown"]
    answer = mei.post(url_of(payment), 422, **typed(reason=reason), confirm="1", shown=shown)
    assert "4111 1111" not in answer.content.decode() and "card number" in plain(answer)
    assert Refund.objects.count() == 0


def test_R97_the_fee_of_a_late_request_is_shown_from_day_31_on(mei) -> None:
    builders.policy(mei.org, "refunds.fee", "5")
    today = mei.org.today(clock.now())
    last = mei.paid("50.00", received_on=today - timedelta(days=30))
    late = mei.paid("60.00", received_on=today - timedelta(days=31))
    assert "No fee is kept." in mei.see(url_of(last))
    assert "a processing fee of US$5.00 is kept" in mei.see(url_of(late))
    assert "You get US$35.00" in plain(look(mei, late))


def test_R100_only_causes_for_which_money_is_given_back_are_offered(mei) -> None:
    builders.policy(mei.org, "refunds.eligible_reasons", ["duplicate"])
    payment = mei.paid("120.00")
    text = mei.see(url_of(payment))
    assert "I paid twice" in text and "I paid too much" not in text
    assert "Choose why." in plain(look(mei, payment, 422))


def test_R100_what_invoices_took_is_not_overpaid_and_reopens_them_for_another_cause(mei) -> None:
    bill = builders.invoice(mei.payer, "100.00")
    payment = mei.paid("120.00")
    assert "Only 20.00 of it is not used yet" in plain(look(mei, payment, 422))
    text = plain(look(mei, payment, reason_code="wrong_customer"))
    assert f"open again when the office agrees: {bill.number}" in text


def test_R99_the_invoice_of_something_cancelled_is_reduced_instead(mei) -> None:
    bill = builders.invoice(mei.payer, "100.00")
    payment = mei.paid("120.00")
    text = plain(look(mei, payment, reason_code="cancelled", invoice=str(bill.pk)))
    assert f"Invoice {bill.number} is reduced by a credit memo" in text and "open again" not in text
    assert ask(mei, payment, reason_code="cancelled", invoice=str(bill.pk)).invoice == bill


def test_R101_a_second_request_for_the_same_money_is_refused_with_words(mei) -> None:
    payment = mei.paid("120.00")
    refund = ask(mei, payment)
    text = mei.see(url_of(payment))
    assert f"You asked for this already: {refund.number}." in text and "How much" not in text
    mei.post(url_of(payment), 200, **typed(request_key="form-2"), confirm="1", shown="x")
    with pytest.raises(Exception, match="You asked for this already"):
        cast.ask(payment, "10.00", mei.user, reason_code="overpaid", via="parent")
    assert Refund.objects.count() == 1


def test_R96_keeping_it_as_credit_is_consent(mei) -> None:
    refund = ask(mei, mei.paid("120.00"), destination="credit")
    assert (refund.destination, refund.consent) == ("credit", "chosen by mei on the customer's own page")


def test_R98_every_step_is_told_in_plain_words_up_to_the_receipt(mei) -> None:
    staff = cast.office(mei.org)
    refund = ask(mei, mei.paid("120.00"))
    page = f"/family/refunds/{refund.pk}/"
    now = clock.now()
    assert mei.client().get(f"{page}receipt/").status_code == 404
    clerk = desk(mei.org, "supervisor")
    assert refund.number in clerk.see("refunds/")
    cast.forward(refund, staff.supervisor, now=now)
    assert ApprovalRequest.objects.get(subject=f"refund:{refund.pk}").state == "requested"
    cast.approve(refund, staff.manager, now=now)
    assert "The office agreed" in mei.see(page)
    attempt = cast.send(refund, staff.teller, now=now)
    assert "It was sent" in mei.see(page)
    cast.settle(attempt, staff.teller, on=mei.org.today(now), now=now)
    text = mei.see(page)
    assert "paid back" in text and "Refund receipt (PDF)" in text and "Withdraw" not in text
    paper = mei.client().get(f"{page}receipt/")
    assert paper.status_code == 200 and paper.content.startswith(b"%PDF")
    assert mei.client().get(f"{page}receipt/").content == paper.content
    assert_books_whole()


def test_R189_a_late_one_says_so(mei) -> None:
    refund = ask(mei, mei.paid("120.00"))
    today = mei.org.today(clock.now())
    Refund.objects.filter(pk=refund.pk).update(expected_on=today)
    assert "later than we promised" not in mei.see("/family/refunds/")
    Refund.objects.filter(pk=refund.pk).update(expected_on=today - timedelta(days=1))
    assert "later than we promised" in mei.see("/family/refunds/")


def test_R91_the_office_says_no_with_a_reason_the_family_reads(mei) -> None:
    staff = cast.office(mei.org)
    refund = ask(mei, mei.paid("120.00"))
    cast.forward(refund, staff.supervisor, now=clock.now())
    cast.reject(refund, staff.manager, "It paid the lessons of March", now=clock.now())
    text = mei.see(f"/family/refunds/{refund.pk}/")
    assert "not agreed" in text and "It paid the lessons of March" in text


def test_R91_withdrawn_twice_is_withdrawn_once_and_only_by_whoever_asked(mei) -> None:
    refund = ask(mei, mei.paid("120.00"))
    spouse = cast.owner(mei.payer)
    url = f"/family/refunds/{refund.pk}/withdraw/"
    assert "Withdraw REF" not in plain(mei.client(spouse).get(f"/family/refunds/{refund.pk}/"))
    assert mei.client(spouse).post(url).status_code == 422
    mei.post(url)
    mei.post(url)
    refund.refresh_from_db()
    assert refund.state == "withdrawn"


def test_R91_a_document_may_follow_while_it_waits_and_programs_are_refused(mei) -> None:
    refund = ask(mei, mei.paid("120.00"))
    url = f"/family/refunds/{refund.pk}/documents/"
    assert "Choose a photo or a PDF first." in plain(mei.post(url, 422))
    assert "is neither" in plain(mei.post(url, 422, document=a_file("x.exe", b"MZ" * 40)))
    six = [a_file(f"{n}.pdf", uploads.pdf()) for n in range(6)]
    assert "At most 5 documents" in plain(mei.post(url, 422, document=six))
    for _twice in range(2):
        mei.post(url, document=a_file("bill.pdf", uploads.pdf()))
    assert KeptDocument.objects.filter(subject=f"refund:{refund.pk}").count() == 1


def test_45_anything_of_somebody_else_does_not_exist(mei) -> None:
    """Another family's here and at another school; the office's own papers; whoever is not signed in."""
    payment = mei.paid("120.00")
    refund = ask(mei, payment, documents=[a_file("a.jpg", uploads.picture())])
    kept = KeptDocument.objects.get(subject=f"refund:{refund.pk}")
    payer, eve = mei.other()
    _far, zoe = mei.other("Zoe", builders.organization(zone="UTC"))
    theirs = builders.pay(payer, "30.00", now=clock.now(), received_on=mei.org.today(clock.now())).payment
    paths = [f"/family/refunds/{refund.pk}/", f"/family/refunds/{refund.pk}/receipt/",
             f"/family/refunds/{refund.pk}/documents/{kept.pk}/", url_of(payment)]  # fmt: skip
    for user in (eve, zoe, builders.user()):
        client = mei.client(user)
        assert [client.get(path).status_code for path in paths] == [404] * len(paths)
        assert client.post(url_of(payment), typed(confirm="1", shown="x")).status_code == 404
        assert client.post(f"/family/refunds/{refund.pk}/withdraw/").status_code == 404
        assert client.post(f"/family/refunds/{refund.pk}/documents/").status_code == 404
        assert refund.number not in plain(client.get("/family/refunds/"))
    with transaction.atomic():
        note = keep_document(
            organization=mei.org, subject=f"refund:{refund.pk}", kind="letter", name="note.pdf", data=uploads.pdf(),
            now=clock.now(), by=builders.user(mei.org, "clerk"),
        )  # fmt: skip
    assert mei.client().get(f"/family/refunds/{refund.pk}/documents/{note.pk}/").status_code == 404
    assert "note.pdf" not in mei.see(paths[0])
    for bad in (url_of(theirs), "/family/refunds/new/?payment=x", "/family/refunds/new/?credit=9" + "9" * 30):
        assert mei.client().get(bad).status_code == 404
    assert Client().get("/family/refunds/").status_code == 302


def test_R91_the_list_to_choose_from_has_what_is_left_of_own_money_alone(mei) -> None:
    payment = mei.paid("120.00")
    payer, _eve = mei.other()
    theirs = builders.pay(payer, "30.00", now=clock.now(), received_on=mei.org.today(clock.now())).payment
    text = mei.see("/family/refunds/new/")
    assert payment.number in text and theirs.number not in text


def test_the_pages_stay_within_twenty_queries_and_a_hundred_kilobytes(mei) -> None:
    builders.invoice(mei.payer, "100.00")
    payment = mei.paid("120.00")
    client = mei.client()
    refund = ask(mei, mei.paid("44.00"))
    for path in ("/family/refunds/", "/family/refunds/new/", url_of(payment), f"/family/refunds/{refund.pk}/"):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            answer = client.get(path)
        assert len(seen) <= 20, (path, len(seen))
        assert len(answer.content) < 100_000
    with CaptureQueriesContext(connection) as seen:
        client.post(url_of(payment), typed(request_key="other"))
    assert len(seen) <= 30
