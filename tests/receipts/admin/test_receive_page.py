"""The receive screen itself: found with and without scripts, for the customer chosen."""

import html
import json
import re
from datetime import date

import pytest

from billing.models import Customer
from billing.office.models import Organization
from payments.models import Payment
from tests import builders
from tests.console_desk import plain
from tests.receipts.admin.counter import Counter, rows_written


def test_the_screen_opens_with_nobody_chosen(clerk: Counter) -> None:
    page = clerk.client.get("/console/receive/")
    assert page.status_code == 200
    assert "Choose a customer" in plain(page)
    assert 'role="combobox"' in page.content.decode()


def test_the_card_tells_what_is_owed_overdue_and_free(clerk: Counter, school: Organization) -> None:
    lin = builders.customer(school, "Lin Family", code="C00412", credit_limit="2000")
    builders.invoice(lin, "240.00", issued_on=date(2026, 1, 12))
    builders.invoice(lin, "1000.00", issued_on=date(2026, 2, 20))
    builders.pay(lin, "30.00", strategy="none", method="cheque", cheque=builders.cheque())
    text = plain(clerk.client.get("/console/receive/desk/", {"customer": "C00412"}))
    for words in ("Owes US$1,240.00", "Overdue US$240.00 29 days", "Unapplied credit US$30.00", "US$790.00 left"):
        assert words in text
    assert "Cheques in hand: US$30.00 12 Mar 2026" in text


def test_only_the_methods_that_are_taken_are_offered(clerk: Counter, ada: Customer, school: Organization) -> None:
    builders.policy(school, "payments.methods", ["cheque", "bank_transfer", "ach"])
    page = clerk.client.get("/console/receive/", {"customer": ada.code}).content.decode()
    assert re.findall(r'name="method" value="(\w+)"', page) == ["cheque", "bank_transfer"]


def test_the_customers_policies_are_the_defaults(clerk: Counter, ada: Customer, school: Organization) -> None:
    builders.policy(school, "allocation.strategy", "due_date")
    builders.policy(school, "receipts.delivery", "email")
    page = clerk.client.get("/console/receive/", {"customer": ada.code}).content.decode()
    assert re.search(r'name="strategy" value="due_date" checked', page)
    assert re.search(r'name="delivery" value="email" checked', page)
    assert 'name="payer_name" value="Ada Lovelace"' in page
    assert 'name="received_on" value="2026-03-12"' in page


def test_a_disputed_invoice_cannot_be_typed_into(clerk: Counter, ada: Customer) -> None:
    bill = builders.invoice(ada)
    type(bill).objects.filter(pk=bill.pk).update(is_disputed=True)
    page = clerk.client.get("/console/receive/", {"customer": ada.code}).content.decode()
    [cell] = re.findall(rf'<input name="apply-{bill.pk}"[^>]*>', page)
    assert " disabled" in cell


@pytest.mark.parametrize("code", ["EVE", "nobody", "\x00", "x" * 500])
def test_a_customer_who_is_not_here_is_not_found(clerk: Counter, code: str) -> None:
    builders.customer(builders.organization(), "Eve", code="EVE")
    for path in ("/console/receive/", "/console/receive/desk/"):
        assert clerk.client.get(path, {"customer": code}).status_code in (400, 404)


def test_names_are_shown_escaped(clerk: Counter, school: Organization) -> None:
    builders.customer(school, "<script>alert(1)</script>", code="X1")
    page = clerk.client.get("/console/receive/", {"customer": "X1"}).content.decode()
    assert "<script>alert" not in page


def test_the_lookup_answers_as_json(clerk: Counter, school: Organization) -> None:
    lin = builders.customer(school, "Lin Family", code="C00412", phone="+1 555 0102")
    builders.invoice(lin, "240.00", issued_on=date(2026, 1, 12))
    answer = json.loads(clerk.client.get("/console/customers/find/", {"q": "lin fam"}).content)
    assert answer["count"] == 1
    row = answer["results"][0]
    assert (row["code"], row["name"], row["why"]) == ("C00412", "Lin Family", "name")
    assert (row["open"], row["overdue"]) == ("US$240.00", "US$240.00")


def test_the_lookup_refuses_what_cannot_be_read(clerk: Counter) -> None:
    assert clerk.client.get("/console/customers/find/", {"q": "a\x00"}).status_code == 400
    assert clerk.client.get("/console/customers/find/", {"q": "x" * 81}).status_code == 400


class TestWithoutScripts:
    def test_the_finder_lists_links(self, clerk: Counter, ada: Customer) -> None:
        page = clerk.client.get("/console/receive/", {"q": "lovelace"}).content.decode()
        assert 'href="?customer=C1"' in page
        assert "Nobody found for" in plain(clerk.client.get("/console/receive/", {"q": "zzzz"}))

    def test_the_form_shows_what_it_would_do(self, clerk: Counter, ada: Customer) -> None:
        bill, before = builders.invoice(ada, "120.00"), rows_written()
        answer = clerk.post("", clerk.fields(ada, "100.00", do="preview", note="keep me"))
        page = html.unescape(answer.content.decode())
        assert re.search(rf'name="apply-{bill.pk}" value="100.00"', page)
        assert 'value="keep me"' in page
        assert rows_written() == before

    def test_a_refusal_stands_at_its_field_and_on_top_and_what_was_typed_stays(
        self, clerk: Counter, ada: Customer
    ) -> None:
        before = rows_written()
        fields = clerk.fields(ada, "12,5", do="print", note="keep me")
        answer = clerk.post("", fields, 400)
        page = html.unescape(answer.content.decode())
        assert page.count("Could be 12.5 or 125: write 12.50 or 125.00.") == 2
        assert 'value="12,5"' in page
        assert 'value="keep me"' in page
        assert f'name="request_key" value="{fields["request_key"]}"' in page
        assert rows_written() == before

    def test_it_saves_once_and_says_what_was_done(self, clerk: Counter, ada: Customer) -> None:
        fields = clerk.fields(ada, "25.00", do="next")
        for _click in range(2):
            answer = clerk.post("", fields, 302)
        assert Payment.objects.count() == 1
        assert Payment.objects.get().number in plain(clerk.client.get(answer["Location"]))
