"""Into how many parts an SMS is cut. No database."""

import pytest

from billing.office.sms_parts import Parts, parts_of


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", Parts("GSM-7", 0, 1)), ("a" * 160, Parts("GSM-7", 160, 1)), ("a" * 161, Parts("GSM-7", 161, 2)),
        ("a" * 306, Parts("GSM-7", 306, 2)), ("a" * 307, Parts("GSM-7", 307, 3)),
        ("€" * 80, Parts("GSM-7", 160, 1)), ("€" * 81, Parts("GSM-7", 162, 2)),
        ("a" * 152 + "€" + "a" * 153, Parts("GSM-7", 307, 3)),  # the euro does not fit into the first part
        ("元" * 70, Parts("UCS-2", 70, 1)), ("元" * 71, Parts("UCS-2", 71, 2)), ("元" * 135, Parts("UCS-2", 135, 3)),
        ("😀" * 35, Parts("UCS-2", 70, 1)), ("😀" * 36, Parts("UCS-2", 72, 2)), ("•", Parts("UCS-2", 1, 1)),
    ],
)  # fmt: skip
def test_it_is_cut_as_phones_cut_it(text, parts) -> None:
    assert parts_of(text) == parts
