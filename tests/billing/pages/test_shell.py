"""What all pages for people have in common: the navigation, the language, the parts of a form."""

import re
from typing import Any

import pytest
from django import forms
from django.template.loader import render_to_string
from django.test import Client

from billing.templatetags.navigation import ACCOUNT, Entry, marked
from tests import agreements, builders


def links(html: str) -> list[tuple[str, str]]:
    """(address, aria-current) of the navigation, each once."""
    nav = html.partition('<nav class="nav"')[2].partition("</nav>")[0]
    found = re.findall(r'<a href="([^"]+)"(?: aria-current="(\w+)")?>', nav)
    return list(dict.fromkeys(found))


def addresses(client: Client, path: str) -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200
    return [address for address, _current in links(answer.content.decode())]


@pytest.fixture
def org(db: None) -> Any:
    return builders.organization()


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


class TestNavigation:
    def test_a_parent_has_the_familys_pages_and_no_others(self, org, django_assert_max_num_queries) -> None:
        mei = builders.user(name="mei")
        builders.customer(org).users.add(mei)
        found = addresses(signed_in(mei), "/family/")
        assert {"/family/", "/family/pay/", "/family/methods/"} <= set(found)
        assert not [address for address in found if address.startswith(("/teacher", "/console"))]

    def test_where_we_are_is_marked_once(self, org) -> None:
        mei = builders.user(name="mei")
        builders.customer(org).users.add(mei)
        client = signed_in(mei)
        for path, current in (("/family/", "page"), ("/family/pay/", "page"), ("/family/methods/", "page")):
            here = [one for one in links(client.get(path).content.decode()) if one[1]]
            assert here == [(path, current)]

    def test_a_page_below_another_marks_the_longest_address(self) -> None:
        entries = [
            Entry("home", "", "", address="/family/"),
            Entry("methods", "", "", ("/family/autopay/",), "/family/methods/"),
        ]
        for path, expected in (
            ("/family/", ["page", ""]), ("/family/methods/", ["", "page"]), ("/family/methods/7/", ["", "true"]),
            ("/family/autopay/7/", ["", "true"]), ("/family/retry/7/", ["true", ""]), ("/account/", ["", ""]),
        ):  # fmt: skip
            assert [entry.current for entry in marked(entries, path)] == expected, path
        assert marked([], "/family/") == []

    def test_who_works_in_an_office_too_finds_the_way_to_it(self, org) -> None:
        clerk = builders.user(org, "clerk", name="carl")
        assert addresses(signed_in(clerk), "/family/")[0] == "/console/"
        builders.customer(org).users.add(clerk)
        found = addresses(signed_in(clerk), "/family/")
        assert found[0] == "/family/" and "/console/" in found

    def test_a_teacher_is_not_shown_a_familys_pages(self, org) -> None:
        tess = builders.user(name="tess")
        provider = agreements.provider(org)
        provider.user = tess
        provider.save(update_fields=["user"])
        assert "/family/pay/" not in addresses(signed_in(tess), "/family/")
        builders.customer(org).users.add(tess)
        assert "/family/pay/" in addresses(signed_in(tess), "/family/")

    def test_an_entry_without_an_address_is_not_there(self, org, monkeypatch) -> None:
        mei = builders.user(name="mei")
        monkeypatch.setattr("billing.templatetags.navigation.ACCOUNT", Entry("not_there_yet", ACCOUNT.words, "person"))
        assert "" not in addresses(signed_in(mei), "/family/")

    def test_the_page_can_be_skipped_to_and_is_in_its_language(self, org) -> None:
        mei = builders.user(name="mei")
        client = signed_in(mei)
        html = client.get("/family/").content.decode()
        assert '<a class="skip" href="#main">' in html and '<main id="main" tabindex="-1">' in html
        client.post("/console/language/", {"language": "zh-hant", "next": "/family/"})
        html = client.get("/family/").content.decode()
        assert '<html lang="zh-Hant">' in html and "跳到內容" in html and "首頁" in html


class Details(forms.Form):
    email = forms.EmailField(label="E-mail", help_text="We write to it.")
    nick = forms.CharField(label="Nickname", required=False)
    agreed = forms.BooleanField(label="I agree")
    sort = forms.ChoiceField(label="Sort", choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)


class TestForms:
    def test_a_label_a_hint_and_an_error_are_tied_to_their_field(self) -> None:
        form = Details({"email": "no"})
        html = render_to_string("pages/field.html", {"field": form["email"]})
        assert '<label for="id_email">' in html and 'id="id_email_helptext"' in html and 'id="id_email_error"' in html
        assert re.search(
            r'<input[^>]+aria-invalid="true"[^>]*aria-describedby="id_email_helptext id_email_error"', html
        )
        assert 'value="no"' in html  # what was typed stays

    def test_what_may_be_left_out_says_so(self) -> None:
        form = Details()
        assert "(optional)" in render_to_string("pages/field.html", {"field": form["nick"]})
        assert "(optional)" not in render_to_string("pages/field.html", {"field": form["email"]})

    def test_a_box_stands_before_its_words_and_choices_have_a_legend(self) -> None:
        form = Details()
        box = render_to_string("pages/field.html", {"field": form["agreed"]})
        assert box.index("<input") < box.index("I agree") and box.count("<input") == 1
        choices = render_to_string("pages/field.html", {"field": form["sort"]})
        assert "<legend>Sort" in choices and choices.count("<input") == 2

    def test_everything_that_is_wrong_stands_above_with_a_link_to_its_field(self) -> None:
        form = Details({"email": "no"})
        html = render_to_string("pages/errors.html", {"form": form})
        assert 'role="alert"' in html and '<a href="#id_email">E-mail: ' in html and '<a href="#id_agreed">' in html
        assert render_to_string("pages/errors.html", {"form": Details()}).strip() == ""
        assert '<a href="#amount">Too much</a>' in render_to_string(
            "pages/errors.html", {"problem": "Too much", "at": "amount"}
        )
