"""Kept documents: judged by content, made harmless, encrypted, found again unchanged (ASVS 5.2, 5.3; F36)."""

import io
import os
import stat
import subprocess
import sys
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from PIL import Image, ImageFile

from billing.errors import BadInput
from billing.office.documents import TamperedFile, documents_of, keep_document, path_of, read_document
from billing.office.models import AuditEntry, KeptDocument, Organization
from billing.office.uploads import LARGEST, check_size, clean_name, file_name, make_safe
from tests.builders import NOW, organization, user
from tests.conftest import RunInThreads
from tests.uploads import bomb, packed, padded, pdf, picture

SUBJECT = "cheque:17"


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.DOCUMENTS_DIR = tmp_path / "documents"


@pytest.fixture
def school(db: None) -> Organization:
    return organization()


def keep(school: Organization, data: bytes, name: str = "front.jpg", **more: Any) -> KeptDocument:
    facts: dict[str, Any] = {"subject": SUBJECT, "kind": "front", "now": NOW, "by": None} | more
    with transaction.atomic():
        return keep_document(organization=school, name=name, data=data, **facts)


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


class TestKeeping:
    @pytest.mark.parametrize(
        ("data", "media_type"),
        [
            (picture("JPEG"), "image/jpeg"), (picture("PNG"), "image/png"), (picture("WEBP"), "image/jpeg"),
            (picture("WEBP", mode="RGBA", colour=(1, 2, 3, 4)), "image/png"),
            (picture("PNG", mode="1", colour=1), "image/png"), (picture("JPEG", mode="CMYK"), "image/jpeg"),
            (pdf(), "application/pdf"),
        ],
        ids=["JPEG", "PNG", "WebP", "WebP with holes", "black and white", "CMYK", "PDF"],
    )  # fmt: skip
    def test_what_is_kept_comes_back(self, school: Organization, data: bytes, media_type: str) -> None:
        clerk = user(school, "clerk")
        kept = keep(school, data, by=clerk)
        plain = read_document(kept)
        assert (kept.media_type, kept.size, kept.kept_by, kept.kept_at) == (media_type, len(plain), clerk, NOW)
        if media_type == "application/pdf":
            assert plain == data
        else:
            with Image.open(io.BytesIO(plain)) as drawn:
                assert drawn.size == (40, 20) and drawn.get_format_mimetype() == media_type
        assert list(documents_of(school, SUBJECT)) == [kept]

    def test_what_stood_behind_or_was_said_about_a_picture_is_gone(self, school: Organization) -> None:
        exif = Image.Exif()
        exif[0x010E] = "37.7749 N, at home"
        sent = picture("JPEG", exif=exif, comment=b"made by Eve", icc_profile=b"secret profile")
        kept = read_document(keep(school, sent + b"PK\x03\x04 a zip archive PK\x05\x06"))
        for hidden in (b"PK\x03\x04", b"at home", b"Eve", b"secret profile", b"Exif"):
            assert hidden not in kept
        with_text = picture("PNG", icc_profile=b"secret profile") + b"<script>"
        assert b"secret" not in (drawn := read_document(keep(school, with_text))) and b"script" not in drawn

    def test_a_photo_taken_sideways_stands_upright(self, school: Organization) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        with Image.open(io.BytesIO(read_document(keep(school, picture("JPEG", exif=exif))))) as drawn:
            assert drawn.size == (20, 40)

    def test_the_first_picture_a_process_sees_is_known_too(self) -> None:
        code = "import sys; from billing.office.uploads import *; print(make_safe(sys.stdin.buffer.read(), name='')[1])"
        ask = [sys.executable, "-c", code]
        done = subprocess.run(ask, input=picture(), capture_output=True, timeout=60, check=True, cwd=settings.BASE_DIR)
        assert done.stdout.strip() == b"image/jpeg"

    def test_a_scan_in_sixteen_bits_keeps_its_grey(self, school: Organization) -> None:
        scan = picture("PNG", mode="I;16", colour=0x8000)
        with Image.open(io.BytesIO(read_document(keep(school, scan)))) as drawn:
            assert (drawn.mode, drawn.getpixel((0, 0))) == ("L", 0x80)

    def test_a_double_click_keeps_one(self, school: Organization, settings: Any) -> None:
        sent = picture()
        first = keep(school, sent, name="a.jpg")
        assert keep(school, sent, name="b.jpg") == first
        assert len(files(settings.DOCUMENTS_DIR)) == 1
        assert keep(school, sent, subject="cheque:18") != first
        assert keep(organization(), sent) != first
        assert (KeptDocument.objects.count(), documents_of(school, SUBJECT).count()) == (3, 1)

    def test_two_at_the_same_moment_keep_one(self, run_in_threads: RunInThreads, settings: Any) -> None:
        school, sent = organization(), picture()
        outcomes = run_in_threads(lambda index: keep(school, sent).pk, 4)
        assert not outcomes.errors and len(set(outcomes.results)) == 1
        assert len(files(settings.DOCUMENTS_DIR)) == KeptDocument.objects.count() == 1

    def test_it_takes_part_in_the_callers_transaction(self, school: Organization, settings: Any) -> None:
        with pytest.raises(RuntimeError), transaction.atomic():
            keep(school, picture())
            raise RuntimeError("something later failed")
        assert not KeptDocument.objects.exists()
        again = keep(school, picture())
        assert read_document(again)


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "code", "words"),
        [
            (b"", "empty_file", "The file is empty."),
            (b"MZ\x90\x00" + b"\0" * 500, "not_a_picture", "PNG, JPEG, WebP) or a PDF is expected; front.png is"),
            (b"x", "not_a_picture", "front.png is neither"),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not_a_picture", "is neither"),
            (b"<html><script>alert(1)</script>", "not_a_picture", "is neither"),
            (picture("GIF"), "not_a_picture", "is neither"), (picture("TIFF"), "not_a_picture", "is neither"),
            (picture("PNG", size=(400, 400))[:-400], "not_a_picture", "is neither"),
            (picture("JPEG")[:30], "not_a_picture", "is neither"),
            (pdf()[:-8], "not_a_picture", "is neither"), (b"\n" + pdf(), "not_a_picture", "is neither"),
            (bomb(30_000, 30_000), "too_large", "more than 40 megapixels"),
            (bomb(10_000, 9_000), "too_large", "more than 40 megapixels"),
            (bomb(8_000, 5_001), "too_large", "more than 40 megapixels"),
            (bomb(8, 8, colour_type=3), "not_a_picture", "is neither"),
            (picture("JPEG") + b"\xff\xda" * 101, "not_a_picture", "is neither"),
            (padded(picture("JPEG"), 7_150_001), "too_large", "At most 5 MB; this file has 7.2 MB."),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )  # fmt: skip
    def test_it_is_refused_by_its_content(
        self, school: Organization, settings: Any, data: bytes, code: str, words: str
    ) -> None:
        with pytest.raises(BadInput) as refusal:
            keep(school, data, name="front.png", field="photo")
        assert (refusal.value.code, refusal.value.field) == (code, "photo")
        assert words in str(refusal.value)
        assert not KeptDocument.objects.exists() and not files(settings.DOCUMENTS_DIR)

    def test_half_a_picture_is_refused_after_a_paper_was_drawn_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as the library of the papers sets it
        for kind in ("PNG", "JPEG"):
            with pytest.raises(BadInput, match="is neither"):
                make_safe(picture(kind, size=(400, 400))[:-400], name="x")
        assert ImageFile.LOAD_TRUNCATED_IMAGES is True

    @pytest.mark.parametrize("data", [picture("JPEG"), picture("PNG"), pdf()], ids=["JPEG", "PNG", "PDF"])
    def test_five_megabytes_are_taken_and_not_a_byte_more(self, data: bytes) -> None:
        assert make_safe(padded(data, LARGEST), name="x")
        with pytest.raises(BadInput, match=r"At most 5 MB; this file has 5\.1 MB"):
            make_safe(padded(data, LARGEST + 1), name="x")
        with pytest.raises(BadInput, match="At most 5 MB"):
            check_size(LARGEST + 1)

    @pytest.mark.parametrize(
        ("body", "part"),
        [
            (b"2 0 obj << /S /JavaScript /JS (app.alert(1)) >> endobj", "/JavaScript"),
            (b"2 0 obj << /JS 3 0 R >> endobj", "/JS"),
            (b"2 0 obj << /S /J#61vaScript >> endobj", "/JavaScript"),
            (b"2 0 obj << /S /Launch /F (cmd.exe) >> endobj", "/Launch"),
            (b"2 0 obj << /Type/EmbeddedFile >> endobj", "/EmbeddedFile"),
            (b"2 0 obj << /EmbeddedFiles 4 0 R >> endobj", "/EmbeddedFiles"),
            (packed(b"5 0 << /S /JavaScript /JS (app.alert(1)) >>"), "/JavaScript"),
            (packed(b"5 0 << /JS 3 0 R >>"), "/JS"),
            (packed(b"5 0 << /S /L#61unch >>", b"/Type /Obj#53tm /Filter /FlateDecode"), "/Launch"),
            (packed(b"5 0 << /S /Launch >>", b"/Length 9"), "/Launch"),
        ],
        ids=range(10),
    )  # fmt: skip
    def test_a_pdf_that_does_something_is_refused(self, body: bytes, part: str) -> None:
        with pytest.raises(BadInput, match=f"has {part} in it") as refusal:
            make_safe(pdf(body), name="x.pdf")
        assert refusal.value.code == "unsafe_pdf"

    @pytest.mark.parametrize(
        "body",
        [
            b"trailer << /Encrypt 5 0 R >>",
            packed(b"", b"/Type /ObjStm /Filter /LZWDecode").replace(b"x\x9c", b"!!"),
            packed(b"5 0 <<>>", b"/Type /ObjStm /Filter /FlateDecode /DecodeParms << /Predictor 12 >>"),
            packed(b"5 0 " + b" " * 21_000_000),
        ],
        ids=["encrypted", "does not unpack", "mixed up", "unpacks without end"],
    )  # fmt: skip
    def test_a_pdf_that_hides_what_it_does_is_refused(self, body: bytes) -> None:
        with pytest.raises(BadInput, match="print it to a new PDF") as refusal:
            make_safe(pdf(body), name="x.pdf")
        assert refusal.value.code == "unsafe_pdf"

    @pytest.mark.parametrize("junk", [b"stream\n", b"obj stream\n", b"#41", b"stream\n" + zlib.compress(b"5 0 x")])
    def test_a_pdf_made_to_keep_us_busy_does_not(self, junk: bytes) -> None:
        began = time.process_time()
        with suppress(BadInput):
            make_safe(padded(pdf(junk * (4_000_000 // len(junk))), LARGEST), name="x.pdf")
        assert time.process_time() - began < 10

    def test_letters_that_only_look_alike_do_no_harm(self) -> None:
        body = (
            b"2 0 obj << /JSON 1 /Launcher 2 /JavaScripture 3 /Rect [1 2 3 4] >> endobj "
            + packed(b"5 0 << /Type /Page >>")
            + b"8 0 obj << /Filter /DCTDecode >>\nstream\n\xff\xd8 /JS \xff\xd9\nendstream\nendobj\n"
            + packed(b"BT (nothing /Launch) Tj ET", b"/Filter /FlateDecode")
        )
        assert make_safe(pdf(body), name="x.pdf") == (pdf(body), "application/pdf")


class TestNames:
    @pytest.mark.parametrize(
        ("sent", "shown"),
        [
            ("front.jpg", "front.jpg"), ("../../etc/passwd", "passwd"), ("C:\\Users\\ada\\cheque.png", "cheque.png"),
            ("\u202egnp.exe", "gnp.exe"), ("a\x00b\r\nc.png", "abc.png"), ("支票  正面.jpg", "支票 正面.jpg"),
            ("e\u0301.png", "\u00e9.png"), (".htaccess", "htaccess"), ("", "document"), ("..", "document"),
            ("dir/", "document"), ("a\ud800.png", "a.png"), ("4111 1111 1111 1111.png", "document"),
            ("<b>.png", "<b>.png"), ("x" * 200 + ".jpeg", "x" * 115 + ".jpeg"), ("y" * 200, "y" * 120),
        ],
    )  # fmt: skip
    def test_a_name_is_only_to_show(self, sent: str, shown: str) -> None:
        assert clean_name(sent) == shown

    def test_a_saved_file_has_the_suffix_of_its_content(self) -> None:
        assert file_name("invoice.exe", "image/png") == "invoice.png"
        assert file_name("front.JPEG", "image/jpeg") == "front.jpg"
        assert file_name("scan 12.03.2026", "application/pdf") == "scan 12.03.2026.pdf"

    def test_a_path_in_the_name_leads_nowhere(self, school: Organization, settings: Any, tmp_path: Path) -> None:
        kept = keep(school, picture(), name="../../../evil.jpg")
        assert kept.name == "evil.jpg"
        assert files(tmp_path) == [path_of(kept.stored_as)]
        assert path_of(kept.stored_as).is_relative_to(settings.DOCUMENTS_DIR)
        assert "evil" not in kept.stored_as and len(kept.stored_as) == 32


class TestAtRest:
    def test_what_lies_on_disk_cannot_be_read_without_the_key(self, school: Organization) -> None:
        sent = pdf(b"9 0 obj (Ada Lovelace, account 123456789) endobj ")
        path = path_of(keep(school, sent).stored_as)
        stored = path.read_bytes()
        assert b"Ada Lovelace" not in stored and b"%PDF" not in stored and sent[:20] not in stored
        assert stat.S_IMODE(path.stat().st_mode) == 0o440

    def test_a_new_key_in_front_still_reads_it(self, school: Organization, settings: Any) -> None:
        kept = keep(school, pdf())
        settings.FIELD_KEYS = ["a new key in front", *settings.FIELD_KEYS]
        assert read_document(kept) == pdf()
        settings.FIELD_KEYS = ["somebody else's key"]
        with pytest.raises(TamperedFile):
            read_document(kept)

    def test_a_changed_file_is_not_handed_out(self, school: Organization) -> None:
        kept = keep(school, pdf())
        path = path_of(kept.stored_as)
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-8] + b"AAAAAAA=")
        with pytest.raises(TamperedFile, match=r"front\.jpg was changed or is missing"):
            read_document(kept)

    def test_a_file_put_in_place_of_another_is_not_handed_out(self, school: Organization) -> None:
        kept, other = keep(school, pdf()), keep(school, picture())
        os.replace(path_of(other.stored_as), path_of(kept.stored_as))
        for one in (kept, other):
            with pytest.raises(TamperedFile):
                read_document(one)

    def test_a_failure_while_writing_leaves_nothing(
        self, school: Organization, settings: Any, monkeypatch: Any
    ) -> None:
        def fail(*args: object) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            keep(school, picture())
        assert not files(settings.DOCUMENTS_DIR) and not KeptDocument.objects.exists()


class TestRows:
    @pytest.mark.parametrize(
        "statement", ["UPDATE office_keptdocument SET name = 'x'", "DELETE FROM office_keptdocument"]
    )
    def test_a_row_is_neither_changed_nor_deleted(self, school: Organization, statement: str) -> None:
        keep(school, picture())
        guarded = pytest.raises(IntegrityError, match="office_keptdocument")
        with guarded, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert KeptDocument.objects.get().name == "front.jpg"

    def test_the_audit_trail_has_it(self, school: Organization) -> None:
        kept = keep(school, picture())
        entry = AuditEntry.objects.get(table_name="office_keptdocument")
        assert (entry.operation, entry.row_id) == ("insert", kept.pk)
        assert entry.after is not None and entry.after["sha256"] == kept.sha256
