"""The customer's page, and promises noted there."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Allocation, CreditItem, Customer, Household, Invoice, PromiseToPay
from billing.office import clock
from billing.office.policies import policies_for
from billing.selectors.aging import aging
from billing.selectors.customer_account import fulfil, positions
from billing.services.allocating import unallocate
from billing.services.credit_control import set_hold
from tests import builders
from tests.console_desk import Desk, desk, plain

DAY = timedelta(days=1)


@pytest.fixture
def today() -> date:
    return clock.now().date()


@pytest.fixture
def org(db, today):
    return builders.organization(zone="UTC")


@pytest.fixture
def ada(org):
    return builders.customer(org, code="C1", name="Ada Lovelace", email="ada@example.com")


@pytest.fixture
def clerk(org) -> Desk:
    return desk(org, "clerk")


def late(payer: Customer, today: date, amount: str, days: int, **details) -> Invoice:
    """An invoice this many days overdue."""
    return builders.invoice(payer, amount, issued_on=today - 90 * DAY, due_on=today - days * DAY, **details)


def pay(payer: Customer, today: date, amount: str, **details):
    return builders.pay(payer, amount, received_on=details.pop("received_on", today), now=clock.now(), **details)


def test_it_shows_what_is_open_overdue_and_unapplied(org, ada, clerk, today):
    late(ada, today, "240.00", 12)
    builders.invoice(ada, "1000.00", issued_on=today, due_on=today)
    pay(ada, today, "50.00", strategy="none")
    page = clerk.see(f"customers/{ada.pk}/")
    assert "Open US$1,240.00" in page
    assert "Overdue US$240.00 oldest 12 days" in page
    assert "Unapplied credit US$50.00" in page
    assert "Credit limit none" in page


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (0, "current"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "90+"),
    ],
)
def test_a_bucket_filters_the_open_invoices_to_those_it_counts(org, ada, clerk, today, days, bucket):
    mine = builders.invoice(ada, "10.00", issued_on=today - 100 * DAY, due_on=today - days * DAY)
    other = builders.invoice(ada, "20.00", issued_on=today - 400 * DAY, due_on=today - 200 * DAY)
    page = clerk.see(f"customers/{ada.pk}/?bucket={bucket.replace('+', '%2B')}").partition("Timeline")[0]
    assert mine.number in page
    assert (other.number in page) == (bucket == "90+")


def test_R129_the_available_credit_is_the_limit_less_what_is_owed(org, ada, clerk, today):
    Customer.objects.filter(pk=ada.pk).update(credit_limit=Decimal("500"))
    late(ada, today, "240.00", 1)
    pay(ada, today, "40.00", strategy="none")
    assert "Credit limit US$500.00 available US$300.00" in clerk.see(f"customers/{ada.pk}/")


def test_R87_an_open_invoice_names_the_discount_still_to_be_won(org, ada, clerk, today):
    builders.invoice(ada, "1000.00", issued_on=today - 10 * DAY, terms="2/10 net 30")
    gone = builders.invoice(ada, "700.00", issued_on=today - 11 * DAY, terms="2/10 net 30")
    page = clerk.see(f"customers/{ada.pk}/").partition("Timeline")[0]
    assert "US$20.00 until" in page
    assert page.partition(gone.number)[2].startswith(" ○ open")
    assert "US$14.00" not in page


def test_as_of_a_past_day_it_shows_what_was_true_then(org, ada, clerk, today):
    builders.invoice(ada, "300.00", issued_on=today - 50 * DAY, due_on=today - 20 * DAY)
    pay(ada, today, "100.00", received_on=today - 5 * DAY)
    before = clerk.see(f"customers/{ada.pk}/?as_of={today - 6 * DAY}")
    assert "Open US$300.00" in before and "oldest 14 days" in before and "are those of" in before
    assert "Open US$200.00" in clerk.see(f"customers/{ada.pk}/?as_of={today - 5 * DAY}")
    assert "Open US$0.00" in clerk.see(f"customers/{ada.pk}/?as_of={today - 51 * DAY}")


def test_as_of_a_day_agrees_with_the_undone_and_the_void(org, ada, today):
    now = clock.now()
    builders.invoice(ada, "300.00", issued_on=today - 50 * DAY)
    taken = pay(ada, today, "100.00", received_on=today - 5 * DAY)
    with transaction.atomic():
        rows = Allocation.objects.filter(credit_item=taken.payment.credit_item)
        unallocate(allocations=rows, now=now, by=None, reason="wrong invoice")
    book = policies_for(org)
    then, current = (positions(ada, book, day, today)[0] for day in (today - DAY, today))
    assert (then.open_amount, then.unapplied_amount) == (Decimal(200), Decimal(0))
    assert (current.open_amount, current.unapplied_amount) == (Decimal(300), Decimal(100))


def test_R132_any_day_agrees_with_the_aging_report(org, ada, today):
    """Partly paid with a discount, taken back, overpaid, void since: on every day the two say the same."""
    for amount, days in (("300.00", 120), ("80.00", 70), ("55.50", 40), ("10.00", 3)):
        builders.invoice(ada, amount, issued_on=today - days * DAY, due_on=today - days // 2 * DAY, terms="2/10 net 30")
    pay(ada, today, "100.00", received_on=today - 65 * DAY)
    taken = pay(ada, today, "294.00", received_on=today - 20 * DAY, strategy="due_date")
    pay(ada, today, "90.00", received_on=today - 2 * DAY)
    with transaction.atomic():
        rows = Allocation.objects.filter(credit_item=taken.payment.credit_item)
        unallocate(allocations=rows, now=clock.now(), by=None, reason="wrong family")
    book, seen = policies_for(org), set()
    for days in range(0, 130, 7):
        on = today - days * DAY
        mine = positions(ada, book, on, today)[0]
        figures = (*(amount for _key, _words, amount, _n in mine.buckets), mine.open_amount, mine.unapplied_amount)
        report = aging(org, on, ada.pk)
        assert figures == (tuple(report[0][4:]) if report else (0,) * 7), on
        seen.add(figures)
    assert len(seen) > 5


@pytest.mark.parametrize("asked", ["2999-01-01", "12/03/2026", "2026-02-30", "x"])
def test_a_day_that_cannot_be_asked_for_is_refused_with_a_sentence_and_today_is_shown(org, ada, clerk, today, asked):
    builders.invoice(ada, "10.00", issued_on=today)
    answer = clerk.get(f"customers/{ada.pk}/?as_of={asked}")
    assert 'id="as_of_trouble"' in answer.content.decode()
    assert "Open US$10.00" in plain(answer)


def test_the_timeline_tells_every_fact_newest_first(org, ada, clerk, today):
    invoice = late(ada, today, "100.00", 5)
    taken = pay(ada, today, "60.00", by=clerk.user)
    with transaction.atomic():
        set_hold(customer=ada, reason="Promised and did not pay", now=clock.now(), by=clerk.user)
    with transaction.atomic():
        rows = Allocation.objects.filter(invoice=invoice)
        unallocate(allocations=rows, now=clock.now(), by=clerk.user, reason="meant for another")
    told = clerk.see(f"customers/{ada.pk}/").partition("Timeline newest first")[2]
    number = taken.payment.number
    for fact in ("Invoice issued", "Payment recorded", "Receipt issued", "Applied", "Promised and did not pay"):
        assert fact in told, fact
    assert f"Taken back {number} → {invoice.number} −US$60.00 meant for another" in told
    assert told.index("Taken back") < told.index("Credit hold set") < told.index("Payment recorded")


def test_the_timeline_is_paged(org, ada, clerk, today):
    for n in range(35):
        builders.invoice(ada, str(n + 1), issued_on=today)
    first, second = (clerk.see(f"customers/{ada.pk}/?facts={n}").partition("newest first")[2] for n in (1, 2))
    assert first.count("Invoice issued") == 30 and "older" in first and "newer" not in first
    assert second.count("Invoice issued") == 5 and "newer" in second and "older" not in second
    clerk.get(f"customers/{ada.pk}/?facts=99999999")
    clerk.get(f"customers/{ada.pk}/?facts=-3")


def test_it_takes_as_many_queries_for_a_long_history_as_for_a_short_one(org, ada, clerk, today):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            clerk.get(f"customers/{ada.pk}/")
        return len(seen)

    family = Household.objects.create(organization=org, name="Lovelace")
    Customer.objects.filter(pk=ada.pk).update(household=family)
    builders.customer(org, "Byron", household=family)
    late(ada, today, "50.00", 3)
    pay(ada, today, "20.00")
    queries()
    short = queries()
    for n in range(12):
        late(ada, today, str(100 + n), n)
        pay(ada, today, str(10 + n), strategy="none", received_on=today - n * 5 * DAY)
    assert queries() == short
    assert short <= 20


def test_another_organizations_customer_is_not_found(org, ada, today):
    stranger = desk(builders.organization(), "clerk")
    for path in ("", "promise/", "hold/", "credit-memo/"):
        stranger.get(f"customers/{ada.pk}/{path}", 404)
    stranger.post(f"customers/{ada.pk}/promise/", 404, amount="5", promised_on=today)


def test_who_may_not_see_receivables_is_refused(org, ada):
    desk(org, "platform_admin").get(f"customers/{ada.pk}/", 403)


@pytest.mark.parametrize("role", ["manager", "accountant", "school_admin"])
def test_who_may_not_enter_payments_finds_no_buttons_for_it_and_is_refused(org, ada, today, role):
    reader = desk(org, role)
    pay(ada, today, "20.00")
    page = reader.see(f"customers/{ada.pk}/")
    assert "Note a promise" not in page and "Apply now" not in page
    item = CreditItem.objects.get()
    reader.post(f"customers/{ada.pk}/promise/", 403, amount="5", promised_on=today)
    reader.post(f"credits/{item.pk}/apply/", 403)
    assert not PromiseToPay.objects.exists()


# Promises


def test_a_promise_is_noted_once_however_often_it_is_sent(org, ada, clerk, today):
    typed = {"amount": "100.00", "promised_on": str(today + 3 * DAY), "note": "after payday"}
    page = clerk.follow(f"customers/{ada.pk}/promise/", **typed)
    clerk.post(f"customers/{ada.pk}/promise/", **typed)
    assert "waiting US$100.00 US$0.00 after payday" in page
    assert PromiseToPay.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": ""}, "Enter an amount."),
        ({"amount": "-5"}, "The amount must be more than 0."),
        ({"amount": "1,5"}, "write 1.50 or 15.00"),
        ({"promised_on": ""}, "Enter a date."),
        ({"promised_on": "2020-01-01"}, "The promised day has passed"),
        ({"note": "4111 1111 1111 1111"}, "Do not type card numbers here"),
    ],
)
def test_a_promise_that_cannot_be_is_refused_beside_its_field_and_what_was_typed_stays(
    org, ada, clerk, today, typed, sentence
):
    sent = {"amount": "77.00", "promised_on": str(today + DAY), "note": "kept text"} | typed
    answer = clerk.post(f"customers/{ada.pk}/promise/", 422, **sent)
    text, field = answer.content.decode(), next(iter(typed))
    assert sentence in plain(answer)
    assert f'id="error_{field}"' in text
    assert all(f'value="{value}"' in text for name, value in sent.items() if name != field)
    assert not PromiseToPay.objects.exists()


def test_a_promise_is_kept_or_broken_by_what_was_paid_in_time(org, ada, clerk, today):
    taken_at = clock.now() - 20 * DAY
    for amount, days in (("100.00", 10), ("50.00", 5)):
        PromiseToPay.objects.create(
            customer=ada, currency="USD", amount=amount, promised_on=today - days * DAY, taken_at=taken_at,
            taken_by=clerk.user,
        )  # fmt: skip
    pay(ada, today, "120.00", received_on=today - 12 * DAY)
    page = clerk.see(f"customers/{ada.pk}/").partition("Promises to pay")[2]
    assert "kept US$100.00 US$100.00" in page
    assert "broken US$50.00 US$20.00" in page


def test_money_counts_for_one_promise_only():
    first, later = date(2026, 1, 10), date(2026, 1, 20)
    promised = [("USD", date(2026, 1, 1), first, Decimal(100)), ("USD", date(2026, 1, 1), later, Decimal(100))]
    assert fulfil(promised, [("USD", date(2026, 1, 8), Decimal(150))]) == [Decimal(100), Decimal(50)]
    assert fulfil(promised, [("USD", date(2026, 1, 11), Decimal(100))]) == [Decimal(0), Decimal(100)]
    assert fulfil(promised, [("EUR", date(2026, 1, 8), Decimal(100))]) == [Decimal(0), Decimal(0)]
