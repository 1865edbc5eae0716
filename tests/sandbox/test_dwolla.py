"""The Dwolla double as Dwolla's documentation has it: access, payers, their banks and micro-deposits."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.sandbox.clock import Clock
from tests.sandbox.dwolla import Dwolla
from tests.sandbox.dwolla_desk import MONDAY, TIMEOUT, VENDOR, Desk, open_desk
from tests.sandbox.server import running

SMALL = {"amount1": {"value": "0.03", "currency": "USD"}, "amount2": {"value": "0.07", "currency": "USD"}}
NINES = {"amount1": {"value": "0.09", "currency": "USD"}, "amount2": {"value": "0.09", "currency": "USD"}}


@pytest.fixture
def desk() -> Iterator[Desk]:
    with open_desk() as desk:
        yield desk


def amounts(first: str, second: str) -> dict[str, dict[str, str]]:
    return {"amount1": {"value": first, "currency": "USD"}, "amount2": {"value": second, "currency": "USD"}}


class TestAccess:
    def token(self, desk: Desk, auth: tuple[str, str] | None = None, **form: str) -> requests.Response:
        asked = {"grant_type": "client_credentials", **form}
        return requests.post(desk.at("/token"), data=asked, auth=auth, timeout=TIMEOUT)

    def test_a_token_is_had_by_basic_and_by_form(self, desk: Desk) -> None:
        by_form = self.token(desk, client_id=Dwolla.key, client_secret=Dwolla.secret).json()
        by_basic = self.token(desk, auth=(Dwolla.key, Dwolla.secret)).json()
        assert {by_form["token_type"], by_basic["token_type"]} == {"bearer"}
        assert (by_form["expires_in"], by_basic["expires_in"]) == (3600, 3600)
        for told in (by_form, by_basic):
            assert desk.ask("GET", "/", token=told["access_token"]).status_code == 200

    def test_wrong_credentials_and_another_grant_are_refused(self, desk: Desk) -> None:
        assert self.token(desk, auth=(Dwolla.key, "no")).json()["error"] == "access_denied"
        assert self.token(desk, client_id="no", client_secret=Dwolla.secret).status_code == 401
        other = self.token(desk, auth=(Dwolla.key, Dwolla.secret), grant_type="password")
        assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")

    def test_a_token_is_good_for_an_hour(self, desk: Desk) -> None:
        desk.dwolla.clock.advance(seconds=3599)
        assert desk.ask("GET", "/").status_code == 200
        desk.dwolla.clock.advance(seconds=1)
        assert desk.refusal("/", method="GET")[:2] == (401, "ExpiredAccessToken")

    def test_an_unknown_token_and_none_and_another_version_are_told_apart(self, desk: Desk) -> None:
        assert desk.refusal("/", method="GET", authorization="Bearer no")[:2] == (401, "InvalidAccessToken")
        assert desk.refusal("/", method="GET", authorization="")[:2] == (401, "InvalidCredentials")
        assert desk.refusal("/", method="GET", accept="application/json")[:2] == (406, "InvalidVersion")

    def test_the_root_leads_to_account_and_customers(self, desk: Desk) -> None:
        answer = desk.ask("GET", "/")
        links = answer.json()["_links"]
        assert answer.headers["content-type"] == VENDOR
        assert links["customers"]["href"] == desk.at("/customers")
        assert desk.get(links["account"]["href"])["id"] == links["account"]["href"].rsplit("/", 1)[-1]

    def test_nothing_there_is_told_in_its_words(self, desk: Desk) -> None:
        assert desk.refusal("/customers/none", method="GET")[:2] == (404, "NotFound")
        assert desk.refusal("/nowhere", method="GET")[:2] == (404, "NotFound")

    def test_faults_speak_its_words(self, desk: Desk) -> None:
        desk.dwolla.faults.add("rate_limit")
        assert desk.refusal("/", method="GET")[:2] == (429, "TooManyRequests")
        desk.dwolla.faults.add("expired")
        assert desk.refusal("/", method="GET")[:2] == (401, "ExpiredAccessToken")


class TestCustomers:
    def test_a_customer_is_made_and_found(self, desk: Desk) -> None:
        ada = desk.customer("Ada", correlationId="family-7")
        told = desk.get(ada)
        assert (told["firstName"], told["status"], told["type"]) == ("Ada", "unverified", "unverified")
        assert told["correlationId"] == "family-7"
        assert desk.get(f"/customers?email={told['email']}")["total"] == 1
        assert desk.get("/customers?search=nobody")["total"] == 0
        assert desk.topics() == ["customer_created"]

    def test_what_is_missing_or_misshapen_is_named(self, desk: Desk) -> None:
        status, code, errors = desk.refusal("/customers", {"firstName": "Ada", "email": "ada"})
        assert (status, code) == (400, "ValidationError")
        assert errors == [("Required", "/lastName"), ("InvalidFormat", "/email")]
        assert desk.refusal("/customers", {"correlationId": "a b"})[2][-1] == ("InvalidFormat", "/correlationId")

    def test_an_address_is_one_customers(self, desk: Desk) -> None:
        email = desk.get(desk.customer("Ada"))["email"]
        again = {"firstName": "Ben", "lastName": "Bo", "email": email.upper()}
        assert desk.refusal("/customers", again) == (400, "ValidationError", [("Duplicate", "/email")])

    @pytest.mark.parametrize("first", ["retry", "kba", "document", "suspended"])
    def test_the_first_name_of_a_verified_customer_chooses_the_status(self, desk: Desk, first: str) -> None:
        assert desk.status(desk.verified(first)) == first
        assert desk.status(desk.verified("Vera")) == "verified"

    def test_a_verified_customer_holds_a_balance(self, desk: Desk) -> None:
        rows = desk.get(f"{desk.verified()}/funding-sources")["_embedded"]["funding-sources"]
        assert [row["type"] for row in rows] == ["balance"]
        assert desk.get(rows[0]["_links"]["balance"]["href"])["balance"]["value"] == "0.00"

    def test_lists_come_in_pages_newest_first(self, desk: Desk) -> None:
        made = [desk.customer(name) for name in ("Ada", "Ben", "Cleo")]
        page = desk.get("/customers?limit=2")
        assert [row["firstName"] for row in page["_embedded"]["customers"]] == ["Cleo", "Ben"]
        assert page["total"] == 3
        rest = desk.get(page["_links"]["next"]["href"])["_embedded"]["customers"]
        assert [row["_links"]["self"]["href"] for row in rest] == made[:1]

    def test_who_is_deactivated_can_be_reactivated(self, desk: Desk) -> None:
        ada = desk.customer()
        assert desk.ask("POST", ada, {"status": "deactivated"}).json()["status"] == "deactivated"
        assert desk.ask("POST", ada, {"status": "reactivated"}).json()["status"] == "unverified"
        assert desk.topics()[1:] == ["customer_deactivated", "customer_activated"]


class TestBanks:
    def test_a_bank_by_number_begins_unverified(self, desk: Desk) -> None:
        told = desk.get(desk.bank(desk.customer()))
        assert (told["status"], told["bankAccountType"], told["removed"]) == ("unverified", "checking", False)
        assert told["bankName"] and told["fingerprint"]
        assert "initiate-micro-deposits" in told["_links"]
        assert desk.topics()[-1] == "customer_funding_source_added"

    @pytest.mark.parametrize("routing", ["222222227", "22222222", "990000000", "", "22222222x"])
    def test_a_routing_number_needs_its_check_digit_and_range(self, desk: Desk, routing: str) -> None:
        asked = {"routingNumber": routing, "accountNumber": "1234", "bankAccountType": "checking", "name": "My bank"}
        status, _code, errors = desk.refusal(f"{desk.customer()}/funding-sources", asked)
        assert status == 400
        assert [path for _code, path in errors] == ["/routingNumber"]

    @pytest.mark.parametrize(
        ("number", "is_good"), [("123", False), ("1234", True), ("1" * 17, True), ("1" * 18, False)]
    )
    def test_an_account_number_has_4_to_17_digits(self, desk: Desk, number: str, is_good: bool) -> None:
        asked = {"routingNumber": "222222226", "accountNumber": number, "bankAccountType": "savings", "name": "B"}
        answer = desk.ask("POST", f"{desk.customer()}/funding-sources", asked)
        assert (answer.status_code == 201) is is_good

    @pytest.mark.parametrize(("length", "status"), [(50, 201), (51, 400)])
    def test_a_name_has_at_most_50_characters(self, desk: Desk, length: int, status: int) -> None:
        asked = {"plaidToken": "processor-sandbox-1", "bankAccountType": "checking", "name": "n" * length}
        assert desk.ask("POST", f"{desk.customer()}/funding-sources", asked).status_code == status

    def test_the_same_bank_again_is_a_duplicate_with_a_link_to_the_old_one(self, desk: Desk) -> None:
        ada = desk.customer()
        old = desk.bank(ada)
        asked = {"routingNumber": "222222226", "accountNumber": "123456789", "bankAccountType": "savings", "name": "2"}
        told = desk.ask("POST", f"{ada}/funding-sources", asked)
        assert (told.status_code, told.json()["code"]) == (400, "DuplicateResource")
        assert told.json()["_links"]["about"]["href"] == old
        assert desk.ask("POST", old, {"removed": True}).json()["removed"] is True
        assert desk.bank(ada) != old

    def test_a_fingerprint_is_the_same_at_every_customer(self, desk: Desk) -> None:
        prints = [desk.get(desk.bank(desk.customer(name)))["fingerprint"] for name in ("Ada", "Ben")]
        assert prints[0] == prints[1] != desk.get(desk.bank(desk.customer("Cleo"), number="987654321"))["fingerprint"]

    def test_a_removed_bank_is_gone_for_good(self, desk: Desk) -> None:
        ada = desk.customer()
        bank = desk.bank(ada)
        desk.ask("POST", bank, {"removed": True})
        assert desk.topics()[-1] == "customer_funding_source_removed"
        assert desk.refusal(bank, {"name": "again"})[:2] == (403, "InvalidResourceState")
        assert desk.get(f"{ada}/funding-sources?removed=false")["_embedded"]["funding-sources"] == []
        assert len(desk.get(f"{ada}/funding-sources")["_embedded"]["funding-sources"]) == 1

    def test_a_partners_token_verifies_at_once_and_a_made_up_one_does_not(self, desk: Desk) -> None:
        ada = desk.customer()
        assert desk.status(desk.good_bank(ada)) == "verified"
        assert desk.topics()[-2:] == ["customer_funding_source_added", "customer_funding_source_verified"]
        asked = {"plaidToken": "made-up", "bankAccountType": "checking", "name": "B"}
        assert desk.refusal(f"{ada}/funding-sources", asked)[2] == [("Invalid", "/plaidToken")]

    def test_an_exchange_verifies_at_once_with_an_on_demand_authorization(self, desk: Desk) -> None:
        ada, ben = desk.customer("Ada"), desk.customer("Ben")
        partner = desk.get("/exchange-partners")["_embedded"]["exchange-partners"][0]["_links"]["self"]["href"]
        asked = {"_links": {"exchange-partner": {"href": partner}}, "token": "processor-sandbox-7"}
        exchange = desk.make(f"{ada}/exchanges", asked)
        agreed = desk.ask("POST", "/on-demand-authorizations").json()
        assert agreed["buttonText"] and agreed["bodyText"]
        links = {"exchange": {"href": exchange}, "on-demand-authorization": agreed["_links"]["self"]}
        body = {"_links": links, "bankAccountType": "checking", "name": "Ada's"}
        assert desk.status(desk.make(f"{ada}/funding-sources", body)) == "verified"
        assert desk.refusal(f"{ben}/funding-sources", body)[:2] == (400, "InvalidExchangeToken")
        assert desk.refusal(f"{ada}/exchanges", asked | {"token": "no"})[:2] == (400, "InvalidExchangeToken")

    def test_a_notice_of_change_tells_that_the_bank_was_updated(self, desk: Desk) -> None:
        bank = desk.good_bank(desk.customer())
        before = desk.get(bank)
        desk.dwolla.do("notice_of_change", bank=before["id"], code="C01")
        assert desk.get(bank)["fingerprint"] != before["fingerprint"]
        assert desk.topics()[-1] == "customer_funding_source_updated"
        desk.dwolla.do("notice_of_change", bank=before["id"], code="C05")
        assert desk.get(bank)["bankAccountType"] == "savings"


class TestMicroDeposits:
    @pytest.fixture
    def bank(self, desk: Desk) -> str:
        return desk.bank(desk.customer())

    def started(self, desk: Desk, bank: str) -> str:
        path = f"{bank}/micro-deposits"
        assert desk.make(path) == path
        desk.dwolla.do("settle_deposits")
        return path

    def test_they_arrive_after_two_banking_days(self, desk: Desk, bank: str) -> None:
        desk.dwolla.clock.advance(days=4)  # Friday
        desk.token = desk.new_token()
        path = desk.make(f"{bank}/micro-deposits")
        assert desk.status(path) == "pending"
        for days, status in ((3, "pending"), (1, "processed")):  # Monday, Tuesday
            desk.dwolla.clock.advance(days=days)
            desk.token = desk.new_token()
            assert desk.status(path) == status
        assert desk.topics()[-2:] == ["customer_microdeposits_added", "customer_microdeposits_completed"]

    def test_too_early_is_202_and_right_is_200(self, desk: Desk, bank: str) -> None:
        path = desk.make(f"{bank}/micro-deposits")
        early = desk.ask("POST", path, SMALL)
        assert (early.status_code, early.json()["code"]) == (202, "TryAgainLater")
        desk.dwolla.do("settle_deposits")
        right = desk.ask("POST", path, SMALL)
        assert (right.status_code, right.content) == (200, b"")
        assert desk.status(bank) == "verified"
        assert desk.topics()[-1] == "customer_funding_source_verified"
        assert desk.refusal(path, SMALL)[:2] == (403, "InvalidResourceState")

    def test_the_third_wrong_try_is_the_last(self, desk: Desk, bank: str) -> None:
        path = self.started(desk, bank)
        for _try in range(2):
            assert desk.refusal(path, NINES)[:2] == (400, "Invalid")
        assert "customer_microdeposits_maxattempts" not in desk.topics()
        assert desk.refusal(path, NINES)[:2] == (400, "Invalid")
        assert desk.topics()[-1] == "customer_microdeposits_maxattempts"
        assert desk.refusal(path, SMALL)[:2] == (403, "InvalidResourceState")
        assert desk.status(bank) == "unverified"
        assert "failed-verification-micro-deposits" in desk.get(bank)["_links"]

    def test_two_wrong_tries_leave_a_third(self, desk: Desk, bank: str) -> None:
        path = self.started(desk, bank)
        for _try in range(2):
            desk.ask("POST", path, NINES)
        assert desk.ask("POST", path, SMALL).status_code == 200

    @pytest.mark.parametrize("pair", [("0.11", "0.03"), ("0.03", "0.11"), ("0.00", "0.03"), ("-0.01", "0.03")])
    def test_what_no_deposit_can_be_is_no_try(self, desk: Desk, bank: str, pair: tuple[str, str]) -> None:
        path = self.started(desk, bank)
        for _try in range(4):
            status, code, errors = desk.refusal(path, amounts(*pair))
            assert (status, code, errors[0][0]) == (400, "ValidationError", "Invalid")
        assert desk.ask("POST", path, SMALL).status_code == 200

    def test_they_are_started_once_and_only_for_an_unverified_bank(self, desk: Desk, bank: str) -> None:
        assert desk.refusal(f"{bank}/micro-deposits", method="GET")[:2] == (404, "NotFound")
        assert desk.refusal(f"{bank}/micro-deposits", SMALL)[:2] == (404, "NotFound")
        self.started(desk, bank)
        assert desk.refusal(f"{bank}/micro-deposits")[:2] == (400, "MaxNumberOfResources")
        good = desk.good_bank(desk.customer("Ben"))
        assert desk.refusal(f"{good}/micro-deposits")[:2] == (403, "InvalidResourceState")

    def test_they_can_be_sent_back(self, desk: Desk, bank: str) -> None:
        path = desk.make(f"{bank}/micro-deposits")
        desk.dwolla.do("fail_deposits", bank=bank.rsplit("/", 1)[-1])
        assert desk.get(path)["failure"]["code"] == "R03"
        assert desk.topics()[-1] == "customer_microdeposits_failed"


def test_nothing_kept_holds_an_account_number(desk: Desk) -> None:
    number = "98765432123456789"
    bank = desk.bank(desk.customer(), number=number)
    kept = pickle.dumps([getattr(desk.dwolla, name) for name in (*Dwolla.kept, "ledger")])
    assert number.encode() not in kept and number[-4:].encode() in kept
    assert bank.rsplit("/", 1)[-1].encode() in kept


def test_an_account_goes_on_after_a_restart(tmp_path: Path) -> None:
    with running(Dwolla(Clock(MONDAY), tmp_path)) as server:
        bank = Desk(server).good_bank(Desk(server).customer())
        path = bank.removeprefix(server.url)
    with running(Dwolla(Clock(MONDAY), tmp_path)) as server:
        assert Desk(server).status(path) == "verified"
        assert [entry.kind for entry in server.processor.ledger.of()] == ["store", "verify"]
