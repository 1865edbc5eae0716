"""All formats side by side: each is known by its content, none comes out short or otherwise than it is."""

import random
from decimal import Decimal

import pytest

from reconciliation.formats.base import FileRefused
from reconciliation.formats.detecting import FORMATS
from reconciliation.formats.reading import Verdict
from reconciliation.formats.source import LONGEST_LINE
from tests.reconciliation.formats.bank_xml import finish
from tests.reconciliation.formats.whole_files import WHOLE, WITHOUT_AN_END

EACH = pytest.mark.parametrize("format", WHOLE)
TEXTS = pytest.mark.parametrize("format", [name for name in WHOLE if not name.startswith("camt")])
BY_BYTES = {"tw_virtual_account", "tw_ach", "nacha", "lockbox"}  # columns of bytes: no wide characters


def amounts(data: bytes, **options: str) -> list[Decimal | None]:
    return [entry.amount for entry in finish(data, **options)[1]]


def outcome(data: bytes) -> tuple[str, list[Decimal | None]]:
    try:
        reading, found = finish(data)
    except FileRefused as trouble:
        assert str(trouble)
        return str(Verdict.REJECT), []
    return str(reading.verdict), [entry.amount for entry in found]


@EACH
def test_R17_a_whole_file_is_known_by_its_content_and_taken_without_a_word(format: str) -> None:
    for name in ("statement.csv", "statement.xml", "statement", "x.exe"):
        reading, found = finish(WHOLE[format], name=name)
        assert (reading.format, reading.verdict) == (format, Verdict.ACCEPT), [str(one) for one in reading.problems]
        assert found


@EACH
def test_exactly_one_reader_takes_each_file_for_its_own(format: str) -> None:
    """But for CSV and the interim report, which others resemble and which are asked in their turn."""
    takers = {one.name for one in FORMATS if one.sniff(WHOLE[format], "x")}
    assert takers - {"csv", "mt940"} == {format} - {"csv", "mt940"}


@EACH
def test_F34_a_file_cut_anywhere_is_never_silently_short(format: str) -> None:
    """Where nothing marks the end, what is there is at least right: no half amount, no other one."""
    data, full = WHOLE[format], amounts(WHOLE[format])
    for length in range(2, len(data)):
        verdict, found = outcome(data[:length])
        if verdict == "accept":
            assert found == (full[: len(found)] if format in WITHOUT_AN_END else full), data[:length][-40:]


@TEXTS
@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_F35_line_ends_make_no_difference(format: str, ends: bytes) -> None:
    data = WHOLE[format].replace(b"\r\n", b"\n").replace(b"\n", ends)
    assert amounts(data) == amounts(WHOLE[format])


def test_F35_a_long_file_may_end_its_lines_with_carriage_returns_alone() -> None:
    """An export of an old Macintosh: to a reader of lines it would be one long line."""
    rows = "\r".join(f"2026-03-02,Ada {number},1.00,{number}.00" for number in range(1, 5_001))
    data = f"Date,Description,Amount,Balance\r{rows}\r".encode()
    assert len(data) > 2 * LONGEST_LINE
    assert amounts(data) == [Decimal("1.00")] * 5_000


@TEXTS
def test_F35_mixed_line_ends_make_no_difference(format: str) -> None:
    lines = WHOLE[format].replace(b"\r\n", b"\n").split(b"\n")
    data = b"".join(line + (b"\n", b"\r\n", b"\r")[number % 3] for number, line in enumerate(lines))
    assert amounts(data) == amounts(WHOLE[format])


@EACH
def test_F35_a_byte_order_mark_makes_no_difference(format: str) -> None:
    assert amounts(b"\xef\xbb\xbf" + WHOLE[format]) == amounts(WHOLE[format])


@TEXTS
def test_padding_at_the_end_is_passed_over_or_refused_but_never_read_as_money(format: str) -> None:
    verdict, found = outcome(WHOLE[format] + b"\x1a" + b"\0" * 300)
    known = [amount for amount in found if amount is not None]
    assert known == ([] if verdict == "reject" else amounts(WHOLE[format]))


@TEXTS
def test_F35_wide_characters_are_read_right_or_refused(format: str) -> None:
    verdict, found = outcome(WHOLE[format].decode().encode("utf-16"))
    assert found == amounts(WHOLE[format]) if format not in BY_BYTES or verdict != "reject" else found == []


@TEXTS
def test_F36_a_line_of_65_kilobytes_is_refused(format: str) -> None:
    if format in ("tw_ach", "tw_virtual_account", "nacha"):  # too wide for its columns already
        expected = {"too_large", "misfit", "not_a_statement", "no_row"}
    else:
        expected = {"too_large"}
    with pytest.raises(FileRefused) as caught:
        finish(WHOLE[format].rstrip() + b" " * (LONGEST_LINE + 1) + b"x\n")
    assert caught.value.code in expected


@EACH
def test_no_spoilt_file_ends_in_a_crash(format: str) -> None:
    """Bytes changed, dropped and doubled at random, the same each time: refused or read, with figures that add up."""
    dice = random.Random(format)
    pieces = (b"\0", b"-", b"9" * 12, b",", b"/", b"\n", b'"', b"<", b"\xff\xfe", b"\xe5\x8f", b":61:", b"NaN", b"1e9")
    for _turn in range(150):
        data = bytearray(WHOLE[format])
        for _change in range(dice.choice((1, 1, 3))):
            at = dice.randrange(len(data))
            data[at : at + dice.choice((0, 1, 7))] = dice.choice(
                (b"", bytes([dice.randrange(256)]), dice.choice(pieces))
            )
        try:
            reading, found = finish(bytes(data))
        except FileRefused as trouble:
            assert str(trouble) and trouble.code
        else:
            assert reading.entries == len(found)
            known = [entry.amount for entry in found if entry.amount is not None]
            assert sum(known) == reading.sums.net or any(one.statement.flips_reversals for one in reading.statements)
