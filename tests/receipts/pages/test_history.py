"""What became of a family's money: payments with what each paid, refunds, failed tries, credit, receipts (R156)."""

from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from billing.models import Customer
from billing.office import clock
from billing.services.invoicing import issue_credit_memo
from payments.models import Refund
from receipts.models import Receipt, ReceiptCopy
from tests import agreements, builders
from tests.console_desk import plain
from tests.payments import refund_cast


class Family:
    def __init__(self) -> None:
        self.user = builders.user(name="mei")
        self.org = builders.organization("allegro", name="Allegro")
        self.payer = self.join(self.org)
        self.client = Client()
        self.client.force_login(self.user)

    def join(self, org: Any) -> Customer:
        payer = builders.customer(org, "Lin Mei")
        payer.users.add(self.user)
        return payer

    def see(self, path: str, status: int = 200) -> str:
        answer = self.client.get(f"/family/{path}")
        assert answer.status_code == status, plain(answer)[:500]
        return plain(answer)


@pytest.fixture
def mei(db: None) -> Family:
    return Family()


class TestPayments:
    def test_each_with_its_method_what_it_paid_and_its_receipt(self, mei) -> None:
        anna = agreements.agreement(mei.payer, student=agreements.student(mei.payer, "Anna"))
        first = builders.invoice(mei.payer, "60.00", agreement_id=anna.pk)
        second = builders.invoice(mei.payer, "90.00")
        taken = builders.pay(mei.payer, "100.00", by_hand=[(first, "60.00"), (second, "30.00")], strategy="manual")
        text = mei.see("history/")
        assert f"1 payment 12 Mar 2026 ● processed cash · {taken.payment.number} US$100.00" in text
        assert f"Anna · {first.number} US$60.00" in text and f"{second.number} US$30.00" in text
        assert "not used yet US$10.00" in text and f"Receipt {taken.receipt.number}" in text
        html = mei.client.get("/family/history/").content.decode()
        assert f'href="/family/receipts/{taken.receipt.pk}/"' in html
        assert f'href="/family/disputes/new/?payment={taken.payment.pk}"' in html

    def test_in_any_state(self, mei) -> None:
        builders.policy(mei.org, "payments.verify_above", "100")
        builders.pay(mei.payer, "500.00", strategy="none")
        assert "◌ provisional" in mei.see("history/")

    def test_by_child_school_and_year(self, mei) -> None:
        anna = agreements.agreement(mei.payer, student=agreements.student(mei.payer, "Anna"))
        ben = agreements.agreement(mei.payer, student=agreements.student(mei.payer, "Ben"))
        for of, amount in ((anna, "60.00"), (ben, "70.00")):
            bill = builders.invoice(mei.payer, amount, agreement_id=of.pk)
            builders.pay(mei.payer, amount, by_hand=[(bill, amount)], strategy="manual")
        raga = builders.organization("raga", name="Raga", currency="INR", zone="Asia/Kolkata")
        builders.pay(mei.join(raga), "800.00", strategy="none", received_on=date(2026, 3, 10))
        amounts = {"US$60.00", "US$70.00", "₹800.00"}
        for query, expected in (
            ("", amounts), (f"?child={anna.student_id}", {"US$60.00"}), ("?school=raga", {"₹800.00"}),
            ("?year=2026", amounts),
        ):  # fmt: skip
            text = mei.see(f"history/{query}")
            assert {one for one in amounts if one in text} == expected, query

    def test_45_nobody_elses_and_nothing_that_is_not_there(self, mei) -> None:
        zoe = builders.customer(mei.org, "Zoe")
        taken = builders.pay(zoe, "777.00", strategy="none")
        zack = agreements.student(zoe, "Zack")
        builders.organization("secret")
        for show in ("payments", "refunds", "failures"):
            assert "777" not in mei.see(f"history/?show={show}")
        assert "777" not in mei.see("credits/")
        for path in (
            "history/?show=x", "history/?school=secret", f"history/?child={zack.pk}", "history/?year=1999",
            "history/?page=2", "credits/?school=secret", f"receipts/{taken.receipt.pk}/", "receipts/0/",
            f"receipts/{taken.receipt.pk}.pdf", f"receipts/{10**18}/",
        ):  # fmt: skip
            mei.see(path, 404)
        for path in ("history/", "credits/", f"receipts/{taken.receipt.pk}/", f"receipts/{taken.receipt.pk}.pdf"):
            assert Client().get(f"/family/{path}")["Location"].startswith("/sign-in/")

    def test_empty_lists_say_what_would_be_there(self, mei) -> None:
        assert "No payment here." in mei.see("history/") and "No refund here." in mei.see("history/?show=refunds")
        assert "Nothing failed." in mei.see("history/?show=failures") and "No credit here." in mei.see("credits/")
        stranger = Client()
        stranger.force_login(builders.user())
        assert "No account at a school is linked" in plain(stranger.get("/family/history/"))

    def test_in_chinese(self, mei) -> None:
        builders.pay(mei.payer, "20.00", strategy="none")
        mei.client.post("/console/language/", {"language": "zh-hant", "next": "/family/history/"})
        assert "1 筆付款" in mei.see("history/") and "2026年3月12日" in mei.see("history/")


class TestRefunds:
    def test_each_with_its_state_and_when_to_expect_it(self, mei) -> None:
        desk = refund_cast.office(mei.org)
        taken = builders.pay(mei.payer, "100.00", strategy="none", method="bank_transfer", reference="T1")
        refund: Refund = refund_cast.ask(builders.credit_of(taken.payment), "40.00", desk.clerk)
        text = mei.see("history/?show=refunds")
        assert f"{refund.number} of {taken.payment.number}, paid on 12 Mar 2026" in text
        assert "◔ requested" in text and "expected by" in text and "US$40.00" in text


class TestCredits:
    def test_credit_and_how_it_was_used(self, mei) -> None:
        bill = builders.invoice(mei.payer, "60.00")
        builders.pay(mei.payer, "60.00", by_hand=[(bill, "60.00")], strategy="manual")
        kept = builders.pay(mei.payer, "25.00", strategy="none")
        text = mei.see("credits/")
        assert f"○ unapplied payment · {kept.payment.number} US$25.00 US$25.00 free" in text
        assert "US$60.00" not in text  # a payment that is used up stands in the history

    def test_a_credit_memo_says_why_it_was_given(self, mei) -> None:
        with transaction.atomic():
            memo = issue_credit_memo(
                organization=mei.org, customer_id=mei.payer.pk, net=D("15.00"), tax=D(0), currency="USD",
                issued_on=builders.TODAY, reason="Two lessons fell out", now=builders.NOW, by=None,
            )  # fmt: skip
        text = mei.see("credits/")
        assert memo.number in text and "Two lessons fell out" in text and "US$15.00 free" in text
        html = mei.client.get("/family/credits/").content.decode()
        assert f"/family/refunds/new/?credit={memo.credit_item_id}" in html
        mei.see(f"refunds/new/?credit={memo.credit_item_id}")


class TestReceipts:
    def test_R156_it_is_read_on_the_page_and_not_counted(self, mei) -> None:
        bill = builders.invoice(mei.payer, "60.00")
        taken = builders.pay(mei.payer, "75.00", by_hand=[(bill, "60.00")], strategy="manual")
        text = mei.see(f"receipts/{taken.receipt.pk}/")
        assert f"Receipt {taken.receipt.number} ● issued US$75.00" in text and f"{bill.number} US$60.00" in text
        assert "not used yet US$15.00" in text and "Download the receipt (PDF)" in text
        assert not ReceiptCopy.objects.exists()

    def test_R155_the_first_copy_is_the_original_and_the_next_a_duplicate(self, mei, monkeypatch) -> None:
        monkeypatch.setattr("receipts.services.papers._make", lambda receipt, kind, now: f"%PDF-{kind}".encode())
        taken = builders.pay(mei.payer, "75.00", strategy="none")
        address = f"/family/receipts/{taken.receipt.pk}.pdf"
        assert mei.client.get(address, headers={"Sec-Purpose": "prefetch"}).status_code == 204
        first, second = mei.client.get(address), mei.client.get(address)
        assert first["Content-Type"] == "application/pdf" and first["Cache-Control"] == "no-store"
        assert first["Content-Disposition"] == f'attachment; filename="{taken.receipt.number}.pdf"'
        assert (first.content, second.content) == (b"%PDF-original", b"%PDF-duplicate")
        copies = ReceiptCopy.objects.order_by("pk").values_list("how", "is_duplicate", "by")
        assert list(copies) == [("download", False, mei.user.pk), ("download", True, mei.user.pk)]

    def test_a_void_receipt_says_so(self, mei) -> None:
        taken = builders.pay(mei.payer, "75.00", strategy="none")
        Receipt.objects.filter(pk=taken.receipt.pk).update(voided_at=clock.now())
        assert "✕ void" in mei.see(f"receipts/{taken.receipt.pk}/")
