"""Kept documents at the console: shown as what they are, to those who may see them, and sent through a form."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.template.loader import render_to_string
from django.test import RequestFactory

from billing.admin.working import Field, Form, attempt, show_form
from billing.errors import BadInput
from billing.office.documents import documents_of, keep_document, path_of, read_document
from billing.office.models import KeptDocument, Organization
from billing.office.uploads import LARGEST
from tests.builders import NOW, organization, user
from tests.console_desk import desk
from tests.uploads import padded, pdf, picture


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.DOCUMENTS_DIR = tmp_path / "documents"


@pytest.fixture
def school(db: None) -> Organization:
    return organization()


def keep(school: Organization, data: bytes, name: str = "front.jpg", **more: Any) -> KeptDocument:
    facts: dict[str, Any] = {"subject": "cheque:17", "kind": "front", "now": NOW, "by": None} | more
    with transaction.atomic():
        return keep_document(organization=school, name=name, data=data, **facts)


class TestLooking:
    @pytest.mark.parametrize(
        ("data", "name", "media_type", "disposition"),
        [
            (picture(), "front.jpeg", "image/jpeg", 'inline; filename="front.jpg"'),
            (picture("PNG"), "evil.html", "image/png", 'inline; filename="evil.png"'),
            (pdf(), 'a"b.pdf', "application/pdf", 'attachment; filename="a\\"b.pdf"'),
            (pdf(), "同意書.pdf", "application/pdf", "attachment; filename*=utf-8''%E5%90%8C%E6%84%8F%E6%9B%B8.pdf"),
        ],
        ids=["JPEG", "PNG", "PDF", "PDF in Chinese"],
    )
    def test_it_is_shown_alone_and_as_what_it_is(
        self, school: Organization, data: bytes, name: str, media_type: str, disposition: str
    ) -> None:
        kept = keep(school, data, name)
        answer = desk(school, "clerk").get(f"documents/{kept.pk}/")
        assert answer.content == read_document(kept)
        assert (answer["Content-Type"], answer["Content-Disposition"]) == (media_type, disposition)
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert "no-store" in answer["Cache-Control"]

    def test_of_another_organization_it_does_not_exist(self, school: Organization) -> None:
        kept = keep(school, picture())
        stranger = desk(organization(), "manager")
        assert stranger.get(f"documents/{kept.pk}/", 404).content == stranger.get("documents/999999/", 404).content
        stranger.get(f"documents/{2**70}/", 404)

    def test_who_sees_no_receivables_sees_no_document(self, school: Organization) -> None:
        desk(school, "platform_admin").get(f"documents/{keep(school, picture()).pk}/", 403)

    def test_a_stranger_is_asked_to_sign_in(self, school: Organization, client: Any) -> None:
        assert client.get(f"/console/documents/{keep(school, picture()).pk}/").status_code == 302

    def test_nothing_is_posted_there(self, school: Organization) -> None:
        desk(school, "clerk").post(f"documents/{keep(school, picture()).pk}/", 405)

    def test_a_tampered_file_is_not_handed_out(self, school: Organization) -> None:
        kept = keep(school, picture())
        path_of(kept.stored_as).unlink()
        text = desk(school, "clerk").get(f"documents/{kept.pk}/", 409).content.decode()
        assert "front.jpg was changed or is missing; it must not be handed out" in text

    def test_the_list_says_what_by_whom_and_links_to_it(self, school: Organization) -> None:
        kept = keep(school, picture(), "<b>front</b>.jpg", by=user(school, "clerk", name="cora"))
        page = render_to_string("console/documents.html", {"documents": documents_of(school, "cheque:17")})
        assert f'href="/console/documents/{kept.pk}/"' in page
        assert "&lt;b&gt;" not in page and "b&gt;.jpg" in page and ">front<" in page and "cora" in page
        assert "No documents so far." in render_to_string("console/documents.html", {"documents": []})


class TestForm:
    """A form of a file and a reason, as a deed's view makes and reads it."""

    def form(self, required: bool = True, **files: Any) -> Form:
        request = RequestFactory().post("/", {"reason": "it bounced", **files})
        fields = [Field("reason", "Reason", "area"), Field("photo", "Photo", "file", required=required)]
        return Form(fields).read(request.POST, request.FILES)

    def sent(self, data: bytes, name: str = "front.jpg", declared: str = "image/jpeg") -> SimpleUploadedFile:
        return SimpleUploadedFile(name, data, declared)

    def test_what_was_chosen_is_read(self) -> None:
        form = self.form(photo=self.sent(b"bytes"))
        assert form.uploaded("photo") == ("front.jpg", b"bytes") == form.uploaded("photo")
        assert form.typed("reason") == "it bounced"

    @pytest.mark.parametrize(
        ("files", "code"),
        [
            ({}, "required"), ({"photo": SimpleUploadedFile("a.jpg", b"")}, "empty_file"),
            ({"photo": SimpleUploadedFile("a.jpg", b"x" * (LARGEST + 1))}, "too_large"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_said_beside_it(self, files: dict[str, Any], code: str) -> None:
        form = self.form(**files)
        with pytest.raises(BadInput) as refusal:
            form.uploaded("photo")
        if (kept := form.fields[1].upload) is not None:
            kept.close()  # the request would, at its end
        assert (refusal.value.code, refusal.value.field) == (code, "photo")

    def test_an_optional_file_may_be_left_out(self) -> None:
        assert self.form(required=False).uploaded("photo") is None

    def test_a_refused_file_leaves_what_was_typed(self, school: Organization) -> None:
        form = self.form(photo=self.sent(b"MZ\x90\x00", "front.png", "image/png"))

        def work() -> KeptDocument:
            name, data = form.uploaded("photo") or ("", b"")
            return keep_document(
                organization=school, subject="cheque:17", kind="front", name=name, data=data, now=NOW, by=None,
                field="photo",
            )  # fmt: skip

        assert attempt(form, work) == (False, None)
        request = RequestFactory().get("/")
        request.user, request.organization = user(school, "clerk"), school  # type: ignore[attr-defined]
        page = show_form(request, form, title="Return", button="Return it", back="/").content.decode()
        assert 'enctype="multipart/form-data"' in page and 'accept="image/*,application/pdf"' in page
        assert "front.png is neither" in page and "it bounced" in page and 'aria-describedby="error_photo"' in page

    def test_a_form_without_a_file_is_sent_as_before(self, school: Organization) -> None:
        request = RequestFactory().get("/")
        request.user, request.organization = user(school, "clerk"), school  # type: ignore[attr-defined]
        form = Form([Field("reason", "Reason", "area")])
        page = show_form(request, form, title="Return", button="Return it", back="/").content.decode()
        assert "multipart" not in page

    def test_a_file_is_asked_for_again_when_something_else_was_wrong(self, school: Organization) -> None:
        form = self.form(photo=self.sent(padded(pdf(), 2000)))
        form.refuse(BadInput("Say more.", field="reason"))
        page = render_to_string("console/customer/fields.html", {"form": form})
        assert "front.jpg was not kept; choose it again." in page
