"""How a receipt looks: everything R154 lists, both languages, marks, one file for one content (R153-R155)."""

import gc
import re
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.abc import MetaPathFinder
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.translation import override
from pyhanko.pdf_utils.reader import PdfFileReader

from billing.office.papers import coverage, engine
from billing.office.papers.errors import PdfUnavailable
from receipts.papers.render import render_html, render_pdf
from tests.receipts.papers.papers import (
    NUMBER,
    cheque,
    gas_content,
    outside_margins,
    paper,
    payment,
    school_content,
    slice_of,
    text_of,
)

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f6"
    "45400000000049454e44ae426082"
)


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


@pytest.fixture
def unloaded(monkeypatch: Any) -> None:
    """A process that has not drawn anything yet."""
    monkeypatch.setattr(engine, "_own", threading.local())


class TestContent:
    def test_R154_everything_is_on_the_paper(self) -> None:
        text = plain(render_html(paper()))
        for wanted in (
            "Allegro Music School", "118 Mercer Street", "12-3456789", NUMBER, "12 Mar 2026 14:05 (UTC−4)",
            "Lin Family", "C00412", "42 Grove Street", "Cash", "US$1,250.00", "March lessons",
            "One thousand two hundred fifty dollars and 00/100", "INV-2026-00001871", "INV-2026-00001990",
            "980.00", "Kept as your credit US$30.00", "Still owed after this receipt US$75.00",
            "Authorized signature Clara Schumann, Bursar", "Received by Ada Byron", "Terms Please keep this receipt.",
            "+1 212 555 0118 · office@allegro.example · allegro.example",
        ):  # fmt: skip
            assert wanted in text, wanted

    def test_both_languages_stand_side_by_side_whatever_the_reader_speaks(self) -> None:
        for language in ("en", "zh-hant"):
            with override(language):
                text = plain(render_html(paper(gas_content())))
            assert "收據 Receipt" in text
            assert "實收金額 Amount received NT$128,450" in text
            assert "新臺幣壹拾貳萬捌仟肆佰伍拾元整 New Taiwan dollars one hundred" in text
            assert "大同瓷器實業股份有限公司 Tatung Porcelain Co., Ltd." in text
            assert "2026年3月13日 13 Mar 2026 02:05 (UTC+8)" in text
            assert "統一編號 Tax ID 12345675" in text

    def test_discount_and_write_off_have_a_column_only_where_there_is_one(self) -> None:
        assert "Discount" in plain(render_html(paper()))
        assert "Written off" not in plain(render_html(paper()))
        assert "尾差沖銷 Written off" in plain(render_html(paper(gas_content())))

    def test_a_cheque_is_described(self) -> None:
        text = plain(render_html(paper(school_content(cheque=cheque(), payment=payment(method="cheque")))))
        assert "Cheque no. 000123" in text
        assert "Drawn on First Bank" in text
        assert "valid once the cheque has been honoured" in text

    def test_R10_the_parts_of_a_premium_are_listed(self) -> None:
        parts = {"base_premium": "1000.00", "gst": "180.00", "late_fee": "70.00"}
        text = plain(render_html(paper(school_content(payment=payment(purpose="premium", breakdown=parts)))))
        assert "For Regular premium" in text
        assert "Base premium 1,000.00 GST 180.00 Late fee 70.00" in text

    def test_the_logo_is_inside_the_paper(self, settings: Any, tmp_path: Path) -> None:
        settings.MEDIA_ROOT = tmp_path
        name = default_storage.save("logos/a.png", ContentFile(PIXEL))
        content = school_content()
        content["organization"]["logo"] = name
        assert '<img class="logo" src="data:image/png;base64,' in render_html(paper(content))

    @pytest.mark.parametrize("name", ["logos/gone.png", "../../etc/passwd"])
    def test_a_logo_that_is_gone_is_left_out(self, name: str) -> None:
        content = school_content()
        content["organization"]["logo"] = name
        assert "<img" not in render_html(paper(content))


class TestMarks:
    def test_R153_an_original_has_no_mark(self) -> None:
        assert not paper().marks
        assert 'class="across"' not in render_html(paper())

    def test_R153_a_duplicate_says_so(self) -> None:
        assert "副本 DUPLICATE" in plain(render_html(paper(gas_content(), kind="duplicate")))

    def test_a_provisional_one_says_so_and_claims_nothing_applied(self) -> None:
        content = gas_content(payment=payment(state="pending", currency="TWD"), slices=[])
        text = plain(render_html(paper(content, kind="duplicate", is_provisional=True)))
        assert "暫收 PROVISIONAL" in text
        assert "副本 DUPLICATE" in text
        assert "留作預收款" not in text

    def test_a_void_one_is_nothing_but_void(self) -> None:
        voided_at = datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
        text = plain(render_html(paper(kind="void", is_provisional=True, voided_at=voided_at)))
        assert "Void since 13 Mar 2026 11:00 (UTC−4)" in text
        assert "VOID" in text
        assert "PROVISIONAL" not in text

    def test_R153_a_pre_printed_form_is_named(self) -> None:
        assert "Form no. A-004411" in plain(render_html(paper(form_number="A-004411")))


class TestPdf:
    def test_its_text_can_be_read_and_searched(self) -> None:
        text = text_of(render_pdf(paper(gas_content(), kind="duplicate")))
        for wanted in (NUMBER, "收據 Receipt", "NT$128,450", "福爾摩沙瓦斯股份有限公司", "副本 DUPLICATE", "1 / 1"):
            assert wanted in text, wanted

    def test_the_same_receipt_gives_the_same_bytes_on_any_thread(self) -> None:
        made: list[bytes] = [render_pdf(paper())]
        threads = [threading.Thread(target=lambda: made.append(render_pdf(paper()))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert len(made) == 4
        assert len(set(made)) == 1

    def test_it_is_pdf_a(self) -> None:
        metadata = PdfFileReader(BytesIO(render_pdf(paper()))).root["/Metadata"].data
        assert b"pdfaid:part" in metadata
        assert b"2" in re.findall(rb"part[^0-9]*([0-9])", metadata)

    @pytest.mark.parametrize(("content", "size"), [(school_content, (612, 792)), (gas_content, (595, 842))])
    def test_it_is_on_the_paper_of_the_country(self, content: Any, size: tuple[int, int]) -> None:
        box = PdfFileReader(BytesIO(render_pdf(paper(content())))).root["/Pages"]["/Kids"][0]["/MediaBox"]
        assert tuple(round(float(box[edge])) for edge in (2, 3)) == size

    def test_a_chinese_font_does_not_make_it_heavy(self) -> None:
        assert len(render_pdf(paper(gas_content()))) < 120_000

    def test_many_invoices_go_on_over_pages_that_each_carry_the_number(self) -> None:
        content = school_content()
        content["applied"] = content["applied"] * 30
        pages = text_of(render_pdf(paper(content, kind="duplicate"))).split("\f")[:-1]
        assert len(pages) > 1
        for page in pages:
            assert NUMBER in page
            assert "DUPLICATE" in page

    @pytest.mark.parametrize("kind", ["original", "duplicate", "void"])
    @pytest.mark.parametrize("content", [school_content, gas_content])
    def test_nothing_prints_in_the_margins(self, content: Any, kind: str) -> None:
        assert outside_margins(render_pdf(paper(content(), kind=kind, is_provisional=True))) == []

    def test_the_longest_of_everything_still_fits(self) -> None:
        large = Decimal("999999999999.99")
        content = school_content(
            payment=payment(amount=large, reference="R" * 80, payer_name="P" * 160),
            slices=[slice_of("INV-" + "9" * 36, str(large), "1", "99999999999.99", "99999999999.99")] * 2,
            left_over=large,
            customer_open_after=large,
        )
        content["customer"] |= {"name": "名" * 160, "latin_name": "N" * 160}
        content["terms"] = "Terms without end. " * 200
        pdf = render_pdf(paper(content))
        assert outside_margins(pdf) == []
        assert "US$999,999,999,999.99" in text_of(pdf)


def test_R155_nothing_of_a_drawn_paper_lies_about() -> None:
    render_pdf(paper())
    gc.collect()
    render_pdf(paper())
    assert [one for one in gc.get_objects() if type(one).__module__ == "weasyprint.formatting_structure.boxes"] == []


class TestSafety:
    @pytest.fixture
    def listener(self) -> Iterator[tuple[str, list[str]]]:
        """A server of this machine that a crafted text would like us to call."""
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            def log_message(self, *args: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        server.server_close()

    def test_markup_in_a_text_is_printed_not_obeyed(self, listener: tuple[str, list[str]]) -> None:
        address, asked = listener
        content = school_content(payment=payment(reference=f'<img src="{address}/x.png"><script>1</script>'))
        html = render_html(paper(content))
        assert "&lt;img src=" in html
        assert "<script>" not in html
        render_pdf(paper(content))
        assert asked == []

    def test_even_markup_that_got_through_fetches_nothing(self, listener: tuple[str, list[str]]) -> None:
        address, asked = listener
        engine.html_to_pdf(f'<img src="{address}/x.png"><link rel=stylesheet href="{address}/x.css"><p>text')
        assert asked == []

    def test_a_file_of_the_machine_does_not_get_onto_a_paper(self, settings: Any, tmp_path: Path) -> None:
        settings.MEDIA_ROOT = tmp_path / "media"
        for folder in ("media", "elsewhere"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "a.png").write_bytes(PIXEL)
        image = '<img src="file://{}/a.png">'
        assert b"/Image" in engine.html_to_pdf(image.format(tmp_path / "media"))
        assert b"/Image" not in engine.html_to_pdf(image.format(tmp_path / "elsewhere"))

    @pytest.mark.parametrize(
        "url",
        ["http://127.0.0.1/", "https://example.org/a.png", "ftp://a/b", "file:///etc/passwd", "file://host/a.png"],
    )
    def test_foreign_addresses_are_refused(self, url: str) -> None:
        assert not engine.may_fetch(url)

    def test_a_path_may_not_climb_out_of_our_folders(self) -> None:
        assert engine.may_fetch(f"file://{settings.MEDIA_ROOT}/logos/a.png")
        assert not engine.may_fetch(f"file://{settings.MEDIA_ROOT}/../../../etc/passwd")
        assert not engine.may_fetch(f"file://{settings.MEDIA_ROOT}/%2e%2e/%2e%2e/secret")

    def test_characters_that_turn_writing_round_are_dropped(self) -> None:
        content = school_content(payment=payment(reference="A\u202eB\x00C"))
        assert "Reference ABC" in plain(render_html(paper(content)))


class TestMissing:
    def test_a_character_no_font_has_is_a_box_and_a_line_in_the_log(self, monkeypatch: Any, caplog: Any) -> None:
        monkeypatch.setattr(coverage, "can_draw", lambda code: code != ord("堃"))
        html = render_html(paper(gas_content()), for_screen=False)
        assert "陳□喆" in html
        assert f"receipt {NUMBER}: no installed font has U+5803" in caplog.text

    def test_a_browser_has_fonts_of_its_own(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(coverage, "can_draw", lambda code: False)
        assert "陳堃喆" in render_html(paper(gas_content()))

    def test_the_installed_fonts_have_the_alphabet(self) -> None:
        assert all(coverage.can_draw(ord(character)) for character in "AZaz09−–·□")
        assert not coverage.can_draw(0x10FFFF)

    def test_without_pango_only_the_pdf_is_missing(self, unloaded: None, monkeypatch: Any) -> None:
        class NoPango(MetaPathFinder):
            def find_spec(self, name: str, *args: object) -> None:
                if name == "weasyprint":
                    raise OSError("cannot load library 'libpango-1.0-0'")

        for name in [name for name in sys.modules if name.split(".")[0] == "weasyprint"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [NoPango(), *sys.meta_path])
        with pytest.raises(PdfUnavailable, match=r"sudo apt-get install -y libpango-1\.0-0"):
            render_pdf(paper())
        assert NUMBER in render_html(paper())

    def test_without_a_font_list_only_the_pdf_is_missing(self, monkeypatch: Any) -> None:
        coverage._covered.cache_clear()
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(PdfUnavailable):
            render_pdf(paper(gas_content()))
        assert NUMBER in render_html(paper(gas_content()))
