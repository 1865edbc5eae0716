"""Post-dated cheques are taken in at the console: all or none, words win, bounces are shown (R110, R113, R116)."""

import html
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.ledger.models import JournalEntry
from billing.office.models import ApprovalRequest, KeptDocument
from payments.models import Cheque, Payment
from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import Desk, desk, plain
from tests.payments.admin.vault_desk import KEY, bounced, kept, refusal, row, sheet, take, today, upload
from tests.uploads import picture


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DOCUMENTS_DIR = tmp_path / "documents"


@pytest.fixture
def org(db):
    return builders.organization(zone="UTC")


@pytest.fixture
def ada(org):
    return builders.customer(org, name="Ada Lovelace", code="A1")


@pytest.fixture
def clerk(org) -> Desk:
    return desk(org, "clerk", name="carla")


def test_R113_several_cheques_go_into_the_vault_at_once_and_nothing_is_posted(org, ada, clerk):
    entries = JournalEntry.objects.count()
    later = (today() + timedelta(days=60)).isoformat()
    text = plain(
        clerk.client.get(take(clerk, ada, row(0), row(1, date=later, amount="1,250.50"), reference="Piano")["Location"])
    )
    assert list(Cheque.objects.order_by("matures_on").values_list("number", "amount", "state")) == [
        ("000", 100, "in_vault"), ("001", Decimal("1250.50"), "in_vault"),
    ]  # fmt: skip
    assert not Payment.objects.exists()
    assert JournalEntry.objects.count() == entries
    for fact in ("This is no receipt", "US$1,250.50", "US$1,350.50", "2 cheques", "Piano", "Ada Lovelace", "carla"):
        assert fact in text, fact
    assert_books_whole()


def test_a_double_click_takes_each_cheque_once(ada, clerk):
    first, again = take(clerk, ada, row(0), row(1)), take(clerk, ada, row(0), row(1))
    assert first["Location"] == again["Location"]
    assert Cheque.objects.count() == 2


def test_one_refused_row_refuses_all_and_what_was_typed_stays(ada, clerk):
    page = take(clerk, ada, row(0), row(1, number="", bank="Chase <&>"), status=422).content.decode()
    assert not Cheque.objects.exists()
    assert "A cheque has a number; enter it." in page
    assert 'value="Chase &lt;&amp;&gt;"' in page
    assert f'value="{KEY}"' in page
    assert re.search(r'id="id_number-1"[^>]*aria-invalid="true"', page)
    assert not re.search(r'id="id_number-0"[^>]*aria-invalid="true"', page)


@pytest.mark.parametrize("days", [1, 90])
def test_R113_day_90_is_taken(ada, clerk, days):
    take(clerk, ada, row(0, date=(today() + timedelta(days=days)).isoformat()))
    assert Cheque.objects.get().cheque_date == today() + timedelta(days=days)


def test_R113_day_91_is_refused_at_its_date(ada, clerk):
    page = take(clerk, ada, row(0, date=(today() + timedelta(days=91)).isoformat()), status=422).content.decode()
    assert re.search(r'id="error_date-0">Post-dated cheques up to 90 days', page)
    assert not Cheque.objects.exists()


def test_a_cheque_of_today_is_sent_to_receive_payment(ada, clerk):
    assert "take it under Receive payment" in refusal(clerk, ada, row(0, date=today().isoformat()))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": "0"}, "more than 0"), ({"amount": "1.2.3"}, "Amount in figures"), ({"date": "soon"}, "2026-02-03"),
        ({"kind": "rubber"}, "no such kind"), ({"bank": ""}, "Enter the bank"), ({"words_amount": "-3"}, "more than 0"),
        ({"number": "1" * 31}, "30"), ({"amount": ""}, "Amount in figures"),
    ],
)  # fmt: skip
def test_R110_what_is_wrong_with_a_cheque_is_said_at_its_field(ada, clerk, typed, sentence):
    assert sentence in refusal(clerk, ada, row(0, **typed))
    assert not Cheque.objects.exists()


def test_an_empty_form_says_what_it_needs_and_empty_rows_are_passed_over(ada, clerk):
    blank = row(0, number="", bank="", date="", amount="")
    assert "Enter at least one cheque." in refusal(clerk, ada, blank)
    take(clerk, ada, blank, row(1))
    assert Cheque.objects.get().number == "001"


def test_R110_the_words_win_and_the_clerk_sees_which_amount_counts(ada, clerk):
    page = plain(take(clerk, ada, row(0, amount="1520", words_amount="1250"), step="check", status=200))
    assert "US$1,250.00: one thousand two hundred fifty dollars and 00/100" in page
    assert "US$1,250.00 counts: where words and figures differ, the words win." in page
    assert not Cheque.objects.exists()
    take(clerk, ada, row(0, amount="1520", words_amount="1250"))
    cheque = Cheque.objects.get()
    assert (cheque.amount, cheque.figures_amount) == (1250, 1520)
    assert "The figures say US$1,520.00, the words US$1,250.00." in clerk.see(f"cheques/{cheque.pk}/")


def test_amounts_are_said_in_words_while_typing(ada, clerk):
    day = (today() + timedelta(days=30)).isoformat()
    said = clerk.post("vault/take-in/words/", 200, amount="12.50", words_amount="", date=day, currency="USD").json()
    assert said["words"] == "US$12.50: twelve dollars and 50/100"
    assert "due " in said["due"]
    assert clerk.post("vault/take-in/words/", 200, amount="x", words_amount="", date="", currency="USD").json() == {
        "due": ""
    }


def test_it_is_meant_for_invoices_of_this_customer_only(org, ada, clerk):
    mine, other = builders.invoice(ada, "100.00"), builders.invoice(builders.customer(org, "Eve"), "100.00")
    page = clerk.get("vault/take-in/?customer=A1").content.decode()
    assert mine.number in page
    assert other.number not in page
    assert "another customer" in refusal(clerk, ada, row(0, **{"for_": [other.number]}))
    take(clerk, ada, row(0, **{"for_": [mine.number]}))
    assert Cheque.objects.get().for_invoices == [mine.number]


def test_the_same_paper_twice_is_refused_with_the_way_back(ada, clerk):
    kept(ada, number="000", bank="First Bank")
    page = take(clerk, ada, row(0), status=422).content.decode()
    assert "This cheque was entered on" in page
    assert "reason=known" in html.unescape(page)


class TestPictures:
    def test_front_and_back_are_kept_with_the_cheque(self, ada, clerk):
        take(clerk, ada, {**row(0), "front-0": upload(picture()), "back-0": upload(picture(colour="navy"), "back.jpg")})
        cheque = Cheque.objects.get()
        documents = KeptDocument.objects.filter(subject=f"cheque:{cheque.pk}").order_by("pk")
        assert [one.kind for one in documents] == ["front", "back"]
        assert "front.jpg" in clerk.see(f"cheques/{cheque.pk}/")

    def test_a_file_that_is_no_picture_refuses_the_whole_form(self, ada, clerk):
        page = take(clerk, ada, {**row(0), "front-0": upload(b"MZ no picture", "front.exe")}, status=422)
        assert re.search(r'id="error_front-0">', page.content.decode())
        assert not Cheque.objects.exists()
        assert not KeptDocument.objects.exists()

    def test_another_is_added_later_and_twice_is_once(self, ada, clerk):
        cheque = kept(ada)
        for _time in range(2):
            clerk.post(f"cheques/{cheque.pk}/pictures/", photo=upload(picture()), kind="back")
        assert KeptDocument.objects.get().subject == f"cheque:{cheque.pk}"
        text = plain(clerk.post(f"cheques/{cheque.pk}/pictures/", 422, kind="front"))
        assert "Choose a file." in text


class TestBounces:
    def test_R116_one_is_a_warning_before_anything_is_saved(self, ada, clerk):
        bounced(ada, 1)
        assert "Look twice. 1 cheque came back in the last 12 months" in clerk.see("vault/take-in/?customer=A1")
        take(clerk, ada, row(0))
        assert Cheque.objects.filter(state="in_vault").count() == 1

    def test_R116_two_need_a_supervisor_and_the_clerk_asks_one(self, org, ada, clerk):
        bounced(ada, 2)
        supervisor = desk(org, "supervisor", name="sam")
        page = clerk.see("vault/take-in/?customer=A1")
        assert "Needs a supervisor." in page
        assert "Ask a supervisor to accept them" in page
        assert "a supervisor must accept this one: sam" in refusal(clerk, ada, row(0))
        assert "reason" in refusal(clerk, ada, row(0), step="ask", why="").lower()
        take(clerk, ada, row(0), step="ask", why="her employer paid late")
        asked = ApprovalRequest.objects.get()
        assert not Cheque.objects.filter(state="in_vault").exists()
        supervisor.post(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash, reason="")
        cheque = Cheque.objects.get(state="in_vault")
        assert (cheque.number, cheque.recorded_by) == ("000", clerk.user)

    def test_R116_a_supervisor_accepts_by_taking_it_in(self, org, ada):
        bounced(ada, 2)
        supervisor = desk(org, "supervisor", name="sam")
        assert "You accept them as supervisor." in supervisor.see("vault/take-in/?customer=A1")
        take(supervisor, ada, row(0))
        assert Cheque.objects.filter(state="in_vault").count() == 1

    def test_R116_three_are_refused(self, ada, clerk):
        bounced(ada, 3)
        assert "Do not take a cheque." in clerk.see("vault/take-in/?customer=A1")
        assert "take cash, card or transfer" in refusal(clerk, ada, row(0))
        assert not Cheque.objects.filter(state="in_vault").exists()


class TestReplacing:
    def test_a_new_cheque_ends_the_old_one(self, ada, clerk):
        old = kept(ada, number="777", bank="Chase")
        page = clerk.see(f"vault/take-in/?customer=A1&replaces={old.pk}")
        assert "Instead of cheque Chase 777" in page
        answer = clerk.client.post(
            f"/console/vault/take-in/?customer=A1&replaces={old.pk}",
            sheet(ada, row(0)),
        )
        assert answer.status_code == 302
        old.refresh_from_db()
        new = Cheque.objects.get(number="000")
        assert (old.state, new.replaces_id) == ("replaced", old.pk)
        assert "Replaced by First Bank 000" in clerk.see(f"cheques/{old.pk}/")


def test_more_rows_come_without_scripts_and_keep_what_was_typed(ada, clerk):
    page = take(clerk, ada, row(0, number="4711"), step="more", status=200).content.decode()
    assert 'value="4711"' in page
    assert 'id="id_number-3"' in page
    assert not Cheque.objects.exists()


def test_what_the_receive_screen_carries_over_is_filled_in(ada, clerk):
    page = clerk.get("vault/take-in/?customer=A1&cheque_number=42&cheque_bank=Chase&amount=99&cheque_date=2099-01-02")
    text = page.content.decode()
    for value in ('value="42"', 'value="Chase"', 'value="99"', 'value="2099-01-02"'):
        assert value in text, value


def test_the_customer_is_looked_for_by_name(ada, clerk):
    assert "Ada Lovelace" in clerk.see("vault/take-in/?q=lovelace")
    assert "Nobody found" in clerk.see("vault/take-in/?q=zzzz")


def test_who_may_not_take_payments_may_not_take_cheques(org, ada):
    desk(org, "accountant", name="acc").get("vault/take-in/?customer=A1", 403)


def test_another_organization_sees_nothing_of_it(ada, clerk):
    cheque = kept(ada)
    other = desk(builders.organization(), "clerk", name="olga")
    other.get("vault/take-in/?customer=A1", 404)
    other.get(f"vault/slip/?cheque={cheque.pk}", 404)
    other.get(f"cheques/{cheque.pk}/", 404)
    for deed in ("cancel", "replace"):
        other.get(f"cheques/{cheque.pk}/{deed}/", 404)
    other.post(f"cheques/{cheque.pk}/pictures/", 404, kind="front")
    clerk.get("vault/slip/?cheque=99999999999999999999", 404)
    clerk.get("vault/slip/", 404)
