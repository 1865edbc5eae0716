"""Which parameters views read, and the forms that pages send: what of a request may name somebody else's record.

A request notes the names that are looked up in its query and its form, so a parameter that nobody listed is known the
first time a view reads it. Names that carry a key, "amount_17", are found in the forms themselves.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import QueryDict

Fields = dict[str, list[str]]
KEYED = re.compile(r"(\w+[-_])\d+")  # the name of a field for one record of several
PLACED = re.compile(r"(\w*[a-z]\w*[:.])\d+")  # a value that says what kind of record it names: "bank:17"
# Inputs that take no key of a record, whatever they are called.
WORDS_BY_KIND = {"date", "month", "time", "number", "email", "tel", "url", "password", "file", "color", "textarea"}
# What names no record wherever it is read: where in a list one is, which of its columns, which way a form goes on.
WORDS = {
    "p", "q", "all", "_facets", "_popup", "_to_field", "_changelist_filters", "_saveasnew", "_addanother", "_continue",
    "page", "page_size", "format", "tab", "sort", "lang", "language", "state", "until", "month", "year", "currency",
    "step", "do", "csrfmiddlewaretoken", "dataset", "export_items", "resource", "amount", "amount_min", "amount_max",
    "date_from", "date_to", "strategy", "deed", "direction", "confirm", "script", "share", "name", "latin_name",
    "first_name", "last_name", "username", "reason", "note", "memo", "text", "title", "tax_id", "phone", "line_text",
    "website", "department", "project", "from", "as_of", "on", "words_amount", "facts", "bucket", "open", "show",
    "_selected_action",  # chosen among the rows of the list, which tests/config/console/test_registry.py holds
}  # fmt: skip
WORDY = re.compile(r".*(_from|_to|(?<!__id)__exact)|count-.*|\w+-(TOTAL|INITIAL|MIN_NUM|MAX_NUM)_FORMS")


class Noted(QueryDict):
    """Says which names it was asked for."""

    notes: set[str] | None = None

    def __getitem__(self, name: Any) -> Any:
        self._note(name)
        return super().__getitem__(name)

    def get(self, name: Any, default: Any = None) -> Any:
        self._note(name)
        return super().get(name, default)

    def getlist(self, name: Any, default: Any = None) -> Any:
        self._note(name)
        return super().getlist(name, default)

    def __contains__(self, name: Any) -> bool:
        self._note(name)
        return super().__contains__(name)

    def _note(self, name: Any) -> None:
        if self.notes is not None and isinstance(name, str):
            self.notes.add(name)


@dataclass
class Notes:
    """Names read since they were last taken."""

    query: set[str] = field(default_factory=set)
    form: set[str] = field(default_factory=set)

    def take(self) -> tuple[set[str], set[str]]:
        taken = set(self.query), set(self.form)
        self.query.clear()
        self.form.clear()
        return taken


@contextmanager
def noting() -> Iterator[Notes]:
    """As long as it lasts, every request notes what is read of it."""
    notes = Notes()
    query: Any = WSGIRequest.__dict__["GET"]
    form: Any = WSGIRequest.__dict__["POST"]

    def noted(given: QueryDict, where: set[str]) -> Noted:
        copy = Noted("", mutable=True, encoding=given.encoding)
        for name, values in QueryDict.lists(given):
            copy.setlist(name, values)
        copy.notes, copy._mutable = where, False
        return copy

    def read_query(request: Any) -> Any:
        if "_noted_query" not in request.__dict__:
            request._noted_query = noted(query.func(request), notes.query)
        return request._noted_query

    def read_form(request: Any) -> Any:
        given = form.fget(request)
        if not isinstance(given, Noted):
            given = request._post = noted(given, notes.form)
        return given

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WSGIRequest, "GET", property(read_query))
        patch.setattr(WSGIRequest, "POST", property(read_form, form.fset))
        yield notes


@dataclass
class Form:
    """What a page would send, everything ticked. words: fields whose kind takes no key. buttons: the named ones."""

    action: str = ""
    method: str = "post"
    fields: Fields = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def sendings(self) -> list[Fields]:
        """As each of its named buttons sends it."""
        return [self.fields | {name: [value]} for name, value in self.buttons] or [self.fields]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is None:
            return
        elif tag == "select":
            self._select = name
        elif tag == "option":
            self._choose(value)
        elif tag == "button" or given.get("type") == "submit":
            if name:
                self._open.buttons.append((name, value))
        elif tag in ("input", "textarea") and name:
            self._add(name, value, given.get("type", tag))

    def _choose(self, value: str) -> None:
        """The first that says something; a list of words alone is of words."""
        assert self._open is not None
        if self._select and value:
            self._open.fields.setdefault(self._select, [value])
            if re.search(r"\d", value):
                self._open.words.discard(self._select)
            elif self._open.fields[self._select] == [value]:
                self._open.words.add(self._select)

    def _add(self, name: str, value: str, kind: str) -> None:
        assert self._open is not None
        values = self._open.fields.setdefault(name, [])
        if kind in WORDS_BY_KIND or (kind in ("checkbox", "radio") and not re.search(r"\d", value)):
            self._open.words.add(name)
        if kind == "checkbox":
            values.append(value or "on")
        elif kind != "file" and not (kind == "radio" and values):
            values[:] = [value]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""


def forms_of(page: str) -> list[Form]:
    reader = _Page()
    if "<form" in page and "\0" not in page:  # no file
        reader.feed(page)
    return reader.forms


def with_value(given: Fields, name: str, value: str) -> Fields:
    """The same fields, of which one names another record: by its value, or by its own name where that carries a key."""
    changed = {key: list(values) for key, values in given.items()}
    if name.endswith(("-", "_")):
        mine = next((key for key in changed if (found := KEYED.fullmatch(key)) and found[1] == name), "")
        return changed | {f"{name}{value}": changed.get(mine, ["1"])}
    kind = PLACED.fullmatch((changed.get(name) or [""])[0])
    return changed | {name: [f"{kind[1] if kind else ''}{value}"]}


def names_records(given: Fields, name: str) -> bool:
    """Whether what the page itself sends there looks like a key."""
    return name.endswith(("-", "_")) or bool(re.fullmatch(r"(\w+[:.])?\d+", (given.get(name) or [""])[0]))


def plain_names(names: set[str]) -> set[str]:
    """Names to be probed: of several fields for several records one, without the key; no words."""
    found = {KEYED.fullmatch(name) for name in names if not WORDY.fullmatch(name)}
    keyed = {match[0]: match[1] for match in found if match}
    return {keyed.get(name, name) for name in names if name not in WORDS and not WORDY.fullmatch(name)}
