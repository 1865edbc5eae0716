"""Stories from textbooks and from the requirements, end to end: the whole journal, as an accountant would draw it.

Where a textbook books the sale's cost as well, that is left out: stock is not kept here. Cash goes through unapplied
cash, which a textbook leaves out; read both lines together and they are the textbook's one.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.ledger.models import Role as Account
from billing.models import CreditMemo, Customer
from billing.office.models import Notice
from billing.office.models.user import Role
from billing.services.allocating import allocate_credit
from billing.services.credit_control import set_hold
from billing.services.invoicing import issue_credit_memo
from tests.assertions import assert_books_whole, assert_posts, balance, reread
from tests.builders import customer, invoice, organization, pay, policy, user
from tests.deeds import accept, void

pytestmark = pytest.mark.django_db
D = Decimal


def day(month: int, number: int, hour: int = 15) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


def give_back(payer: Customer, amount: str, on: datetime, reason: str) -> CreditMemo:
    """A credit memo, set against the oldest invoice at once."""
    with transaction.atomic():
        memo = issue_credit_memo(
            organization=payer.organization, customer_id=payer.pk, net=D(amount), tax=D(0), currency="USD",
            issued_on=on.date(), reason=reason, now=on, by=None,
        )  # fmt: skip
        allocate_credit(credit_item=memo.credit_item, strategy="fifo", now=on, by=None)
    return memo


def test_july_at_a_wholesaler() -> None:
    """Two sales on terms, an allowance on the second, both paid within their discount.

    After Wild, Shaw & Chiappetta, *Fundamental Accounting Principles*, merchandising problem "Prepare journal entries
    for merchandising activities" (July 2 to 31, customers Creek Co. and Art Co.), the seller's side: 900 at 2/10 n/60
    is settled with 882 on the tenth day; of 1,200 at 2/15 n/60, 200 are allowed, and 980 settle the rest: the discount
    is two per cent of what was kept, 20, not of what was billed.
    """
    org = organization()
    creek, art = customer(org, "Creek Co."), customer(org, "Art Co.")
    invoice(creek, 900, issued_on=date(2026, 7, 2), terms="2/10 net 60")
    pay(creek, 882, received_on=date(2026, 7, 12), now=day(7, 12), method="bank_transfer")
    last = invoice(art, 1200, issued_on=date(2026, 7, 19), terms="2/15 net 60")
    give_back(art, "200", day(7, 21), "allowance on goods sold July 19")
    pay(art, 980, received_on=date(2026, 7, 30), now=day(7, 30), method="bank_transfer")
    invoice(creek, 7000, issued_on=date(2026, 7, 31), terms="2/10 net 60")
    assert_posts(org, """
        2026-07-02  accounts_receivable Dr 900.00   revenue Cr 900.00
        2026-07-12  bank Dr 882.00                  unapplied_cash Cr 882.00
        2026-07-12  unapplied_cash Dr 882.00  sales_discount Dr 18.00  accounts_receivable Cr 900.00
        2026-07-19  accounts_receivable Dr 1200.00  revenue Cr 1200.00
        2026-07-21  sales_returns Dr 200.00         customer_credits Cr 200.00
        2026-07-21  customer_credits Dr 200.00      accounts_receivable Cr 200.00
        2026-07-30  bank Dr 980.00                  unapplied_cash Cr 980.00
        2026-07-30  unapplied_cash Dr 980.00  sales_discount Dr 20.00  accounts_receivable Cr 1000.00
        2026-07-31  accounts_receivable Dr 7000.00  revenue Cr 7000.00""")  # fmt: skip
    last.refresh_from_db()
    assert (last.open_amount, balance(org, Account.ACCOUNTS_RECEIVABLE)) == (0, 7000)
    assert balance(org, Account.SALES_DISCOUNT) == 38
    assert_books_whole()


def test_a_return_and_a_late_payer() -> None:
    """10,400 at 3/10, 200 returned, 9,894 collected in time; and one who pays after the window pays all of it.

    After Weygandt, Kimmel & Kieso, *Accounting Principles*, receivables, "Selected transactions of Molina Company",
    in the variant of 10,400 at 3/10: 10,400 − 200 = 10,200, less three per cent 306 = 9,894. Beside it the same with a
    customer who pays on the eleventh day: all of 23,000 − 2,400 = 20,600.
    """
    org = organization()
    dodson, late = customer(org, "Dodson Co."), customer(org, "Late Co.")
    invoice(dodson, 10_400, issued_on=date(2026, 3, 1), terms="3/10 net 30")
    give_back(dodson, "200", day(3, 3), "damaged")
    pay(dodson, 9_894, received_on=date(2026, 3, 9), now=day(3, 9))
    invoice(late, 23_000, issued_on=date(2026, 7, 1), terms="2/10 net 30")
    give_back(late, "2400", day(7, 8), "returned")
    pay(late, 20_600, received_on=date(2026, 7, 12), now=day(7, 12))
    assert_posts(org, """
        2026-03-01  accounts_receivable Dr 10400  revenue Cr 10400
        2026-03-03  sales_returns Dr 200          customer_credits Cr 200
        2026-03-03  customer_credits Dr 200       accounts_receivable Cr 200
        2026-03-09  cash Dr 9894                  unapplied_cash Cr 9894
        2026-03-09  unapplied_cash Dr 9894  sales_discount Dr 306  accounts_receivable Cr 10200
        2026-07-01  accounts_receivable Dr 23000  revenue Cr 23000
        2026-07-08  sales_returns Dr 2400         customer_credits Cr 2400
        2026-07-08  customer_credits Dr 2400      accounts_receivable Cr 2400
        2026-07-12  cash Dr 20600                 unapplied_cash Cr 20600
        2026-07-12  unapplied_cash Dr 20600       accounts_receivable Cr 20600""")  # fmt: skip
    assert balance(org, Account.ACCOUNTS_RECEIVABLE) == balance(org, Account.CUSTOMER_CREDITS) == 0
    assert_books_whole()


def test_a_morning_at_the_gas_company() -> None:
    """Cash with a small remainder, a large transfer that a second person verifies, an overpayment.

    Source 003, "Business Rules" and "Approval Requirements": less than NT$100 is written off, more than NT$1,000,000
    is verified, overpayment is held as credit balance, the oldest invoice is paid first; VAT of five per cent.
    """
    org = organization(currency="TWD", zone="Asia/Taipei", preset="gas", name="Lucky Gas")
    clerk, supervisor = user(org, Role.CLERK), user(org, Role.SUPERVISOR)
    wang, hotel = customer(org, "Wang"), customer(org, "Grand Hotel")
    invoice(wang, 1_000, issued_on=date(2026, 1, 10), tax_rate="0.05")
    invoice(wang, 2_000, issued_on=date(2026, 2, 10), tax_rate="0.05")
    invoice(hotel, 1_000_000, issued_on=date(2026, 2, 1), tax_rate="0.05")
    now = day(3, 12, hour=1)
    pay(wang, 3_060, by=clerk, now=now)
    waiting = pay(hotel, 1_060_000, method="bank_transfer", by=clerk, now=now).payment
    accept(waiting, supervisor, now=now + timedelta(hours=1))
    assert_posts(org, """
        2026-01-10  accounts_receivable Dr 1050     revenue Cr 1000     tax_payable Cr 50
        2026-02-10  accounts_receivable Dr 2100     revenue Cr 2000     tax_payable Cr 100
        2026-02-01  accounts_receivable Dr 1050000  revenue Cr 1000000  tax_payable Cr 50000
        2026-03-12  cash Dr 3060                    unapplied_cash Cr 3060
        2026-03-12  unapplied_cash Dr 1050          accounts_receivable Cr 1050
        2026-03-12  unapplied_cash Dr 2010  small_differences Dr 90  accounts_receivable Cr 2100
        2026-03-12  bank Dr 1060000                 unapplied_cash Cr 1060000
        2026-03-12  unapplied_cash Dr 1050000       accounts_receivable Cr 1050000""")  # fmt: skip
    waiting.refresh_from_db()
    assert waiting.credit_item is not None
    assert waiting.credit_item.unapplied_amount == -balance(org, Account.UNAPPLIED_CASH) == 10_000
    assert_books_whole()


def test_posted_to_the_wrong_family_and_put_right_in_the_next_month() -> None:
    """A payment entered for the wrong customer is voided after the month closed, and entered again for the right one.

    Source 003, "Recovery Procedures: payment reversal process" and "Void payment: managers only"; requirements §3,
    pain 11: reversing must not touch a closed month, so the mirror is dated today.
    """
    from billing.ledger.periods import close_period

    org = organization()
    clerk, other_clerk, manager = (user(org, role) for role in (Role.CLERK, Role.CLERK, Role.MANAGER))
    right, wrong = customer(org, "B. Durant"), customer(org, "R. Durant")
    mine, theirs = invoice(right, 700, issued_on=date(2026, 2, 20)), invoice(wrong, 700, issued_on=date(2026, 2, 20))
    payment = pay(wrong, 700, by=clerk, received_on=date(2026, 3, 20), now=day(3, 20)).payment
    with transaction.atomic():
        for month in (2, 3):
            close_period(organization_id=org.pk, month=date(2026, month, 1), now=day(4, 2), by_id=None)
    void(payment, other_clerk, manager, reason="paid by B. Durant", now=day(4, 3))
    again = pay(right, 700, by=clerk, received_on=date(2026, 3, 20), now=day(4, 3))
    assert_posts(org, """
        2026-02-20  accounts_receivable Dr 700  revenue Cr 700
        2026-02-20  accounts_receivable Dr 700  revenue Cr 700
        2026-03-20  cash Dr 700                 unapplied_cash Cr 700
        2026-03-20  unapplied_cash Dr 700       accounts_receivable Cr 700
        2026-04-03  unapplied_cash Cr 700       accounts_receivable Dr 700
        2026-04-03  cash Cr 700                 unapplied_cash Dr 700
        2026-04-01  cash Dr 700                 unapplied_cash Cr 700
        2026-04-01  unapplied_cash Dr 700       accounts_receivable Cr 700""")  # fmt: skip
    reread(mine, theirs)
    assert (mine.open_amount, theirs.open_amount) == (0, 700)
    assert balance(org, Account.ACCOUNTS_RECEIVABLE, party=wrong.pk) == 700
    assert (again.payment.received_on, balance(org, Account.CASH)) == (date(2026, 3, 20), 700)
    assert_books_whole()


def test_a_customer_on_hold_pays_in_parts_until_orders_may_go_on() -> None:
    """Part payments go to the oldest invoice; the hold ends when nothing is overdue and the limit is kept.

    Source 003, step 3.1 "FIFO", step 4.1 "mark paid/partial" and step 4.2 "Credit Hold Release".
    """
    org = organization()
    ben = customer(org, "Ben", credit_limit=D(500))
    old = invoice(ben, 300, issued_on=date(2026, 1, 5), due_on=date(2026, 2, 4))
    young = invoice(ben, 600, issued_on=date(2026, 3, 1), due_on=date(2026, 3, 31))
    with transaction.atomic():
        set_hold(customer=ben, reason="overdue", now=day(3, 2), by=None)
    for amount, number in ((200, 10), (100, 11), ("99.99", 12), ("0.01", 13)):
        pay(ben, amount, received_on=date(2026, 3, number), now=day(3, number))
    reread(ben, old, young)
    assert (old.open_amount, young.open_amount, ben.is_on_hold) == (0, 500, False)
    assert list(ben.hold_events.order_by("id").values_list("change", "cause")) == [
        ("set", "set"), ("kept", "overdue"), ("kept", "above_limit"), ("kept", "above_limit"), ("released", "covered"),
    ]  # fmt: skip
    assert Notice.objects.filter(kind="hold_released", party=ben.pk).count() == 1
    assert_posts(org, """
        2026-01-05  accounts_receivable Dr 300  revenue Cr 300
        2026-03-01  accounts_receivable Dr 600  revenue Cr 600
        2026-03-10  cash Dr 200                 unapplied_cash Cr 200
        2026-03-10  unapplied_cash Dr 200       accounts_receivable Cr 200
        2026-03-11  cash Dr 100                 unapplied_cash Cr 100
        2026-03-11  unapplied_cash Dr 100       accounts_receivable Cr 100
        2026-03-12  cash Dr 99.99               unapplied_cash Cr 99.99
        2026-03-12  unapplied_cash Dr 99.99     accounts_receivable Cr 99.99
        2026-03-13  cash Dr 0.01                unapplied_cash Cr 0.01
        2026-03-13  unapplied_cash Dr 0.01      accounts_receivable Cr 0.01""")  # fmt: skip
    assert_books_whole()


def test_an_overpayment_pays_the_next_bill() -> None:
    """What was paid too much is a liability until the next bill takes it; what is left stays.

    Requirements §2 row 17 and §3, pain 23: an advance is a liability until allocated; source 003 "Overpayment: hold as
    credit balance".
    """
    org = organization()
    policy(org, "allocation.strategy", "fifo")
    ada = customer(org)
    invoice(ada, 120, issued_on=date(2026, 3, 1))
    item = pay(ada, 200, received_on=date(2026, 3, 5), now=day(3, 5)).payment.credit_item
    assert item is not None
    assert -balance(org, Account.UNAPPLIED_CASH, party=ada.pk) == 80
    invoice(ada, 50, issued_on=date(2026, 4, 1))
    with transaction.atomic():
        allocate_credit(credit_item=item, strategy="fifo", now=day(4, 2), by=None)
    assert_posts(org, """
        2026-03-01  accounts_receivable Dr 120  revenue Cr 120
        2026-03-05  cash Dr 200                 unapplied_cash Cr 200
        2026-03-05  unapplied_cash Dr 120       accounts_receivable Cr 120
        2026-04-01  accounts_receivable Dr 50   revenue Cr 50
        2026-04-02  unapplied_cash Dr 50        accounts_receivable Cr 50""")  # fmt: skip
    item.refresh_from_db()
    assert item.unapplied_amount == -balance(org, Account.UNAPPLIED_CASH) == 30
    assert_books_whole()
