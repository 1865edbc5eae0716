"""Two workers match one account at once (faults: twice at once)."""

from typing import Any

from payments.models import Payment
from reconciliation.models import Match, MatchProposal
from reconciliation.services.auto_matching import match_open_lines
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.reconciliation.bank_desk import Booked, bank_account, lines


def test_each_line_is_posted_once_and_keeps_its_reasons(run_in_threads: Any) -> None:
    org = builders.organization("race")
    account = bank_account(org)
    payer = builders.customer(org, "Nord Foods GmbH")
    bills = [builders.invoice(payer, f"{n}.00") for n in range(10, 22)]
    lines(account, *(Booked(f"{b.invoiced_amount}", name="Nord Foods", text=b.number, ref=b.number) for b in bills))
    run_in_threads(lambda _index: match_open_lines(bank_account=account, now=NOW), 4)
    assert (Payment.objects.count(), Match.objects.count()) == (12, 12)
    assert set(MatchProposal.objects.values_list("action", flat=True)) == {"auto"}
    assert_books_whole()
