"""Small forms of the work screens: what was typed stays, each refusal stands beside its field."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from billing.admin.base import console_context
from billing.errors import BadInput, DomainError, Refusals, Sentence
from billing.office import acting
from billing.office.models import User
from billing.office.uploads import check_size
from billing.refusals import explained
from billing.transactions import in_transaction

T = TypeVar("T")
REFUSED = 422


@dataclass
class Field:
    """One input. kind: "text", "area", "amount", "date", "select" (choices), "check" or "file".

    upload: what was sent for a file; its value is the file's name, which is all a form can show again. accept: the
    kinds of files a browser offers.
    """

    name: str
    label: Sentence
    kind: str = "text"
    value: str = ""
    help: Sentence = ""
    required: bool = True
    choices: Iterable[tuple[str, Sentence]] = ()
    error: str = ""
    longest: int = 400
    accept: str = "image/*,application/pdf"
    upload: "UploadedFile[Any] | None" = None


@dataclass
class Form:
    """The inputs of one deed with what was typed. refuse() puts a refusal where it belongs.

    placed: refusals by the name of their input, for inputs that a page draws by itself.
    """

    fields: list[Field]
    errors: list[str] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)
    placed: dict[str, str] = field(default_factory=dict)

    def read(self, posted: Mapping[str, Any], files: Mapping[str, Any] | None = None) -> "Form":
        """What was typed, and request.FILES where there is a file to choose."""
        for item in self.fields:
            if item.kind == "file":
                item.upload = (files or {}).get(item.name)
                item.value = item.upload.name or "" if item.upload is not None else ""
            else:
                item.value = str(posted.get(item.name, ""))
        for name in self.hidden:
            self.hidden[name] = str(posted.get(name, ""))
        return self

    def typed(self, name: str) -> str:
        return next((item.value for item in self.fields if item.name == name), "") or self.hidden.get(name, "")

    def uploaded(self, name: str) -> tuple[str, bytes] | None:
        """(file name, bytes) of a file input, for keep_document; None if none was chosen and none is required.

        Raises BadInput at the input; a file that is too large is refused before it is read.
        """
        item = next(item for item in self.fields if item.name == name)
        if item.upload is None:
            if item.required:
                raise BadInput(_("Choose a file."), field=name, code="required")
            return None
        check_size(item.upload.size or 0, field=name)
        item.upload.seek(0)
        return item.value, item.upload.read()

    @property
    def has_files(self) -> bool:
        return any(item.kind == "file" for item in self.fields)

    def refuse(self, refusal: DomainError) -> None:
        parts = refusal.refusals if isinstance(refusal, Refusals) else [refusal]
        for part in parts:
            place = next((item for item in self.fields if item.name == part.field and part.field), None)
            if part.field:
                self.placed[part.field] = str(part)
            if place is not None:
                place.error = str(part)
            self.errors.append(f"{place.label}: {part}" if place is not None else str(part))


def attempt(form: Form, work: Callable[[], T]) -> tuple[bool, T | None]:
    """(True, what the service gave), or (False, None) with the refusal shown in the form."""
    try:
        with explained():
            return True, in_transaction(work)
    except DomainError as refusal:
        form.refuse(refusal)
        return False, None


def say_why(request: HttpRequest, reason: str) -> None:
    """Write the reason given beside every row the audit trail records from here on in this request."""
    assert isinstance(request.user, User)
    acting.set_actor(request.user, request.META.get("REMOTE_ADDR", ""), reason[:400])


def back_to(request: HttpRequest, name: str, key: int, sentence: object, anchor: str = "") -> HttpResponse:
    """After a deed: say so on the page of the record."""
    messages.success(request, str(sentence))
    return HttpResponseRedirect(reverse(f"admin:{name}", args=[key]) + (f"#{anchor}" if anchor else ""))


def show_form(
    request: HttpRequest, form: Form, *, title: object, button: object, back: str, facts: Any = (),
    danger: bool = False,
    template: str = "console/customer/deed.html", **more: Any,
) -> HttpResponse:  # fmt: skip
    """The page of one deed: what it is about, the inputs, one button that names the deed."""
    context = console_context(
        request, str(title), form=form, button=button, back=back, facts=facts, danger=danger, **more
    )
    return render(request, template, context, status=REFUSED if form.errors else 200)
