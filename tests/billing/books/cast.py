"""Books with money of several methods on several days, and posting them as the clock does."""

from datetime import date, datetime, timedelta

from django.db import connection, transaction

from billing.ledger.models import GlBatch
from billing.office.models import Organization
from billing.services.books.posting import PostRun, post_batches
from tests import builders

LATER = builders.NOW + timedelta(hours=2)


def taken(code: str = "books") -> Organization:
    """Ada is billed 100 and pays 60 in cash and 40 by cheque; Ben pays 25 by transfer the day before."""
    school = builders.organization(code)
    ada, ben = builders.customer(school, "Ada"), builders.customer(school, "Ben")
    builders.invoice(ada, "100.00", department="music", project="spring")
    builders.pay(ada, "60.00")
    builders.pay(ada, "40.00", method="cheque", cheque=builders.cheque())
    builders.pay(ben, "25.00", method="bank_transfer", received_on=date(2026, 3, 11))
    return school


def post(school: Organization, as_of: date = builders.TODAY, now: datetime = LATER, **how: bool) -> PostRun:
    with transaction.atomic():
        return post_batches(organization=school, as_of=as_of, now=now, **how)


def batch(school: Organization, payment_type: str) -> GlBatch:
    return GlBatch.objects.filter(organization=school, payment_type=payment_type).latest("id")


def behind_the_guards(sql: str) -> None:
    """What a superuser can do to one thing, whatever the triggers say."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        assert cursor.rowcount > 0, f"nothing was changed by: {sql}"
        cursor.execute("SET LOCAL session_replication_role = origin")
