"""The product in Traditional Chinese: every text has its Chinese, kept to the glossary, and pages are in it."""

import gettext
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten, label_for_field
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.admin.deeds import title_of
from billing.ledger.models import LedgerAccount
from billing.money import format_money
from billing.office import clock
from billing.office.models import Organization
from config.console.field_words import OURS
from payments.services.voiding import ask_for_void
from receipts.papers import labels
from tests import builders
from tests.config.catalogue import CATALOGUE, ROOT, Entry, asked_for, read_po

HOME = "/console/"
ENTRIES = read_po(CATALOGUE / "django.po")[1:]
SAID = {(entry.context, entry.text): entry.said for entry in ENTRIES}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
NARROW = re.compile(r"[\u4e00-\u9fff)」][,;:?!]|[,;:?!][\u4e00-\u9fff]")  # where a mark as wide as its words belongs
HOLE = re.compile(r"%\(\w+\)[sd]|%%|%[sn]|\{[^}]*\}|</?\w+>")
# The same in both languages: names of systems and formats.
ALIKE = {"UPI", "HTTP Accept", "CSV, XLSX"}


def holes(text: str) -> set[str]:
    return set(HOLE.findall(text))


class TestCatalogue:
    def test_every_text_that_we_show_is_in_it(self) -> None:
        assert {key: where for key, where in asked_for().items() if key not in SAID} == {}

    def test_it_has_nothing_that_nobody_asks_for(self) -> None:
        assert set(SAID) - set(asked_for()) == set()

    def test_every_text_has_its_chinese_and_none_is_only_guessed(self) -> None:
        assert [entry.text for entry in ENTRIES if entry.fuzzy or not entry.said] == []
        assert {entry.text for entry in ENTRIES if not CHINESE.search(entry.said)} - ALIKE == {
            "%(name)s, %(day)s", "%(money)s, %(age)s",
            "none of {total}", "{part} of {total}", "%(who)s, %(number)s", "{what}: {amount}.",
            "= {total_amount}", "%(name)s, %(title)s", "{plan}, {frequency}, {price}",
            "{number}: {state}.", "{school}: {headline}. {link}",
        }  # fmt: skip

    def test_chinese_is_punctuated_in_its_own_width(self) -> None:
        assert [entry.said for entry in ENTRIES if NARROW.search(entry.said.replace(":{tag}:", ""))] == []

    def test_what_is_filled_in_stays_as_it_was(self) -> None:
        assert [e.text for e in ENTRIES if holes(e.said) != holes(e.plural or e.text)] == []

    def test_what_is_filled_in_can_be(self) -> None:
        """Formats such as {most:,} are kept whole, and each text takes its values."""
        for entry in ENTRIES:
            values = dict.fromkeys(re.findall(r"%\((\w+)\)", entry.said), 3)
            assert not values or (entry.said % values)

    def test_the_compiled_catalogue_is_this_one(self) -> None:
        with (CATALOGUE / "django.mo").open("rb") as file:
            compiled = dict(gettext.GNUTranslations(file)._catalog)  # type: ignore[attr-defined]
        compiled.pop("")
        assert compiled == {_compiled_key(entry): entry.said for entry in ENTRIES}


def _compiled_key(entry: Entry) -> object:
    text = f"{entry.context}\x04{entry.text}" if entry.context else entry.text
    return (text, 0) if entry.plural else text


class TestTerms:
    def test_each_word_of_the_glossary_is_said_as_it_says(self) -> None:
        rows = [line.strip("|").split("|") for line in (ROOT / "docs/glossary.md").read_text("utf-8").splitlines()]
        words = {word.strip(): chinese.strip() for word, chinese, *_rest in (row for row in rows if len(row) > 2)}
        shared = {word: chinese for word, chinese in words.items() if ("", word) in SAID}
        assert len(shared) > 15
        assert {word: SAID["", word] for word, chinese in shared.items() if SAID["", word] not in chinese} == {}

    @pytest.mark.parametrize("table", [labels.METHODS, labels.PURPOSES, labels.MARKS])
    def test_screens_say_what_receipts_say(self, table: dict[str, labels.Words]) -> None:
        said = {text.lower(): chinese for (context, text), chinese in SAID.items() if not context}
        shared = {english: chinese for english, chinese in table.values() if english.lower() in said}
        assert shared
        assert {english: said[english.lower()] for english in shared} == shared


def _columns() -> Iterator[tuple[type[Model], str, admin.ModelAdmin[Any]]]:
    for model, page in admin.site._registry.items():
        if model._meta.app_label in OURS:
            request = HttpRequest()
            names = flatten([*page.list_display, *(page.get_fields(request) if page.fields is None else page.fields)])
            yield from ((model, name, page) for name in dict.fromkeys(names))


class TestScreens:
    def test_every_column_and_field_is_named_in_chinese(self) -> None:
        with override("zh-hant"):
            named = {f"{m._meta.label}.{name}": str(label_for_field(name, m, page)) for m, name, page in _columns()}
        assert len(named) > 80
        assert {name: word for name, word in named.items() if not CHINESE.search(word)} == {}

    def test_days_and_money_are_written_the_chinese_way(self) -> None:
        with override("zh-hant"):
            assert date_format(date(2026, 3, 12)) == "2026年3月12日"
            assert date_format(date(2026, 3, 12), "YEAR_MONTH_FORMAT") == "2026年3月"
            assert format_money(Decimal("128450"), "TWD") == "NT$128,450"

    def test_no_template_writes_days_in_one_language_only(self) -> None:
        """|date:"j M Y" would be 12 3月 2026 in Chinese; DATE_FORMAT and its kin are each language's own."""
        one_language = re.compile(r"""\|date:["'][^"']*(?:[jd] |[MF] Y|l,)[^"']*["']""")
        pages = [*(ROOT / "templates/console").rglob("*.html"), *(ROOT / "templates/unfold").rglob("*.html")]
        assert len(pages) > 40
        assert {p.name: found for p in pages if (found := one_language.findall(p.read_text("utf-8")))} == {}


@pytest.fixture
def here(db: None) -> Organization:
    return builders.organization()


def see(client: Client, **headers: str) -> str:
    answer = client.get(HOME, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


class TestReader:
    def test_a_user_reads_in_the_language_chosen_for_them_whatever_the_browser_asks(self, here: Organization) -> None:
        page = see(_signed_in(here, "zh-hant"), **{"accept-language": "en"})
        assert '<html lang="zh-hant"' in page
        with override("zh-hant"):
            assert _("At the counter") in page
            assert date_format(here.today(clock.now()), "DATE_FORMAT") in page

    def test_the_language_chosen_on_this_machine_comes_first(self, here: Organization) -> None:
        client = _signed_in(here, "zh-hant")
        client.post(reverse("admin:language"), {"language": "en", "next": HOME})
        assert '<html lang="en"' in see(client)

    def test_whoever_is_not_signed_in_reads_in_the_language_of_the_browser(self, here: Organization) -> None:
        answer = Client().get(reverse("sign_in"), headers={"accept-language": "zh-TW,zh;q=0.9"})
        assert '<html lang="zh-Hant"' in answer.content.decode()
        assert "登入" in answer.content.decode()


class TestRecords:
    """What is stored once for everybody: English, or the language of the organization's books."""

    @pytest.mark.parametrize(("language", "title"), [("en", "Void {}"), ("zh-hant", "作廢收款 {}")])
    def test_a_request_is_called_what_its_reader_calls_it(self, here: Organization, language: str, title: str) -> None:
        payment, clerk = builders.pay(builders.customer(here), 100).payment, builders.user(here, "clerk")
        with transaction.atomic():
            asked = ask_for_void(payment=payment, reason="Typed twice", by=clerk, now=builders.NOW)
        with override(language):
            assert title_of(asked) == title.format(payment.number)

    @pytest.mark.parametrize(("country", "name"), [("US", "Accounts receivable"), ("TW", "應收帳款")])
    def test_books_opened_in_taiwan_have_accounts_named_in_chinese(self, db: None, country: str, name: str) -> None:
        opened = builders.organization("gas", country=country)
        assert LedgerAccount.objects.get(organization=opened, code="1200").name == name


def _signed_in(organization: Organization, language: str) -> Client:
    user = builders.user(organization, "clerk")
    user.language = language
    user.save(update_fields=["language"])
    client = Client()
    client.force_login(user)
    return client
