"""The trail (R169, R170, invariant 46): who, when, from where, before, after, why; it cannot be changed unnoticed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from billing.models import Customer
from billing.office.acting import acting, clear_actor, set_actor
from billing.office.models import AuditEntry, AuditSeal, User
from billing.office.models.user import Role
from tests.builders import customer, invoice, organization, pay, policy, user
from tests.guards.conftest import sql

# What has to do with money, rights or settings. Rows that only repeat what others say, messages and the trail itself
# are not copied into it.
NOT_AUDITED = {
    "office_auditentry", "office_auditseal", "office_notice", "office_numberseries", "office_apirequest",
    "ledger_journalseries", "billing_payerrecord",
    # the inbox and the logs of processors: append-only themselves, or only counters
    "payments_webhookevent", "payments_webhookrefusal", "payments_gatewayexchange", "payments_gatewayerror",
    "payments_gatewayhealth", "payments_settlementday", "payments_updatermark",
    # what became of a message, and who signed in from where: append-only or frozen, each the log of its own matter
    "office_noticeevent", "office_signin",
    "office_askedcount",  # how often somebody asked in this minute
    "receipts_paperrunitem",  # how far a run of papers has come; the papers themselves are watched
    "billing_earningmark",  # how far the accrual of earnings has looked: a lock, no fact
    "billing_installment",  # planned rows follow from terms; every change of them is told by an agreement's change
    "ledger_glbatchentry",  # append-only; what is in a batch is in its hash, which is watched
    "ledger_glmark",  # how far the books were posted: a lock, no fact
    # Django's own groups and permissions, which give nobody a right here
    "office_user_groups", "office_user_user_permissions",
}  # fmt: skip


def last(table: str, **match: Any) -> AuditEntry:
    return AuditEntry.objects.filter(table_name=table, **match).latest("id")


@pytest.mark.django_db
def test_46_every_table_of_money_rights_and_settings_is_watched() -> None:
    tables = {
        row[0]
        for row in sql(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
            " AND relname ~ '^(office|ledger|billing|payments|receipts)_'"
        )
    }
    watched: dict[str, int] = dict(
        sql(
            "SELECT c.relname, count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname IN ('audit_insert', 'audit_update', 'audit_delete') AND t.tgenabled = 'O' GROUP BY 1"
        )
    )
    assert {t for t in tables - NOT_AUDITED if watched.get(t) != 3} == set()


@pytest.mark.django_db
class TestWhatIsKept:
    def test_R169_who_when_where_and_why(self) -> None:
        clerk = user()
        ada = customer(organization())
        before = datetime.now(UTC)
        with acting(clerk, "10.0.0.7", "moved house"):
            Customer.objects.filter(pk=ada.pk).update(phone="555", address="Elm Street")
        row = last("billing_customer")
        assert (row.operation, row.row_id, row.organization_id) == ("update", ada.pk, ada.organization_id)
        assert (row.actor, row.origin, row.reason) == (f"user:{clerk.pk} {clerk.username}", "10.0.0.7", "moved house")
        assert (row.before, row.after) == ({"phone": "", "address": ""}, {"phone": "555", "address": "Elm Street"})
        assert before <= row.at <= datetime.now(UTC)

    def test_R169_a_payment_leaves_a_row_for_each_thing_it_made(self) -> None:
        org = organization()
        clerk, ada = user(org, Role.CLERK), customer(org)
        invoice(ada, 120)
        start = AuditEntry.objects.latest("id").pk
        with acting(clerk, "counter 1"):
            pay(ada, 120, by=clerk)
        made = AuditEntry.objects.filter(pk__gt=start)
        assert {r.table_name for r in made if r.operation == "insert"} == {
            "billing_allocation", "billing_credititem", "ledger_journalentry", "ledger_journalline", "ledger_period",
            "payments_payment", "receipts_receipt",
        }  # fmt: skip
        assert {r.actor.split()[0] for r in made} == {f"user:{clerk.pk}"}
        assert last("billing_invoice").after == {"open_amount": 0.0, "applied_amount": 120.0}

    def test_a_change_by_hand_in_the_database_is_in_it_without_an_actor(self) -> None:
        ada = customer(organization())
        sql("UPDATE billing_customer SET credit_limit = 1000000 WHERE id = %s", ada.pk)
        row = last("billing_customer")
        assert (row.actor, row.origin, row.after) == ("", "", {"credit_limit": 1000000.0})

    def test_a_deleted_row_is_kept_whole(self) -> None:
        ada = customer(organization(), "Ada", code="A-1")
        sql("DELETE FROM billing_customer WHERE id = %s", ada.pk)
        row = last("billing_customer", operation="delete")
        assert row.before is not None
        assert (row.before["code"], row.before["name"], row.after) == ("A-1", "Ada", None)

    def test_R170_settings_and_roles_are_in_it(self) -> None:
        org = organization()
        policy(org, "write_off.below", "5")
        clerk = user(org, Role.CLERK)
        assert last("office_policysetting").after["value"] == "5.00"  # type: ignore[index]
        assert last("office_membership").after["user_id"] == clerk.pk  # type: ignore[index]

    def test_secrets_are_not(self) -> None:
        someone = user()
        User.objects.filter(pk=someone.pk).update(password="other")
        ada = customer(organization(), bank_account="123456789", bank_account_hash="cafe")
        Customer.objects.filter(pk=ada.pk).update(bank_account="987654321")
        kept = list(AuditEntry.objects.values_list("before", "after"))
        assert "password" not in (last("office_user", operation="insert").after or {})
        assert last("office_user", operation="update").after == {"password": "(kept secret)"}
        assert last("billing_customer").after == {"bank_account": "(kept secret)"}
        assert not any(secret in str(kept) for secret in ("123456789", "987654321", "cafe", "pbkdf2", "md5$"))

    def test_what_did_not_change_leaves_no_row(self) -> None:
        ada = customer(organization(), phone="555")
        count = AuditEntry.objects.count()
        Customer.objects.filter(pk=ada.pk).update(phone="555")
        Customer.objects.filter(pk=0).update(phone="556")
        assert AuditEntry.objects.count() == count

    def test_what_was_rolled_back_leaves_no_row(self) -> None:
        ada = customer(organization())
        count = AuditEntry.objects.count()
        with pytest.raises(RuntimeError), transaction.atomic():
            Customer.objects.filter(pk=ada.pk).update(phone="555")
            raise RuntimeError
        assert AuditEntry.objects.count() == count


@pytest.mark.django_db
class TestActor:
    def test_after_the_deed_nobody_acts(self) -> None:
        ada = customer(organization())
        with acting(user(), "here"):
            pass
        Customer.objects.filter(pk=ada.pk).update(phone="1")
        assert last("billing_customer").actor == ""

    def test_a_deed_that_failed_leaves_no_actor_and_its_own_error(self) -> None:
        ada = customer(organization())
        with pytest.raises(IntegrityError), transaction.atomic(), acting(user(), "here"):
            sql("INSERT INTO billing_customer SELECT * FROM billing_customer")
        Customer.objects.filter(pk=ada.pk).update(phone="1")
        assert last("billing_customer").actor == ""

    def test_names_that_are_too_long_are_cut(self) -> None:
        set_actor(user(name="x" * 140), "y" * 500, "z" * 900)
        customer(organization())
        clear_actor()
        row = last("billing_customer")
        assert (len(row.actor), len(row.origin), len(row.reason)) == (80, 80, 400)


# As a verifier reads it: each seal's digest over the one before it and the texts of its rows.
BROKEN = """
SELECT s.id FROM (SELECT *, lag(digest) OVER w AS head, lag(position) OVER w AS previous_position FROM office_auditseal
  WHERE position IS NOT NULL WINDOW w AS (ORDER BY position)) s
CROSS JOIN LATERAL (SELECT count(*) AS n, string_agg(sha256(convert_to(office_audit_text(e), 'UTF8')), ''::bytea
  ORDER BY e.id) AS body FROM office_auditentry e WHERE e.seal_id = s.id) rows
WHERE s.digest <> sha256(coalesce(s.head, ''::bytea) || coalesce(rows.body, ''::bytea)) OR rows.n <> s.row_count
  OR s.previous IS DISTINCT FROM s.head OR s.position <> coalesce(s.previous_position, 0) + 1
UNION ALL SELECT id FROM office_auditseal WHERE position IS NULL
"""


@pytest.mark.django_db(transaction=True)
class TestChain:
    def _some_history(self) -> None:
        org = organization()
        ada = customer(org)
        invoice(ada, 100)
        for amount in (30, 40, 50):
            pay(ada, amount)

    def _as_owner(self, statement: str) -> None:
        with transaction.atomic():
            sql("SET LOCAL session_replication_role = replica")
            assert sql(f"WITH gone AS ({statement} RETURNING 1) SELECT count(*) FROM gone")[0][0] == 1

    def test_46_one_seal_a_transaction_in_one_chain(self) -> None:
        self._some_history()
        assert sql(BROKEN) == []
        positions = AuditSeal.objects.order_by("id").values_list("position", flat=True)
        assert list(positions) == list(range(1, len(positions) + 1))
        assert len(positions) == 6  # organization, customer, invoice, three payments

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM office_auditentry WHERE id = (SELECT min(id) + 3 FROM office_auditentry)",
            "UPDATE office_auditentry SET actor = 'user:1 eve' WHERE id = (SELECT max(id) FROM office_auditentry)",
            "UPDATE office_auditentry SET at = at + interval '1 microsecond'"
            " WHERE id = (SELECT max(id) FROM office_auditentry)",
            "UPDATE office_auditentry SET after = '{}' WHERE id = (SELECT max(id) FROM office_auditentry)",
            "DELETE FROM office_auditseal WHERE position = 3",
            "UPDATE office_auditseal SET row_count = row_count + 1 WHERE position = 3",
        ],
    )
    def test_46_what_an_owner_of_the_database_changes_shows(self, statement: str) -> None:
        self._some_history()
        self._as_owner(statement)
        assert sql(BROKEN) != []

    def test_46_the_check_does_not_depend_on_the_readers_settings(self) -> None:
        self._some_history()
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'Asia/Taipei'; SET datestyle = 'German, DMY'")
        try:
            assert sql(BROKEN) == []
        finally:
            connection.close()
