"""What a receipt says (R154), frozen as JSON."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.office.models import Organization
from payments.models import Method, Purpose
from receipts.papers import labels
from tests.receipts.papers.papers import Book, cheque, gas_content, payment, school_content


def test_R154_it_holds_header_payment_and_footer() -> None:
    content = school_content()
    assert content["organization"]["name"] == "Allegro Music School"
    assert content["organization"]["logo"] == ""
    assert content["issued_at"] == "2026-03-12T14:05:00-04:00"
    assert content["customer"]["code"] == "C00412"
    assert content["method"] == "cash"
    assert (content["amount"], content["currency"]) == ("1250.00", "USD")
    assert content["reference"] == "March lessons"
    assert content["signatory"] == "Clara Schumann, Bursar"
    assert content["issued_by"] == "Ada Byron"
    assert content["terms"] == "Please keep this receipt."
    assert content["organization"]["phone"] == "+1 212 555 0118"
    assert content["words"] == {"en": "one thousand two hundred fifty dollars and 00/100"}


def test_R154_each_applied_invoice_tells_what_became_of_it() -> None:
    content = school_content()
    assert content["applied"][1] == {
        "number": "INV-2026-00001990",
        "issued_on": "2026-02-12",
        "due_on": "2026-03-14",
        "open_before": "1000.00",
        "discount": "20.00",
        "write_off": "0.00",
        "applied": "980.00",
        "open_after": "0.00",
    }
    assert (content["left_over"], content["customer_open_after"]) == ("30.00", "75.00")


def test_it_survives_json_unchanged() -> None:
    for content in (school_content(cheque=cheque()), gas_content()):
        assert json.loads(json.dumps(content)) == content


def test_the_day_is_that_of_the_organization() -> None:
    late = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    assert gas_content(issued_at=late)["issued_at"] == "2026-04-01T07:30:00+08:00"


def test_it_has_words_in_each_language_of_the_paper() -> None:
    assert gas_content()["words"] == {
        "zh-hant": "新臺幣壹拾貳萬捌仟肆佰伍拾元整",
        "en": "New Taiwan dollars one hundred twenty-eight thousand four hundred fifty only",
    }


@pytest.mark.parametrize(("chosen", "languages"), [([], ["en"]), (["fr"], ["en"]), (["zh-hant"], ["zh-hant"])])
def test_without_a_known_language_it_is_english(chosen: list[str], languages: list[str]) -> None:
    book = Book(Organization(currency="TWD"), receipts_languages=chosen)
    assert gas_content(book=book)["languages"] == languages


def test_a_cheque_is_named_and_valid_only_once_honoured() -> None:
    content = school_content(cheque=cheque(), payment=payment(method="cheque"))
    assert content["cheque"]["number"] == "000123"
    assert content["notes"]["en"] == [labels.NOTES["cheque"][0]]


def test_R13_a_payment_that_waits_for_a_second_person_says_so() -> None:
    waiting = payment(state="pending", currency="TWD", amount=Decimal(1000001))
    notes = gas_content(payment=waiting, slices=[])["notes"]
    assert notes["zh-hant"][0].startswith("暫收")
    assert notes["en"][0].startswith("Provisional")


def test_a_chinese_clerk_is_named_family_name_first() -> None:
    assert gas_content()["issued_by"] == "王淑芬"


@pytest.mark.parametrize(
    ("table", "codes"),
    [(labels.METHODS, Method.values), (labels.PURPOSES, Purpose.values)],
    ids=["methods", "purposes"],
)
def test_every_method_and_purpose_can_be_printed(table: dict[str, labels.Words], codes: list[str]) -> None:
    assert set(codes) <= set(table)


@pytest.mark.parametrize(
    "table", [labels.LABELS, labels.MARKS, labels.NOTES, labels.METHODS, labels.PURPOSES, labels.BREAKDOWN]
)
def test_every_label_stands_in_both_languages(table: dict[str, labels.Words]) -> None:
    assert all(english and chinese for english, chinese in table.values())
