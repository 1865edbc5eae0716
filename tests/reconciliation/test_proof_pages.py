"""Proofs of the books at the console: the card of the start page, the list, each rule, the rows that break one."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction

from billing.ledger.models import JournalLine
from billing.office.models import Organization
from reconciliation.models import BooksProof, ProofRequest
from reconciliation.selectors.proofs import STALE_AFTER
from reconciliation.services.proving import prove_organization
from reconciliation.tasks import prove_books
from tests import builders
from tests.console_desk import Desk, desk
from tests.reconciliation.test_proving import TWO, one_wrong_cent, school  # noqa: F401  a fixture

MINUTE = timedelta(minutes=1)


@pytest.fixture
def finance(school: Organization) -> Desk:  # noqa: F811
    return desk(school, "finance_manager")


def prove(organization: Organization) -> BooksProof:
    return prove_organization(organization=organization, now=TWO)


class TestCard:
    def test_before_the_first_night_it_says_what_would_be_here(self, finance: Desk) -> None:
        assert "Every night at 02:00 all rules of the books are asked" in finance.see("")

    def test_green_with_number_and_day(self, school: Organization, finance: Desk) -> None:  # noqa: F811
        prove(school)
        with time_machine.travel(TWO + STALE_AFTER, tick=False):
            finance.client.force_login(finance.user)
            text = finance.see("")
        assert "Books proven at 02:00 ✓ proven PRF-00000001 of 2026-03-12:" in text and "rules hold" in text

    def test_a_night_without_a_proof_is_told(self, school: Organization, finance: Desk) -> None:  # noqa: F811
        prove(school)
        with time_machine.travel(TWO + STALE_AFTER + MINUTE, tick=False):
            finance.client.force_login(finance.user)
            assert "▲ not proven lately PRF-00000001 of 2026-03-12 was good" in finance.see("")
            assert "Is the worker running?" in finance.see("books/proofs/")

    def test_red_leads_to_what_is_broken(self, school: Organization, finance: Desk) -> None:  # noqa: F811
        one_wrong_cent()
        proof = prove(school)
        answer = finance.get("")
        assert f"{proof.broken_count} of {proof.rule_count} rules are broken" in answer.content.decode()
        assert "/console/books/proofs/1/" in answer.content.decode()


class TestPages:
    def test_an_empty_list_says_how_the_first_comes(self, finance: Desk) -> None:
        assert "No proof yet. The first is made in the coming night" in finance.see("books/proofs/")

    def test_a_green_proof_lists_every_rule(self, school: Organization, finance: Desk) -> None:  # noqa: F811
        proof = prove(school)
        assert "PRF-00000001" in finance.see("books/proofs/")
        text = finance.see("books/proofs/1/")
        assert f"{proof.rule_count} rules hold" in text and proof.digest in text
        assert "It is what was signed, follows the proof before it" in text

    def test_a_broken_row_leads_to_its_record(self, school: Organization, finance: Desk) -> None:  # noqa: F811
        one_wrong_cent()
        prove(school)
        page = finance.get("books/proofs/1/").content.decode()
        entry = JournalLine.objects.order_by("pk").first().entry_id
        assert "entry_balances" in page and f'href="/console/ledger/journalentry/{entry}/change/"' in page

    def test_a_proof_that_was_changed_says_so(self, school: Organization, finance: Desk) -> None:  # noqa: F811
        one_wrong_cent()
        prove(school)
        BooksProof.objects.update(seconds=1)
        assert "What it says was changed after it was signed." in finance.see("books/proofs/1/")

    def test_there_is_no_page_of_anothers_proof(self, school: Organization, finance: Desk) -> None:  # noqa: F811
        prove(builders.organization("other"))
        finance.get("books/proofs/1/", 404)

    def test_those_who_do_not_read_the_books_are_kept_out(self, school: Organization) -> None:  # noqa: F811
        clerk = desk(school, "clerk")
        clerk.get("books/proofs/", 403)
        clerk.get("books/proofs/1/", 403)


class TestOnRequest:
    def test_the_finance_manager_asks_and_the_worker_proves(self, school: Organization, finance: Desk) -> None:  # noqa: F811
        assert "The worker proves the books within a minute" in finance.follow("books/prove/")
        assert "the worker has not finished it yet" in finance.see("books/proofs/")
        finance.post("books/prove/")
        assert ProofRequest.objects.count() == 1
        assert prove_books(TWO - MINUTE) == 1
        assert "on request" in finance.see("books/proofs/")

    def test_a_manager_reads_but_does_not_ask(self, school: Organization) -> None:  # noqa: F811
        manager = desk(school, "manager")
        assert "Prove the books now" not in manager.see("books/proofs/")
        manager.post("books/prove/", 403)
        with transaction.atomic():
            assert not ProofRequest.objects.exists()
