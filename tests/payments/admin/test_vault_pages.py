"""The vault's queues, calendar, cheque pages, blind counts and slips, as each role sees them (R110, R111, R113)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.office import clock
from billing.office.calendar import following_business_day
from payments.models import Cheque, ChequeRejection, VaultCount
from tests import builders
from tests.console_desk import Desk, desk, plain
from tests.payments.admin.vault_desk import kept, today


@pytest.fixture
def org(db):
    return builders.organization(zone="UTC", phone="555 0100")


@pytest.fixture
def ada(org):
    return builders.customer(org, name="Ada Lovelace", code="A1")


@pytest.fixture
def clerk(org) -> Desk:
    return desk(org, "clerk", name="carla")


@pytest.fixture
def accountant(org) -> Desk:
    return desk(org, "accountant", name="acc")


class TestQueues:
    def test_R113_each_queue_is_a_tab_with_its_count_and_sum(self, org, ada, clerk):
        kept(ada, "100.00", number="in-hand-1")
        kept(ada, "40.50", number="tomorrow-1", cheque_date=following_business_day(org, today()))
        page = clerk.see("vault/")
        assert "In hand 2 US$140.50" in page
        assert "Due tomorrow 1 US$40.50" in page
        assert "Returned 0 –" in page
        assert "in-hand-1" in page
        tomorrow = clerk.see("vault/?queue=due_tomorrow")
        assert "tomorrow-1" in tomorrow
        assert "in-hand-1" not in tomorrow

    @pytest.mark.parametrize("name", ["in_hand", "due_tomorrow", "no_answer", "returned", "not_collected"])
    def test_an_empty_queue_says_what_would_be_here(self, clerk, name):
        assert "would be here" in clerk.see(f"vault/?queue={name}")

    def test_an_unknown_queue_is_not_there(self, clerk):
        clerk.get("vault/?queue=lost", 404)

    def test_it_is_filtered_by_bank_day_and_customer(self, org, ada, clerk):
        kept(ada, number="number-one", bank="Chase")
        due = kept(builders.customer(org, name="Ben Short"), number="number-two", bank="First Bank").matures_on
        for asked, shown, hidden in (
            ("bank=chase", "number-one", "number-two"), ("q=short", "number-two", "number-one"),
            ("q=A1", "number-one", "number-two"),
        ):  # fmt: skip
            page = clerk.see(f"vault/?{asked}")
            assert shown in page, asked
            assert hidden not in page, asked
        assert "number-two" in clerk.see(f"vault/?day={due}")
        assert "No cheque of this queue fits" in clerk.see(f"vault/?day={due + timedelta(days=1)}")
        assert "Write the date as" in clerk.see("vault/?day=soon")

    def test_trouble_of_the_daily_run_stands_at_its_cheque(self, ada, clerk):
        cheque = kept(ada)
        Cheque.objects.filter(pk=cheque.pk).update(trouble="The customer is closed.")
        assert "▲ The customer is closed." in clerk.see("vault/")
        assert "could not be booked on its day" in clerk.see(f"cheques/{cheque.pk}/")

    def test_queries_do_not_grow_with_the_cheques(self, ada, clerk):
        def made() -> int:
            with CaptureQueriesContext(connection) as found:
                clerk.get("vault/")
            return len(found)

        kept(ada)
        made()
        first = made()
        for _n in range(5):
            kept(ada)
        assert made() == first

    def test_an_accountant_reads_and_is_offered_nothing_to_do(self, ada, accountant):
        cheque = kept(ada)
        assert "Take in" not in accountant.see("vault/")
        page = accountant.see(f"cheques/{cheque.pk}/")
        assert "Hand back" not in page
        for deed in ("cancel", "replace"):
            accountant.get(f"cheques/{cheque.pk}/{deed}/", 403)
        accountant.post(f"cheques/{cheque.pk}/cancel/", 403, reason="no")
        accountant.post(f"cheques/{cheque.pk}/pictures/", 403, kind="front")

    def test_the_cheques_of_others_are_not_there(self, ada):
        kept(ada, number="only-ours")
        assert "only-ours" not in desk(builders.organization(), "clerk", name="olga").see("vault/")


class TestCalendar:
    def test_R113_a_day_shows_its_sums_by_bank_and_opens_its_list(self, org, ada, clerk):
        due = kept(ada, "100.00", bank="Chase").matures_on
        kept(ada, "50.00", bank="CHASE", cheque_date=due)
        kept(ada, "7.00", bank="First Bank", cheque_date=due)
        answer = clerk.get(f"vault/calendar/?month={due:%Y-%m}")
        assert "US$157.00 3 cheques" in plain(answer)
        assert "Chase ×2 US$150.00" in plain(answer) or "CHASE ×2 US$150.00" in plain(answer)
        assert f"queue=in_hand&amp;day={due:%Y-%m-%d}" in answer.content.decode()
        assert "weekend" in plain(answer)

    def test_a_month_without_any_says_so(self, clerk):
        assert "No cheque in the vault falls due in this month." in clerk.see("vault/calendar/?month=2031-02")

    @pytest.mark.parametrize("month", ["2026-13", "x", "1999-12", "2101-01"])
    def test_what_is_no_month_is_not_there(self, clerk, month):
        clerk.get(f"vault/calendar/?month={month}", 404)

    @pytest.mark.parametrize("month", ["2000-01", "2100-12"])
    def test_the_calendar_ends_where_dates_end(self, clerk, month):
        clerk.get(f"vault/calendar/?month={month}")


class TestOneCheque:
    def test_R111_its_page_tells_its_life(self, ada, clerk):
        invoice = builders.invoice(ada, "100.00")
        cheque = kept(ada, "100.00", number="4711", for_invoices=(invoice.number,), reference="Piano")
        page = clerk.see(f"cheques/{cheque.pk}/")
        for fact in ("4711 · US$100.00", "▣ in the vault", "one hundred dollars and 00/100", invoice.number, "Piano",
                     "Taken in", "falls due and is booked as received", "Hand back", "Replace"):  # fmt: skip
            assert fact in page, fact

    def test_R111_handing_back_needs_a_reason_and_happens_once(self, ada, clerk):
        cheque = kept(ada, "100.00", number="4711", bank="Chase")
        assert "Hand back Chase 4711 (US$100.00)" in clerk.see(f"cheques/{cheque.pk}/cancel/")
        assert "A reason is needed." in plain(clerk.post(f"cheques/{cheque.pk}/cancel/", 422, reason=" "))
        clerk.post(f"cheques/{cheque.pk}/cancel/", reason="paid in cash")
        cheque.refresh_from_db()
        assert (cheque.state, cheque.end_reason) == ("cancelled", "paid in cash")
        assert "only one in the vault or returned" in plain(clerk.post(f"cheques/{cheque.pk}/cancel/", 422, reason="x"))
        assert "Handed back paid in cash" in clerk.see(f"cheques/{cheque.pk}/")

    def test_R111_a_payment_replaces_it_but_not_another_customers(self, org, ada, clerk):
        cheque = kept(ada, "100.00")
        assert "No payment of this customer came in since" in clerk.see(f"cheques/{cheque.pk}/replace/")
        mine = builders.pay(ada, "100.00", now=clock.now(), received_on=today()).payment
        theirs = builders.pay(builders.customer(org, "Eve"), "100.00", now=clock.now(), received_on=today()).payment
        path = f"cheques/{cheque.pk}/replace/"
        assert "Choose a payment of the list." in plain(clerk.post(path, 422, payment=theirs.pk, reason="paid"))
        clerk.post(path, payment=mine.pk, reason="paid in cash")
        cheque.refresh_from_db()
        assert (cheque.state, cheque.replacement_payment) == ("replaced", mine)
        assert mine.number in clerk.see(f"cheques/{cheque.pk}/")

    def test_the_list_of_cheques_has_those_without_a_payment(self, ada, clerk):
        cheque = kept(ada, "123.45", number="4711")
        answer = clerk.get("payments/cheque/")
        for fact in ("4711", "US$123.45", "Ada Lovelace", "in the vault"):
            assert fact in plain(answer), fact
        assert f"/console/cheques/{cheque.pk}/" in answer.content.decode()

    def test_the_customers_page_shows_what_cheques_will_bring(self, ada, clerk):
        kept(ada, "100.00", number="4711")
        kept(ada, "20.00")
        assert "Cheques in hand US$120.00 · 2 cheques" in clerk.see(f"customers/{ada.pk}/")


class TestCounting:
    def test_R113_the_count_is_blind(self, ada, clerk):
        kept(ada, "98765.00", number="SECRET-1", bank="Hidden Bank")
        clerk.post("vault/count/", found="SECRET-0, Some Bank, 10", note="")
        page = clerk.get("vault/count/").content.decode()
        for secret in ("SECRET", "98765", "98,765", "Hidden Bank"):
            assert secret not in page, secret

    def test_R113_differences_are_listed_with_their_cheques(self, ada, clerk):
        kept(ada, "100.00", number="agrees", bank="Chase")
        gone = kept(ada, "200.00", number="gone", bank="Chase")
        kept(ada, "300.00", number="other", bank="Chase")
        text = "agrees, chase, 100\nother\tChase\t1,300.00\n\nstray; First Bank; 5"
        answer = clerk.client.get(clerk.post("vault/count/", found=text, note="before the holidays")["Location"])
        page = plain(answer)
        for fact in ("in the books, not found gone Chase", "found, not in the books stray", "US$1,300.00",
                     "another amount other", "before the holidays", "Differences 3"):  # fmt: skip
            assert fact in page, fact
        assert f"/console/cheques/{gone.pk}/" in answer.content.decode()

    def test_a_count_that_agrees_says_so_and_twice_is_once(self, ada, clerk):
        kept(ada, "100.00", number="agrees", bank="Chase")
        first = clerk.post("vault/count/", found="agrees, Chase, 100", note="")["Location"]
        assert clerk.post("vault/count/", found="agrees, Chase, 100", note="")["Location"] == first
        assert VaultCount.objects.count() == 1
        assert "Every cheque of the books was found" in plain(clerk.client.get(first))
        kept(ada, "5.00", number="new")
        assert clerk.post("vault/count/", found="agrees, Chase, 100", note="")["Location"] != first

    def test_lines_that_cannot_be_read_are_each_named_and_what_was_typed_stays(self, clerk):
        text = "1, Chase\n2, Chase, ten\n3, Chase, 10"
        answer = clerk.post("vault/count/", 422, found=text, note="")
        assert "Line 1: write number, bank and amount" in plain(answer)
        assert "Line 2: " in plain(answer)
        assert "Line 3" not in plain(answer)
        assert text in answer.content.decode()
        assert not VaultCount.objects.exists()

    def test_an_empty_house_must_be_said(self, clerk):
        assert "tick that there is none" in plain(clerk.post("vault/count/", 422, found=" ", note=""))
        clerk.post("vault/count/", found="", note="", is_empty="1")
        assert VaultCount.objects.get().found_count == 0

    def test_an_accountant_reads_counts_and_makes_none(self, accountant, clerk):
        made = clerk.post("vault/count/", found="", note="", is_empty="1")["Location"]
        assert "Compare with the books" not in accountant.see("vault/count/")
        accountant.post("vault/count/", 422, found="1, Chase, 10", note="")
        assert VaultCount.objects.count() == 1
        assert accountant.client.get(made).status_code == 200
        assert desk(builders.organization(), "clerk", name="olga").client.get(made).status_code == 404


class TestHandingBack:
    def test_R110_a_refused_cheque_goes_back_with_a_slip_in_the_customers_words(self, org, clerk):
        mei = builders.customer(org, name="王小明", code="M1", language="zh-hant")
        path = "vault/hand-back/?customer=M1&number=42&bank=Chase&reason=stale"
        assert 'value="stale" checked' in clerk.get(path).content.decode()
        answer = clerk.post(path, number="42", bank="Chase", drawer="王小明", cheque_date="2026-01-02", amount="50",
                            currency="USD", reason=["stale", "not_signed"], other="Torn in two")  # fmt: skip
        made = ChequeRejection.objects.get()
        assert (made.customer, made.number, made.amount, len(made.reasons)) == (mei, "42", 50, 3)
        slip = clerk.client.get(answer["Location"])
        for fact in ("Torn in two", "42", "555 0100", "carla", *made.reasons):
            assert fact in plain(slip), fact
        assert 'lang="zh-hant"' in slip.content.decode()
        assert not Cheque.objects.exists()

    def test_the_same_twice_is_one_record(self, ada, clerk):
        facts = {"number": "42", "bank": "", "drawer": "", "cheque_date": "", "amount": "", "currency": "USD",
                 "reason": ["no_bank"], "other": ""}  # fmt: skip
        first = clerk.post("vault/hand-back/?customer=A1", **facts)["Location"]
        assert clerk.post("vault/hand-back/?customer=A1", **facts)["Location"] == first
        assert "42" in clerk.see("payments/chequerejection/")
        page = clerk.see(f"payments/chequerejection/{ChequeRejection.objects.get().pk}/change/")
        assert "is drawn on is missing or cannot be read." in page

    def test_it_needs_a_reason_and_reads_what_it_can(self, ada, clerk):
        empty = {"number": "", "bank": "B<>", "drawer": "", "cheque_date": "", "amount": "", "currency": "USD"}
        page = clerk.post("vault/hand-back/?customer=A1", 422, **empty, other="")
        assert "Say why the cheque is refused." in plain(page)
        assert "B&lt;&gt;" in page.content.decode()
        wrong = {**empty, "amount": "ten", "cheque_date": "never"}
        text = plain(clerk.post("vault/hand-back/?customer=A1", 422, **wrong, other="x"))
        assert "Date on the cheque: " in text
        assert "Amount: " in text
        assert not ChequeRejection.objects.exists()

    def test_others_do_not_reach_it(self, ada, clerk, accountant):
        made = clerk.post("vault/hand-back/?customer=A1", number="1", bank="", drawer="", cheque_date="", amount="",
                          currency="USD", reason="payee", other="")["Location"]  # fmt: skip
        accountant.get("vault/hand-back/?customer=A1", 403)
        assert accountant.client.get(made).status_code == 200
        other = desk(builders.organization(), "clerk", name="olga")
        assert other.client.get(made).status_code == 404
        other.get("vault/hand-back/?customer=A1", 404)
