"""Eight people at the vault at once: one piece of paper is taken once, and ends one way (faults F29, F30)."""

from typing import Any

import pytest
from django.db import transaction

from billing.errors import DomainError
from billing.office.models import Organization
from billing.refusals import explained
from payments.models import Cheque, Payment
from payments.services.vault import cancel_cheque, replace_cheque
from tests.assertions import assert_books_whole
from tests.builders import NOW, cheque, customer, organization, pay
from tests.conftest import RunInThreads
from tests.payments.vault_cast import in_vault, take, vault_order

pytestmark = pytest.mark.django_db(transaction=True)
N = 8


@pytest.fixture
def school() -> Organization:
    return organization()


def codes(errors: list[BaseException]) -> set[Any]:
    return {getattr(error, "code", error) for error in errors}


def test_40_one_form_sent_eight_times_is_one_cheque(school: Organization, run_in_threads: RunInThreads) -> None:
    ada = customer(school)
    order = vault_order(ada)
    done = run_in_threads(lambda _n: take(order, payer=ada)[0], N)
    assert done.errors == []
    assert {made.pk for made in done.results} == {Cheque.objects.get().pk}


def test_60_one_paper_for_eight_customers_is_taken_once(school: Organization, run_in_threads: RunInThreads) -> None:
    people = [customer(school) for _n in range(N)]

    def bring(n: int) -> Cheque:
        with explained():
            result = take(vault_order(people[n], number="7", drawer="Somebody"), payer=people[n])[0]
        if isinstance(result, DomainError):
            raise result
        return result  # type: ignore[no-any-return]

    done = run_in_threads(bring, N)
    assert len(done.results) == Cheque.objects.count() == 1
    assert codes(done.errors) == {"duplicate_cheque"}


def test_60_the_vault_and_the_counter_do_not_both_take_it(school: Organization, run_in_threads: RunInThreads) -> None:
    people = [customer(school) for _n in range(N)]

    def bring(n: int) -> Any:
        with explained():
            if n % 2:
                return pay(people[n], 10, method="cheque", cheque=cheque("7", drawer="Somebody"))
            result = take(vault_order(people[n], number="7", drawer="Somebody"), payer=people[n])[0]
            if isinstance(result, DomainError):
                raise result
            return result

    done = run_in_threads(bring, N)
    assert len(done.results) == Cheque.objects.count() == 1
    assert codes(done.errors) == {"duplicate_cheque"}
    assert Payment.objects.count() == Cheque.objects.filter(payment__isnull=False).count()
    assert_books_whole()


def test_29_one_cheque_ends_once(school: Organization, run_in_threads: RunInThreads) -> None:
    ada = customer(school)
    held = in_vault(ada)

    def end(n: int) -> Cheque:
        with transaction.atomic():
            if n % 2:
                return cancel_cheque(cheque=held, reason="back", now=NOW, by=None)
            return replace_cheque(
                cheque=held, order=vault_order(ada), payment=None, reason="wrong date", now=NOW, by=None
            )

    done = run_in_threads(end, N)
    assert len(done.results) == 1
    assert codes(done.errors) == {"cheque_not_endable"}
    held.refresh_from_db()
    assert Cheque.objects.filter(state="in_vault").count() == (held.state == "replaced")
