"""A profile as data: it comes back from JSON as it was, and what is wrong with one is said at its field."""

import json
from typing import Any

import pytest

from billing.errors import BadInput
from reconciliation.formats.csv_builtin import BUILTIN
from reconciliation.formats.csv_profile import Column, CsvProfile, header_key

GOOD: dict[str, Any] = {"columns": {"booked_on": ["Date"], "amount": ["Amount"], "text": ["Text", "More"]}}


def test_every_profile_survives_json() -> None:
    for profile in BUILTIN.values():
        assert CsvProfile.from_json(json.loads(json.dumps(profile.as_json()))) == profile


BAD: dict[str, tuple[Any, str]] = {
    "no set of fields": ([], "profile"),
    "unknown field": ({**GOOD, "colour": "red"}, "colour"),
    "unknown column": ({"columns": {"when": ["Date"]}}, "columns.when"),
    "no date": ({"columns": {"amount": ["Amount"]}}, "columns.booked_on"),
    "no amount": ({"columns": {"booked_on": ["Date"]}}, "columns.amount"),
    "one side only": ({"columns": {"booked_on": ["Date"], "debit": ["Out"]}}, "columns.amount"),
    "amount and sides": (
        {"columns": {"booked_on": ["Date"], "amount": ["A"], "debit": ["B"], "credit": ["C"]}}, "columns.amount"),
    "mark without amount": (
        {"columns": {"booked_on": ["Date"], "flag": ["A"], "debit": ["B"], "credit": ["C"]}}, "columns.flag"),
    "one column twice": ({"columns": {**GOOD["columns"], "value_on": ["date"]}}, "columns.value_on"),
    "headers no list": ({"columns": {**GOOD["columns"], "balance": "Saldo"}}, "columns.balance"),
    "columns no set": ({"columns": ["Date"]}, "columns"),
    "unknown encoding": ({**GOOD, "encodings": ["utf-7"]}, "encodings"),
    "date order": ({**GOOD, "date_order": "ydm"}, "date_order"),
    "books": ({**GOOD, "books": "mine"}, "books"),
    "delimiter": ({**GOOD, "delimiter": "x"}, "delimiter"),
    "decimal sign": ({**GOOD, "decimal": ";"}, "decimal"),
    "currency": ({**GOOD, "currency": "Euro"}, "currency"),
    "piece of nothing": ({**GOOD, "piece": 0}, "piece"),
    "piece too wide": ({**GOOD, "piece": 401}, "piece"),
    "a number for text": ({**GOOD, "title": 7}, "title"),
    "a list of numbers": ({**GOOD, "flag_in": [1]}, "flag_in"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_field_is_named(case: str) -> None:
    data, field = BAD[case]
    with pytest.raises(BadInput) as caught:
        CsvProfile.from_json(data)
    assert caught.value.field == field


def test_the_edges_of_what_is_allowed_are_taken() -> None:
    assert CsvProfile.from_json({**GOOD, "piece": 1}).piece == 1
    assert CsvProfile.from_json({**GOOD, "piece": 400}).piece == 400
    assert CsvProfile.from_json(GOOD).columns[Column.TEXT] == ("Text", "More")
    both = {**GOOD["columns"], "flag": ["Dr / Cr"], "balance": ["Balance"], "balance_flag": ["Dr / Cr"]}
    assert CsvProfile.from_json({"columns": both}).columns[Column.FLAG] == ("Dr / Cr",)


def test_headers_are_compared_by_their_words() -> None:
    assert header_key(" Balance (INR ) ") == header_key("balance") == "balance"
    assert header_key("Kundenreferenz (End-to-End)") != header_key("Kundenreferenz")
    assert header_key("ＡＭＯＵＮＴ") == "amount"
    assert header_key("餘額（TWD）") == "餘額"
