"""Asking for a refund at the console: one page, checked as it is typed, decided by another person (R91-R97)."""

from decimal import Decimal

import pytest
from django.db import transaction

from billing.office import clock
from billing.office.models import ApprovalRequest, KeptDocument
from billing.services.invoicing import issue_credit_memo
from payments.models import Refund
from tests import builders, uploads
from tests.assertions import assert_books_whole
from tests.console_desk import Desk, desk, plain
from tests.refund_desk import a_file, ask, asked_of, decide, fields, paid, small_refunds


@pytest.fixture
def school(db):
    school = builders.organization(zone="UTC")
    small_refunds(school)
    return school


@pytest.fixture
def ada(school):
    return builders.customer(school, name="Ada Lovelace", email="ada@example.org")


@pytest.fixture
def clerk(school) -> Desk:
    return desk(school, "clerk", name="carla")


@pytest.fixture
def supervisor(school) -> Desk:
    return desk(school, "supervisor", name="sam")


@pytest.fixture
def manager(school) -> Desk:
    return desk(school, "manager", name="mona")


@pytest.fixture
def finance(school) -> Desk:
    return desk(school, "finance_manager", name="fred")


class TestPage:
    def test_R91_it_offers_all_that_is_left_by_the_way_it_came(self, ada, clerk):
        payment = paid(ada, "120.00")
        html = clerk.get(f"refunds/new/?payment={payment.pk}").content.decode()
        assert 'name="gross_amount" value="120.00"' in html
        assert "as it came: back in cash" in html and "At most US$120.00: what is left" in html

    def test_R91_the_buttons_of_payment_credit_and_customer_lead_to_it(self, ada, clerk):
        payment = paid(ada)
        assert f"refunds/new/?payment={payment.pk}" in clerk.get(f"payments/{payment.pk}/").content.decode()
        page = clerk.get(f"customers/{ada.pk}/").content.decode()
        assert f"refunds/new/?credit={payment.credit_item_id}" in page

    def test_R91_a_credit_item_leads_to_its_payment(self, ada, clerk):
        payment = paid(ada)
        assert payment.number in clerk.see(f"refunds/new/?credit={payment.credit_item_id}")

    def test_a_number_leads_to_it_too_and_an_unknown_one_is_said_beside_the_input(self, ada, clerk):
        payment = paid(ada)
        assert clerk.get(f"refunds/find/?number={payment.number}", 302)["Location"].endswith(f"?payment={payment.pk}")
        answer = clerk.get("refunds/find/?number=PAY-1", 404)
        assert "There is no payment or credit of number PAY-1 here" in plain(answer)
        html = answer.content.decode()
        assert 'value="PAY-1"' in html and 'aria-describedby="help_number error_number"' in html

    def test_the_panel_answers_while_somebody_types(self, ada, clerk):
        payment = paid(ada, "120.00")
        path = f"refunds/new/look/?payment={payment.pk}"
        good = plain(clerk.post(path, 200, **fields("40.00")))
        for words in ("✓ May be refunded", "120.00 of 120.00 is left to refund", "Paid out US$40.00",
                      "a supervisor or a manager", "Left after it US$80.00"):  # fmt: skip
            assert words in good, words
        bad = plain(clerk.post(path, 200, **fields("120.01")))
        assert "✕ Not as it stands" in bad and "Only 120.00 of 120.00 is left to refund" in bad
        assert "plain digits" in plain(clerk.post(path, 200, **fields("forty")))
        assert not Refund.objects.exists()

    def test_it_works_without_scripts_by_the_check_button(self, ada, clerk):
        payment = paid(ada)
        answer = clerk.post(f"refunds/new/?payment={payment.pk}", 200, **fields("70.00", step="check"))
        assert "✓ May be refunded" in plain(answer) and 'value="70.00"' in answer.content.decode()
        assert not Refund.objects.exists()

    @pytest.mark.parametrize("key", ["0", "999999", "-1", "x", "9" * 30, ""])
    def test_what_is_not_here_is_404(self, school, clerk, key):
        clerk.get(f"refunds/new/?payment={key}", 404)
        clerk.get(f"refunds/new/?credit={key}", 404)

    def test_another_organizations_money_is_404(self, ada, clerk):
        other = builders.customer(builders.organization(zone="UTC"))
        payment = paid(other)
        clerk.get(f"refunds/new/?payment={payment.pk}", 404)
        clerk.get(f"refunds/new/?credit={payment.credit_item_id}", 404)
        clerk.post(f"refunds/new/look/?payment={payment.pk}", 404, **fields())

    def test_an_accountant_reads_but_does_not_ask(self, school, ada):
        accountant = desk(school, "accountant")
        payment = paid(ada)
        accountant.get(f"refunds/new/?payment={payment.pk}", 403)
        accountant.get("refunds/")


class TestAsking:
    def test_R92_a_clerk_asks_and_a_supervisor_decides_up_to_the_limit(self, ada, clerk, supervisor):
        refund = ask(clerk, paid(ada), "100.00")
        assert asked_of(refund).action == "refund_small"
        page = clerk.see(f"refunds/{refund.pk}/")
        assert "◔ requested" in page and "Waiting for approval, asked by carla" in page
        decide(supervisor, asked_of(refund))
        refund.refresh_from_db()
        assert refund.state == "approved"
        assert "✓ approved" in clerk.see(f"refunds/{refund.pk}/")
        assert_books_whole()

    def test_R92_one_cent_more_needs_a_manager(self, ada, clerk, supervisor, manager):
        refund = ask(clerk, paid(ada, "120.00"), "100.01")
        asked = asked_of(refund)
        assert asked.action == "refund_large"
        supervisor.post(f"approvals/{asked.pk}/", 403, decision="approve", shown_hash=asked.shown_hash, reason="")
        decide(manager, asked)
        refund.refresh_from_db()
        assert refund.state == "approved"

    def test_R96_another_way_waits_for_a_supervisor_to_put_it_forward_and_finance_decides(
        self, ada, clerk, supervisor, manager, finance
    ):
        refund = ask(clerk, paid(ada), destination="cheque", destination_reason="Moved abroad", payee_name="Ada L.")
        page = clerk.see(f"refunds/{refund.pk}/")
        assert "Recorded" in page and not ApprovalRequest.objects.exists()
        supervisor.post(
            f"refunds/{refund.pk}/forward/", destination="cheque", destination_reason="Moved abroad",
            payee_name="Ada L.", payee_account="", consent="",
        )  # fmt: skip
        asked = asked_of(refund)
        assert asked.action == "refund_elsewhere" and asked.shown["payee"] == "Ada L."
        manager.post(f"approvals/{asked.pk}/", 403, decision="approve", shown_hash=asked.shown_hash, reason="")
        decide(finance, asked)
        refund.refresh_from_db()
        assert refund.state == "approved"

    def test_R92_whoever_asked_does_not_decide(self, ada, supervisor):
        refund = ask(supervisor, paid(ada))
        answer = decide(supervisor, asked_of(refund), 422)
        assert "another person must approve" in plain(answer)
        refund.refresh_from_db()
        assert refund.state == "requested"

    def test_R92_rejecting_the_request_rejects_the_refund_with_its_reason(self, ada, clerk, supervisor):
        refund = ask(clerk, paid(ada))
        decide(supervisor, asked_of(refund), decision="reject", reason="The next invoice is due")
        refund.refresh_from_db()
        assert refund.state == "rejected"
        assert "rejected: The next invoice is due" in clerk.see(f"refunds/{refund.pk}/")

    def test_a_double_click_is_one_refund(self, ada, clerk):
        payment = paid(ada)
        first = clerk.post(f"refunds/new/?payment={payment.pk}", **fields())["Location"]
        assert clerk.post(f"refunds/new/?payment={payment.pk}", **fields())["Location"] == first
        assert Refund.objects.count() == 1 and ApprovalRequest.objects.count() == 1

    def test_R93_the_rest_is_refunded_and_one_cent_more_is_not(self, ada, clerk):
        payment = paid(ada, "120.00")
        answer = clerk.post(f"refunds/new/?payment={payment.pk}", 422, **fields("120.01"))
        assert "Only 120.00 of 120.00 is left to refund" in plain(answer)
        assert 'id="error_gross_amount"' in answer.content.decode()
        assert not Refund.objects.exists()
        assert ask(clerk, payment, "120.00").gross_amount == Decimal(120)

    def test_what_was_typed_stays_and_each_refusal_stands_beside_its_input(self, ada, clerk):
        payment = paid(ada)
        answer = clerk.post(
            f"refunds/new/?payment={payment.pk}", 422,
            **fields("12.345", reason_code="", reason="Typed before", charges_amount="-1", payee_name="Aunt"),
        )  # fmt: skip
        html = answer.content.decode()
        for name in ("gross_amount", "reason_code", "charges_amount"):
            assert f'id="error_{name}"' in html, name
        for typed in ('value="12.345"', "Typed before", 'value="-1"', 'value="Aunt"', 'value="form-1"'):
            assert typed in html, typed

    def test_R96_another_way_without_a_reason_is_refused_beside_it(self, ada, supervisor):
        payment = paid(ada)
        answer = supervisor.post(f"refunds/new/?payment={payment.pk}", 422, **fields(destination="cheque"))
        assert 'id="error_destination_reason"' in answer.content.decode()
        assert "Say why the money goes another way" in plain(answer)

    def test_R91_asked_by_the_customer_is_noted_with_their_letter(self, ada, clerk):
        payment = paid(ada)
        refund = ask(clerk, payment, via="parent", paper_letter=a_file("letter.jpg", uploads.picture()))
        assert refund.requested_via == "parent"
        kept = KeptDocument.objects.get(subject=f"refund:{refund.pk}")
        assert (kept.kind, kept.name) == ("letter", "letter.jpg")
        page = clerk.see(f"refunds/{refund.pk}/")
        assert "letter.jpg" in page and "customer ·" in page

    def test_a_file_of_another_type_is_refused_and_nothing_is_asked(self, ada, clerk):
        payment = paid(ada)
        bad = a_file("letter.docx", b"PK\x03\x04 no picture")
        answer = clerk.post(f"refunds/new/?payment={payment.pk}", 422, **fields(paper_letter=bad))
        assert 'id="error_paper_letter"' in answer.content.decode()
        assert "letter.docx is neither" in plain(answer)
        assert not Refund.objects.exists() and not KeptDocument.objects.exists()

    def test_credit_without_a_payment_goes_back_by_another_way_only(self, school, ada, supervisor):
        with transaction.atomic():
            memo = issue_credit_memo(
                organization=school, customer_id=ada.pk, net=Decimal(30), tax=Decimal(0), currency="USD",
                issued_on=clock.now().date(), reason="Lesson fell out", now=clock.now(), by=None,
            )  # fmt: skip
        html = supervisor.get(f"refunds/new/?credit={memo.credit_item_id}").content.decode()
        assert 'value="source"' not in html and "another way: bank transfer" in html


class TestPageOfTheRefund:
    def test_withdrawing_gives_up_what_was_not_decided(self, ada, clerk):
        refund = ask(clerk, paid(ada))
        answer = clerk.post(f"refunds/{refund.pk}/withdraw/", 422, reason="")
        assert 'id="error_reason"' in answer.content.decode()
        assert "is withdrawn" in clerk.follow(f"refunds/{refund.pk}/withdraw/", reason="Asked by mistake")
        refund.refresh_from_db()
        assert refund.state == "withdrawn" and ApprovalRequest.objects.get().state == "withdrawn"

    def test_a_document_is_added_later_and_the_same_one_is_kept_once(self, ada, clerk):
        refund = ask(clerk, paid(ada))
        for _turn in range(2):
            clerk.post(f"refunds/{refund.pk}/papers/", kind="evidence", paper=a_file("advice.pdf", uploads.pdf()))
        assert KeptDocument.objects.get().name == "advice.pdf"
        answer = clerk.post(f"refunds/{refund.pk}/papers/", 422, kind="evidence")
        assert "Choose a file." in plain(answer)

    def test_another_organizations_refund_is_404(self, ada, clerk):
        refund = ask(clerk, paid(ada))
        stranger = desk(builders.organization(), "manager")
        for path in ("", "forward/", "withdraw/", "papers/", "pay-out/", "outcome/"):
            stranger.get(f"refunds/{refund.pk}/{path}", 404)
        stranger.post(f"refunds/{refund.pk}/retry/", 404)
        stranger.post(f"refunds/{refund.pk}/receipt.pdf", 404)
