"""How a refund receipt looks: what was given back, of what, by which way, in both languages (R101)."""

import re
from decimal import Decimal

from django.utils.translation import override

from receipts.papers.render import render_html, render_pdf
from tests.receipts.papers.papers import outside_margins, text_of
from tests.receipts.papers.refunds import NUMBER, gas_refund, school_refund


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


class TestContent:
    def test_R101_everything_is_on_the_paper(self) -> None:
        text = plain(render_html(school_refund()))
        for wanted in (
            "Refund receipt", "Refund no. " + NUMBER, "Allegro Music School", "19 Mar 2026 14:05 (UTC−4)", "Lin Family",
            "Amount paid out US$340.00", "Three hundred forty dollars and 00/100", "Way back Cash",
            "Cause Service cancelled", "Reason Piano class of the spring term was cancelled", "Asked on 16 Mar 2026",
            "Payment PAY-2026-03-00000012", "Receipt RCP-2026-00000107", "Amount received US$1,250.00",
            "Refunded 400.00", "Charges kept −50.00", "Processing fee −10.00", "Amount paid out 340.00",
            "Paid out by Ada Byron",
        ):  # fmt: skip
            assert wanted in text, wanted

    def test_both_languages_stand_side_by_side_whatever_the_reader_speaks(self) -> None:
        for language in ("en", "zh-hant"):
            with override(language):
                text = plain(render_html(gas_refund()))
            assert "退款收據 Refund receipt" in text
            assert "實退金額 Amount paid out NT$12,800" in text
            assert "新臺幣壹萬貳仟捌佰元整 New Taiwan dollars twelve thousand eight hundred" in text
            assert "退款方式 Way back 銀行轉帳 Bank transfer" in text
            assert "退款事由 Cause 溢繳 Overpaid" in text

    def test_only_the_end_of_the_payees_account_is_told(self) -> None:
        text = plain(render_html(gas_refund(payee_account="00412345674471")))
        assert "帳號末碼 Account ends in 4471" in text and "0041234567" not in text

    def test_nothing_kept_needs_no_sum(self) -> None:
        assert "Charges kept" not in plain(render_html(gas_refund()))

    def test_the_payee_signs_for_cash_and_cheques_only(self) -> None:
        assert "Received with thanks Lin Family" in plain(render_html(school_refund()))
        assert "Received with thanks Lin Family" in plain(render_html(school_refund("cheque", "100045")))
        assert "Received with thanks" not in plain(render_html(gas_refund()))

    def test_money_kept_for_future_charges_says_so(self) -> None:
        text = plain(render_html(school_refund("")))
        assert "Way back Kept for future charges" in text and "Received with thanks" not in text

    def test_credit_that_no_payment_brought_is_named(self) -> None:
        paper = school_refund(payment=None)
        assert "Credit CM-2026-00000007" in plain(render_html(paper))


class TestPdf:
    def test_the_same_paper_gives_the_same_bytes_within_the_margins(self) -> None:
        for paper in (school_refund(), gas_refund()):
            pdf = render_pdf(paper)
            assert pdf == render_pdf(paper)
            assert outside_margins(pdf) == []
            assert NUMBER in text_of(pdf)

    def test_long_words_and_great_sums_stay_on_the_page(self) -> None:
        paper = gas_refund(
            gross_amount=Decimal(999999999999), paid_amount=Decimal(999999999999), reason="退" * 400,
            payee_name="名" * 160,
        )  # fmt: skip
        pdf = render_pdf(paper)
        assert outside_margins(pdf) == []
        assert "NT$999,999,999,999" in text_of(pdf)
