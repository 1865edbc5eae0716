"""Files that mean harm or are broken: refused with a sentence, nothing read on, memory bounded (F33-F39)."""

import time
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from reconciliation.formats.base import FileRefused
from reconciliation.formats.reading import Verdict, open_reading
from reconciliation.formats.source import LARGEST, MOST_ENTRIES
from tests.reconciliation.formats.bank_xml import balances, document, entry, finish, statement, whole

DOCTYPE = "XML with a DOCTYPE is not accepted."
GOOD = document(statement(balances("10", "15"), entry("5")))


def refusal(data: bytes, **options: object) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        finish(data, **options)
    return caught.value


def with_head(head: str) -> bytes:
    return document(
        statement(balances("10", "15"), entry("5", inner="<AddtlNtryInf>&x;</AddtlNtryInf>")), head=head
    ).encode()


class TestDoctype:
    LAUGHS = "".join(
        f'<!ENTITY l{n} "{"".join(f"&l{n - 1};" for _again in range(10))}">' for n in range(1, 10)
    )  # fmt: skip
    HEADS = {
        "an external entity": '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        "a remote definition": '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/d.dtd">',
        "a parameter entity": '<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]>',
        "a billion laughs": f'<!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}<!ENTITY x "&l9;">]>',
        "a quadratic blow-up": f'<!DOCTYPE d [<!ENTITY x "{"a" * 50_000}">]>',
        "nothing but the word": "<!DOCTYPE Document>",
    }

    @pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
    def test_F37_any_doctype_is_refused(self, head: str) -> None:
        trouble = refusal(with_head(head))
        assert (trouble.code, str(trouble)) == ("doctype", DOCTYPE)

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_F37_also_in_wide_characters(self, encoding: str) -> None:
        text = with_head("<!DOCTYPE Document>").decode().replace("UTF-8", encoding.upper())
        assert refusal(text.encode(encoding)).code == "doctype"

    def test_F37_also_where_its_bytes_would_spell_something_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The parser itself is asked as well, for encodings in which the word has other bytes."""
        for module in ("xml_stream", "detecting"):
            monkeypatch.setattr(f"reconciliation.formats.{module}.has_doctype", lambda head: False)
        head = '<!DOCTYPE d [<!ENTITY x "5">]>'
        assert refusal(with_head(head)).code == "doctype"

    def test_F37_also_after_a_long_comment(self) -> None:
        assert refusal(with_head("<!--" + "x" * 200_000 + "--><!DOCTYPE Document>"), format="camt053").code == "doctype"

    def test_F37_in_any_xml_whatever_else_it_is(self) -> None:
        assert str(refusal(b'<?xml version="1.0"?><!DOCTYPE note SYSTEM "http://127.0.0.1:1/x"><note/>')) == DOCTYPE

    def test_an_entity_nobody_declared_is_refused(self) -> None:
        assert refusal(with_head("")).code == "not_well_formed"


class TestSize:
    def test_F36_fifty_megabytes_and_one_byte_are_refused_unread(self, tmp_path: Path) -> None:
        path = tmp_path / "sparse.xml"
        with path.open("wb") as file:
            file.write(GOOD.encode())
            file.truncate(LARGEST + 1)
        begun = time.perf_counter()
        with path.open("rb") as file, pytest.raises(FileRefused) as caught:
            open_reading(file, path.name)
        assert (caught.value.code, time.perf_counter() - begun < 1) == ("too_large", True)
        assert str(caught.value) == "At most 50 MB / 200,000 lines, and 64 KB in one line."

    def test_F36_one_entry_too_many_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The bound itself is tried with fewer: 200,000 entries take a quarter of a minute."""
        assert MOST_ENTRIES == 200_000
        monkeypatch.setattr("reconciliation.formats.reading.MOST_ENTRIES", 30)
        assert finish(whole(*[entry("1")] * 30))[0].entries == 30
        assert refusal(whole(*[entry("1")] * 31)).code == "too_large"

    def test_F37_a_deep_nest_is_refused(self) -> None:
        deep = "<X>" * 5_000 + "</X>" * 5_000
        assert refusal(whole(entry("5", inner=deep))).code == "not_well_formed"

    def test_F37_a_huge_text_is_refused(self) -> None:
        assert refusal(whole(entry("5", inner=f"<AddtlNtryInf>{'x' * 12_000_000}</AddtlNtryInf>"))).code == "too_large"

    def test_F37_a_huge_crowd_of_elements_is_refused(self) -> None:
        assert refusal(whole(entry("5", inner="<X/>" * 1_000_000))).code == "too_large"

    def test_F36_memory_stays_bounded(self) -> None:
        """Two thousand entries cost no more than five hundred."""
        peaks = []
        for count in (500, 2_000):
            data = BytesIO(whole(*[entry("1.00", inner="<AddtlNtryInf>text of the entry</AddtlNtryInf>")] * count))
            tracemalloc.start()
            reading = open_reading(data, "file.xml")
            assert sum(1 for _piece in reading.pieces()) == count + 1
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < peaks[0] + 200_000


class TestBroken:
    def test_F34_a_file_cut_anywhere_is_refused_and_names_the_line(self) -> None:
        data = whole(balances("10", "25"), *[entry("5", inner="<AddtlNtryInf>Zürich</AddtlNtryInf>")] * 3)
        for length in range(2, len(data) - 1, 37):
            trouble = refusal(data[:length])
            assert trouble.code in ("not_well_formed", "not_a_statement", "empty_file"), length
            if trouble.code == "not_well_formed":
                assert "Line " in str(trouble)

    def test_F34_half_a_character_at_the_end_is_refused(self) -> None:
        data = whole(entry("5", inner="<AddtlNtryInf>Zürich</AddtlNtryInf>"))
        cut = data[: data.index("ü".encode()) + 1]
        assert str(refusal(cut)).startswith("Line 4, column ")

    @pytest.mark.parametrize(
        "spoil",
        [lambda data: data.replace(b"</Ntry>", b"", 1), lambda data: data + b"<More/>",
         lambda data: data.replace(b"<Ntry>", b"<Ntry", 1), lambda data: data.replace(b"<Stmt>", b"<Stmt>\0", 1)],
    )  # fmt: skip
    def test_xml_that_is_not_well_formed_is_refused(self, spoil: Callable[[bytes], bytes]) -> None:
        assert refusal(spoil(whole(entry("5")))).code in ("not_well_formed", "not_a_statement")


class TestEncodings:
    NAMED = "<AddtlNtryInf>Müller Straße 5</AddtlNtryInf>"

    def text(self, name: str) -> str:
        return whole(entry("5", inner=self.NAMED)).decode().replace("UTF-8", name)

    @pytest.mark.parametrize(
        ("declared", "real"),
        [("UTF-8", "utf-8"), ("UTF-8", "utf-8-sig"), ("ISO-8859-1", "latin-1"), ("windows-1252", "cp1252"),
         ("UTF-16", "utf-16"), ("UTF-16", "utf-8"), ("utf-16", "utf-8-sig"), ("UTF-16BE", "utf-16-be")],
    )  # fmt: skip
    def test_F35_what_is_declared_or_marked_is_believed_where_it_is_true(self, declared: str, real: str) -> None:
        _reading, (found,) = finish(self.text(declared).encode(real))
        assert found.text == "Müller Straße 5"

    def test_F35_what_is_declared_wrongly_is_refused_and_never_guessed(self) -> None:
        data = self.text("UTF-8").encode("cp1252")
        assert refusal(data).code == "not_well_formed"

    def test_F35_the_accounts_own_encoding_is_tried_in_its_place(self) -> None:
        _reading, (found,) = finish(self.text("UTF-8").encode("cp1252"), encodings=("cp1252",))
        assert found.text == "Müller Straße 5"

    def test_F35_chinese_in_big5_where_it_is_declared(self) -> None:
        data = self.text("Big5").replace("Müller Straße 5", "臺北市學費功許蓋").encode("cp950")
        assert finish(data)[1][0].text == "臺北市學費功許蓋"

    @pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\n\r\n"])
    def test_F35_line_ends_make_no_difference(self, ends: str) -> None:
        text = whole(balances("10", "15"), entry("5")).decode().replace("><Ntry", ">\n<Ntry").replace("\n", ends)
        assert finish(text.encode())[0].verdict is Verdict.ACCEPT

    def test_blank_lines_before_the_declaration_are_passed_over(self) -> None:
        assert finish(b"\r\n  " + GOOD.encode())[0].verdict is Verdict.ACCEPT


class TestForeign:
    FILES = {
        "a program": b"MZ\x90\0\x03\0\0\0\x04" + b"\0" * 90, "a PDF": b"%PDF-1.7\n1 0 obj",
        "a ZIP": b"PK\x03\x04\x14\0", "an old workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "compressed": b"\x1f\x8b\x08\0\0", "a picture": b"\x89PNG\r\n",
        "a page": b"<html><body>Login</body></html>", "rich text": b"{\\rtf1\\ansi}", "bytes": bytes(range(256)) * 4,
        "a letter": b"Dear Sir or Madam,\nplease find enclosed\nnothing.\n", "an invalid statement": b"what is this\n",
    }  # fmt: skip

    @pytest.mark.parametrize("data", FILES.values(), ids=FILES)
    @pytest.mark.parametrize("name", ["x.csv", "x.xml", "x.sta", "x"])
    def test_what_is_no_statement_is_refused_whatever_its_name(self, data: bytes, name: str) -> None:
        trouble = refusal(data, name=name)
        assert trouble.code == "not_a_statement"
        assert str(trouble).startswith("Not a bank statement of the kind ")

    def test_what_is_two_things_at_once_is_refused(self) -> None:
        """A statement that a PDF viewer or an unpacker would open as well."""
        pdf = GOOD.replace("<Document", "<!--%PDF-1.4--><Document") + "<!--startxref 0 %%EOF-->"
        assert refusal(pdf.encode()).code == "not_a_statement"
        assert refusal(GOOD.encode() + b"\nPK\x05\x06" + b"\0" * 18).code == "not_a_statement"

    def test_words_of_a_payer_do_not_stop_a_file(self) -> None:
        inner = "<AddtlNtryInf>%PDF-1.4 PK MZ &lt;script&gt; &lt;html&gt; {\\rtf</AddtlNtryInf>"
        assert finish(document(statement(entry("5", inner=inner))).encode())[0].verdict is Verdict.ACCEPT

    @pytest.mark.parametrize("data", [b"", b"x", b"\n", b"\xef\xbb\xbf", b"   \r\n\r\n", b"\xef\xbb\xbf\n\n"])
    def test_an_empty_file_has_no_lines(self, data: bytes) -> None:
        assert str(refusal(data)) == "The file has no lines."

    def test_a_message_without_a_statement_has_no_lines(self) -> None:
        assert str(refusal(document().encode())) == "The file has no lines."
        assert str(refusal(document(statement(message="054"), message="054").encode())) == "The file has no lines."
