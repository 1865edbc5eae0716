"""Deposit slips, the bank's answers and returned cheques through the console (R12, R112, R115)."""

from datetime import timedelta

import pytest

from billing.models import Invoice
from billing.office.models import ApprovalRequest
from payments.models import Cheque, Deposit
from receipts.models import Receipt
from tests.bank_run import at_bank, bank, bounce, held, slip
from tests.builders import NOW, TODAY, customer, invoice, organization, pay, policy
from tests.console_desk import Desk, desk, plain

NEW = "deposits/new/"


@pytest.fixture
def school(db, monkeypatch):
    from billing.office import clock

    monkeypatch.setattr(clock, "now", lambda: NOW)
    return organization()


@pytest.fixture
def account(school):
    return bank(school)


@pytest.fixture
def ada(school):
    return customer(school, "Ada", email="ada@example.org")


@pytest.fixture
def clerk(school) -> Desk:
    return desk(school, "clerk")


@pytest.fixture
def supervisor(school) -> Desk:
    return desk(school, "supervisor")


class TestMakingOut:
    def test_R112_cheques_in_hand_are_offered_by_bank_and_a_slip_is_made(self, account, ada, clerk) -> None:
        first, second = held(ada, 120, "000123"), held(ada, 80, "000124", paper={"bank": "Union Trust"})
        pay(ada, 50)
        page = clerk.see(NEW)
        assert "First Bank 000123 Ada" in page and "Union Trust 000124 Ada" in page
        done = clerk.follow(
            NEW,
            bank_account=account.code,
            cheque=[first.pk, second.pk],
            request_key="k1",
            **{"count-20": "2", "count-10": "1"},
        )
        made = Deposit.objects.get()
        assert (made.cash_amount, made.cheque_amount, made.prepared_by) == (50, 200, clerk.user)
        assert "DEP-2026-00000001 is made out" in done
        assert "two hundred fifty dollars and 00/100" in done and "US$250.00" in done

    def test_pressed_twice_it_is_one_slip(self, account, ada, clerk) -> None:
        fields = {"bank_account": account.code, "cheque": [held(ada).pk], "request_key": "k1"}
        clerk.post(NEW, **fields)
        clerk.post(NEW, **fields)
        assert Deposit.objects.count() == 1

    def test_R12_more_cash_than_the_safe_has_is_refused_beside_its_field_and_what_was_typed_stays(
        self, account, ada, clerk
    ) -> None:
        pay(ada, 50)
        paper = held(ada, 120, "000123")
        fields = {"bank_account": account.code, "cheque": [paper.pk], "request_key": "k1", "note": "two bags"}
        answer = clerk.post(NEW, 422, cash_amount="50.01", **fields)
        html = answer.content.decode()
        assert 'id="error_cash_amount"' in html and 'value="50.01"' in html and 'value="two bags"' in html
        assert "checked" in html and 'value="k1"' in html and "Nothing was done." in plain(answer)
        assert not Deposit.objects.exists()
        clerk.post(NEW, cash_amount="50.00", **fields)
        assert Deposit.objects.get().cash_amount == 50

    @pytest.mark.parametrize(
        "fields, says",
        [
            ({"cash_amount": "abc"}, "Cash:"),
            ({"cash_amount": "20", "count-20": "2"}, "Notes and coins make 40.00, the slip says 20.00."),
            ({"count-20": "x"}, "Pieces of 20: a whole number is expected."),
            ({}, "Choose at least one cheque, or enter cash."),
            ({"cheque": ["99999999"]}, "There is no such record."),
            ({"cheque": ["1; DROP"]}, "Choose cheques of the list."),
        ],
    )
    def test_bad_input_is_said_plainly(self, account, ada, clerk, fields, says) -> None:
        pay(ada, 50)
        answer = clerk.post(NEW, 422, bank_account=account.code, request_key="k", **fields)
        assert says in plain(answer)
        assert not Deposit.objects.exists()

    def test_a_stale_cheque_is_shown_but_cannot_be_ticked(self, school, account, ada, clerk) -> None:
        paper = held(ada, 120, paper={"cheque_date": TODAY - timedelta(days=30)})
        policy(school, "cheques.stale_days", 29)
        assert "stale: ask for a new one" in clerk.see(NEW)
        answer = clerk.post(NEW, 422, bank_account=account.code, cheque=[paper.pk], request_key="k")
        assert "is stale (dated 2026-02-10, older than 29 days)" in plain(answer)

    def test_without_a_bank_account_it_says_what_to_do(self, school, clerk) -> None:
        assert "There is no bank account of ours yet" in clerk.see(NEW)


class TestTheSlip:
    def test_R112_handed_in_and_cleared_from_its_page(self, account, ada, clerk) -> None:
        papers = [held(ada, 120), held(ada, 80)]
        made = slip(account, papers)
        path = f"deposits/{made.pk}/"
        refused = clerk.post(f"{path}hand-in/", 422, deposited_on="2026-03-13", slip_reference="B-1")
        assert "cannot be handed in in the future" in plain(refused) and 'value="B-1"' in refused.content.decode()
        assert "is at the bank: US$200.00" in clerk.follow(
            f"{path}hand-in/", deposited_on="2026-03-12", slip_reference="B-1"
        )
        assert "Tick the cheques" in plain(clerk.post(f"{path}clear/", 422, cleared_on="2026-03-12"))
        page = clerk.follow(f"{path}clear/", cheque=[papers[0].pk], cleared_on="2026-03-12")
        assert "1 cheque is cleared." in page and "1 cleared, 0 returned, 1 without an answer" in page
        assert set(Cheque.objects.values_list("state", flat=True)) == {"cleared", "deposited"}
        assert "is cleared." in clerk.follow(f"cheques/{papers[1].pk}/clear/", cleared_on="2026-03-12")

    def test_a_cheque_of_another_slip_is_not_cleared_from_here(self, account, ada, clerk) -> None:
        first, second = held(ada, 120), held(ada, 80)
        here, _there = at_bank(account, [first]), at_bank(account, [second])
        clerk.post(f"deposits/{here.pk}/clear/", 422, cheque=[second.pk], cleared_on="2026-03-12")
        assert Cheque.objects.get(pk=second.pk).state == "deposited"

    def test_cancelled_it_says_so_and_a_second_time_is_told(self, account, ada, clerk) -> None:
        made = slip(account, [held(ada)])
        assert "free for another slip" in clerk.follow(f"deposits/{made.pk}/cancel/")
        assert "is cancelled; nothing was changed" in clerk.follow(f"deposits/{made.pk}/cancel/")

    def test_the_list_shows_slips_of_the_own_organization(self, account, ada, clerk) -> None:
        slip(account, [held(ada)])
        slip(bank(other := organization()), [held(customer(other))])
        page = clerk.see("payments/deposit/")
        assert "New deposit slip" in page and page.count("DEP-2026-") == 1 and "1 deposit" in page


class TestReturns:
    def test_R115_a_clerk_sees_all_that_follows_asks_and_a_supervisor_carries_it_out(
        self, school, account, ada, clerk, supervisor
    ) -> None:
        policy(school, "cheques.return_fee", "25")
        invoice(ada, 100, number="A-1")
        paper = held(ada, 120, "000123")
        at_bank(account, [paper])
        page = clerk.see(f"cheques/{paper.pk}/return/")
        for word in ("A-1", "14 Mar 2026", "US$25.00", "ada@example.org", "keeps its number", "return the cheque"):
            assert word in page
        assert "Choose why" in plain(
            clerk.post(f"cheques/{paper.pk}/return/", 422, reason="", returned_on="2026-03-12")
        )
        clerk.post(f"cheques/{paper.pk}/return/", reason="nsf", returned_on="2026-03-12", note="no cover")
        asked = ApprovalRequest.objects.get()
        assert "insufficient funds" in supervisor.see(f"approvals/{asked.pk}/")
        done = supervisor.follow(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash, reason="")
        assert "First Bank 000123 is returned and the customer is told" in done
        assert (Cheque.objects.get().state, Invoice.objects.get(number="A-1").open_amount) == ("returned", 100)
        assert Receipt.objects.get().returned_on == TODAY
        page = clerk.see(f"payments/{paper.payment_id}/")
        assert "Its cheque" in page and "↩ cheque returned" in page and "no cover" in page

    def test_it_is_presented_again_after_one_look(self, school, account, ada, clerk, supervisor) -> None:
        paper = held(ada, 120, "000123")
        at_bank(account, [paper])
        bounce(paper, clerk.user, supervisor.user)
        assert "Present again" in clerk.see(f"cheques/{paper.pk}/")
        assert "1 of at most 2" in clerk.see(f"cheques/{paper.pk}/again/")
        assert "is in hand again" in clerk.follow(f"cheques/{paper.pk}/again/")
        refused = plain(clerk.post(f"cheques/{paper.pk}/again/", 422))
        assert "only a returned cheque is presented again" in refused
        assert "000123" in clerk.see(NEW)

    def test_a_cheque_in_hand_says_why_it_cannot_come_back(self, account, ada, clerk) -> None:
        paper = held(ada, 10)
        assert "the bank returns only what was deposited" in clerk.see(f"cheques/{paper.pk}/return/")


class TestRights:
    LOOKING = ("payments/deposit/", "deposits/{d}/")
    DOING = ("deposits/{d}/hand-in/", "deposits/{d}/cancel/", "deposits/{d}/clear/", "cheques/{c}/clear/")
    FORMS = (NEW, "cheques/{c}/again/")

    @pytest.fixture
    def made(self, account, ada) -> dict[str, int]:
        paper = held(ada, 10)
        return {"d": slip(account, [paper]).pk, "c": paper.pk}

    @pytest.mark.parametrize("role", ["manager", "accountant", "finance_manager"])
    def test_R173_others_look_but_do_not_touch(self, school, made, role) -> None:
        who = desk(school, role)
        for path in self.LOOKING:
            assert "DEP-2026-00000001" in who.see(path.format(**made))
        assert "Handed in:" not in who.see(f"deposits/{made['d']}/")
        for path in self.DOING:
            who.post(path.format(**made), 403)
        for path in self.FORMS:
            who.get(path.format(**made), 403)
            who.post(path.format(**made), 403)

    @pytest.mark.parametrize("role", ["accountant", "finance_manager", "school_admin"])
    def test_R173_who_may_not_ask_for_a_return_gets_403(self, school, made, role) -> None:
        who = desk(school, role)
        who.get(f"cheques/{made['c']}/return/", 403)
        who.post(f"cheques/{made['c']}/return/", 403, reason="nsf", returned_on="2026-03-12")

    def test_another_organization_sees_nothing_of_it(self, made) -> None:
        stranger = desk(organization(), "clerk")
        for path in (self.LOOKING[1], "cheques/{c}/return/", "cheques/{c}/again/"):
            stranger.get(path.format(**made), 404)
        for path in self.DOING:
            stranger.post(path.format(**made), 404)
        stranger.post("cheques/{c}/again/".format(**made), 404)

    def test_an_anonymous_visitor_is_sent_to_sign_in(self, made) -> None:
        from django.test import Client

        answer = Client().get(f"/console/deposits/{made['d']}/")
        assert answer.status_code == 302 and "login" in answer["Location"]
