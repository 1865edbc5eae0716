"""The same request many times at once, and a key that is still at work."""

from typing import Any

import pytest
import time_machine
from django.db import connection, transaction

from billing.api.idempotency import derived_key
from payments.models import Payment
from receipts.models import Receipt
from tests import builders
from tests.assertions import assert_books_whole
from tests.billing.api.caller import Caller, payment
from tests.builders import NOW


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


def test_R11_eight_at_once_with_one_key_are_one_payment(run_in_threads: Any) -> None:
    caller = Caller(builders.organization())
    body = payment(builders.customer(caller.organization))
    callers = [Caller(caller.organization, user=caller.user) for _ in range(8)]
    for each in callers:
        each.token = caller.token
    outcomes = run_in_threads(lambda n: callers[n].post(body, "one key"), 8)
    assert not outcomes.errors
    taken = [got for got in outcomes.results if got.status_code == 201]
    waiting = [got for got in outcomes.results if got.status_code == 409]
    assert len(taken) + len(waiting) == 8 and taken
    assert len({got.content for got in taken}) == 1
    assert sum("Idempotency-Replayed" not in got.headers for got in taken) == 1
    assert all(got.json()["code"] == "in_flight" and got.headers["Retry-After"] == "1" for got in waiting)
    assert (Payment.objects.count(), Receipt.objects.count()) == (1, 1)
    assert_books_whole()


def test_eight_at_once_with_eight_keys_are_eight_payments_with_numbers_in_a_row(run_in_threads: Any) -> None:
    caller = Caller(builders.organization())
    payer = builders.customer(caller.organization)
    callers = [Caller(caller.organization, user=caller.user) for _ in range(8)]
    outcomes = run_in_threads(lambda n: callers[n].post(payment(payer, f"{10 + n}.00"), f"key {n}"), 8)
    assert not outcomes.errors
    assert sorted(got.json()["receipt_number"] for got in outcomes.results) == [
        f"RCP-2026-{n:08d}" for n in range(1, 9)
    ]
    assert_books_whole()


@pytest.mark.django_db(transaction=True)
def test_83_a_key_at_work_elsewhere_answers_409_and_when_to_come_back(run_in_threads: Any) -> None:
    caller = Caller(builders.organization())
    body = payment(builders.customer(caller.organization))
    mark = derived_key(caller.record, "busy")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 83))", [mark])
        got = run_in_threads(lambda n: caller.post(body, "busy"), 1).results[0]
    assert (got.status_code, got.json()["code"], got.headers["Retry-After"]) == (409, "in_flight", "1")
    assert caller.post(body, "busy").status_code == 201


def test_a_customer_locked_too_long_gives_503_and_nothing_written(run_in_threads: Any) -> None:
    caller = Caller(builders.organization())
    payer = builders.customer(caller.organization)

    def impatient(_n: int) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        return caller.post(payment(payer), "patience")

    with transaction.atomic():
        type(payer).objects.select_for_update(no_key=True).get(pk=payer.pk)
        got = run_in_threads(impatient, 1).results[0]
    assert (got.status_code, got.json()["code"], got.headers["Retry-After"]) == (503, "busy", "2")
    assert not Payment.objects.exists()
    assert caller.post(payment(payer), "patience").status_code == 201
