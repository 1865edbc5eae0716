"""Erasing what may be erased: two people, nothing that the books need, and a trail that stays whole (R171)."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from billing.models import Customer, MessagePreference, PayerRecord
from billing.office import clock
from billing.office.documents import TamperedFile, keep_document, read_document
from billing.office.models import ApprovalRequest, AuditEntry, AuditSeal, KeptDocument, Notice, Organization
from billing.selectors.invariants.office import RULES
from billing.selectors.proof import prove
from receipts.models import ErasureCase, IssuedPaper
from receipts.services.rights.erasing import erase_customer
from receipts.services.statement_papers import issue_statements
from tests import builders as b
from tests.agreements import agreement
from tests.assertions import assert_books_whole
from tests.config.console.cast import person
from tests.guards.conftest import refused, sql
from tests.receipts.rights.cast import Family, family, tell
from tests.uploads import picture


@pytest.fixture
def org(db: None) -> Organization:
    return b.organization()


@pytest.fixture
def ada(org: Organization) -> Family:
    return family(org, "Ada", bank_account="123456789", bank_account_hash="cafe")


def data_page(one: Family) -> str:
    return f"/console/customers/{one.customer.pk}/data/"


def ask(one: Family, client: Client) -> ApprovalRequest:
    assert client.post(data_page(one), {"do": "forward", "reason": "asked by letter"}).status_code == 302
    return ApprovalRequest.objects.get(state="requested")


def approve(asked: ApprovalRequest, client: Client) -> Any:
    return client.post(
        f"/console/approvals/{asked.pk}/", {"decision": "approve", "shown_hash": asked.shown_hash, "reason": ""}
    )


def erased(one: Family) -> Family:
    """Asked by a manager's clerk, approved by the manager."""
    approve(ask(one, person(one.org, "supervisor")), person(one.org, "manager"))
    assert ErasureCase.objects.get(customer=one.customer).state == "done"
    one.customer.refresh_from_db()
    one.user.refresh_from_db()
    return one


def chain_is_whole() -> bool:
    chain = next(rule for rule in RULES if rule.name == "audit_chain")
    trail = next(rule for rule in RULES if rule.name == "trail_tells_the_rows")
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("SET CONSTRAINTS ALL DEFERRED")
    return prove(rules=(chain, trail)).holds


class TestAsking:
    def test_R171_a_parent_asks_and_nothing_is_erased_by_it(self, ada: Family) -> None:
        page = f"erase/{ada.customer.pk}/"
        assert "Erased at once" in ada.get(page)
        assert "Tick the box" in ada.post(page, status=422)
        ada.post(page, understood="1")
        ada.post(page, understood="1")
        case = ErasureCase.objects.get()
        assert (case.state, case.by_parent) == ("asked", True)
        assert Notice.objects.get(kind="erasure_asked").channel == "office"
        assert Customer.objects.get(pk=ada.customer.pk).email == "ada@example.org"
        assert "A person at the school decides" in ada.get(page)

    def test_another_familys_account_does_not_exist(self, ada: Family, org: Organization) -> None:
        eve = family(org, "Eve")
        for client in (eve.client,):
            assert client.get(f"/family/data/erase/{ada.customer.pk}/").status_code == 404
            assert client.post(f"/family/data/erase/{ada.customer.pk}/", {"understood": "1"}).status_code == 404
        assert not ErasureCase.objects.exists()

    def test_a_refusal_is_read_on_the_page(self, ada: Family, org: Organization) -> None:
        ada.post(f"erase/{ada.customer.pk}/", understood="1")
        manager = person(org, "manager")
        assert manager.post(data_page(ada), {"do": "refuse", "reason": ""}).status_code == 422
        assert manager.post(data_page(ada), {"do": "refuse", "reason": "a claim is announced"}).status_code == 302
        assert "a claim is announced" in ada.get("")
        assert ErasureCase.objects.get().state == "refused"


class TestFourEyes:
    def test_who_asked_does_not_decide(self, ada: Family, org: Organization) -> None:
        manager = person(org, "manager")
        approve(ask(ada, manager), manager)
        assert ErasureCase.objects.get().state == "asked"
        assert Customer.objects.get(pk=ada.customer.pk).email

    def test_who_may_only_ask_does_not_decide(self, ada: Family, org: Organization) -> None:
        asked = ask(ada, person(org, "supervisor"))
        assert approve(asked, person(org, "clerk")).status_code == 403
        assert ErasureCase.objects.get().state == "asked"

    def test_what_changed_since_it_was_shown_is_not_erased(self, ada: Family, org: Organization) -> None:
        asked = ask(ada, person(org, "supervisor"))
        tell(ada.customer, "one more")
        approve(asked, person(org, "manager"))
        assert ErasureCase.objects.get().state == "asked"

    def test_carried_out_twice_it_is_done_once(self, ada: Family, org: Organization) -> None:
        asked = ask(ada, person(org, "supervisor"))
        manager = person(org, "manager")
        approve(asked, manager)
        approve(asked, manager)
        assert ErasureCase.objects.get().state == "done"
        with transaction.atomic():
            erase_customer(customer=ada.customer, now=clock.now(), by=None)
        assert chain_is_whole()


class TestWhatStandsInTheWay:
    @pytest.mark.parametrize("what", ["debt", "credit", "agreement", "hold"])
    def test_it_cannot_be_asked_for_while(self, what: str, ada: Family, org: Organization) -> None:
        if what == "debt":
            b.invoice(ada.customer, "0.01")
        elif what == "credit":
            b.pay(ada.customer, "0.01")
        elif what == "agreement":
            agreement(ada.customer)
        else:
            b.policy(org, "retention.hold", True, scope="customer", scope_key=ada.customer.pk)
        answer = person(org, "supervisor").post(data_page(ada), {"do": "forward", "reason": "asked"})
        assert answer.status_code == 422
        assert not ApprovalRequest.objects.exists()
        assert "It cannot be done yet" in ada.get(f"erase/{ada.customer.pk}/")

    def test_what_comes_between_asking_and_deciding(self, ada: Family, org: Organization) -> None:
        asked = ask(ada, person(org, "supervisor"))
        b.invoice(ada.customer, "0.01")
        approve(asked, person(org, "manager"))
        assert Customer.objects.get(pk=ada.customer.pk).email


class TestWhatIsErased:
    def test_R171_contact_login_messages_and_learned_names_go_and_the_name_on_the_books_stays(
        self, ada: Family, org: Organization
    ) -> None:
        PayerRecord.objects.create(
            organization=org, customer=ada.customer, paid_on=b.TODAY, payer_name="Ada F", payer_account="987654321",
            amount=1, currency="USD", fingerprint="f",
        )  # fmt: skip
        assert ada.client.get("/family/data/").status_code == 200
        one = erased(ada)
        assert (one.customer.email, one.customer.phone, one.customer.address, one.customer.bank_account) == ("",) * 4
        assert (one.customer.name, one.customer.is_active) == ("Ada Family", False)
        assert one.customer.students.get().name == f"Student S-{one.customer.code}"
        assert list(Notice.objects.filter(party=one.customer.pk).values_list("recipient", "body")) == [("", "")]
        learned = PayerRecord.objects.get()
        assert (learned.payer_name, learned.payer_account, learned.amount) == ("", "", 1)
        assert (one.user.username, one.user.email, one.user.is_active) == (f"erased-{one.user.pk}", "", False)
        assert one.client.get("/family/data/").status_code == 302  # its session ended

    @pytest.mark.parametrize("state", ["queued", "unknown"])
    def test_what_was_still_to_be_sent_is_not_sent_any_more(self, ada: Family, state: str) -> None:
        Notice.objects.filter(party=ada.customer.pk).update(state=state)
        erased(ada)
        assert set(Notice.objects.filter(party=ada.customer.pk).values_list("state", flat=True)) == {"failed"}

    def test_nothing_of_it_is_left_in_the_trail_and_the_chain_is_whole(self, ada: Family) -> None:
        ada.post(f"erase/{ada.customer.pk}/", understood="1")
        assert chain_is_whole()
        sealed = AuditSeal.objects.filter(position__isnull=False).count()
        erased(ada)
        assert chain_is_whole()
        about = AuditEntry.objects.filter(table_name__in=("billing_customer", "office_user", "billing_student"))
        said = str(list(about.values_list("before", "after", "actor")))
        for word in ("ada@example.org", "555 Ada", "1 Ada Street", "ada-login", "Ada Junior"):
            assert word not in said, word
        assert not AuditEntry.objects.filter(actor__contains="ada-login").exists()
        assert "Ada Family" in said  # the books need it
        assert AuditSeal.objects.filter(position__isnull=False).count() > sealed

    def test_the_names_that_stand_in_the_words_of_a_message_go(self, ada: Family) -> None:
        Notice.objects.filter(party=ada.customer.pk).update(values={"name": "Ada Family"})
        erased(ada)
        assert Notice.objects.get(party=ada.customer.pk).values == {}

    def test_the_phone_for_messages_goes_from_the_preference_and_the_trail(self, ada: Family) -> None:
        wish = MessagePreference.objects.create(
            customer=ada.customer, phone="+15550001", new_phone="+15550002", changed_at=b.NOW
        )
        erased(ada)
        wish.refresh_from_db()
        assert (wish.phone, wish.new_phone) == ("", "")
        about = AuditEntry.objects.filter(table_name="billing_messagepreference")
        assert about.exists() and "+1555" not in str(list(about.values_list("before", "after")))
        assert chain_is_whole()

    def test_papers_that_were_issued_are_kept_with_the_books(self, ada: Family, org: Organization) -> None:
        with transaction.atomic():
            issue_statements(
                organization=org, customers=[ada.customer], first=b.TODAY, last=b.TODAY, now=b.NOW, by=None
            )  # fmt: skip
        erased(ada)
        assert ErasureCase.objects.get().report["kept"]["papers"] == IssuedPaper.objects.count() == 1

    def test_what_was_erased_is_written_down_without_it(self, ada: Family) -> None:
        erased(ada)
        told = AuditEntry.objects.filter(table_name="receipts_erasurecase", operation="update").latest("pk")
        assert told.after is not None and told.after["report"]["erased"]["logins"] == 1
        assert "Ada" not in str(told.after)

    def test_documents_go_and_vouchers_stay(self, ada: Family, org: Organization) -> None:
        with transaction.atomic():
            passport, slip = (
                keep_document(
                    organization=org, subject=f"{kind}:{key}", kind=kind, name=f"ada-{kind}.png", data=picture(),
                    now=b.NOW, by=None,
                )
                for kind, key in (("customer", ada.customer.pk), ("payment", ada.customer.payments.get().pk))
            )  # fmt: skip
        erased(ada)
        gone = KeptDocument.objects.get(pk=passport.pk)
        assert (gone.name, gone.erased_at is not None) == ("(erased)", True)
        with pytest.raises(TamperedFile):
            read_document(gone)
        assert read_document(KeptDocument.objects.get(pk=slip.pk))
        assert chain_is_whole()

    def test_a_login_that_opens_something_else_stays(self, ada: Family) -> None:
        other = b.customer(b.organization(), "Ada Family", email="ada@example.org")
        other.users.add(ada.user)
        one = erased(ada)
        assert one.user.is_active and list(one.user.customers.all()) == [other]
        assert one.client.get("/family/data/").status_code == 200

    def test_the_name_goes_too_where_there_are_no_books(self, org: Organization) -> None:
        nora = b.customer(org, "Nora Nobody", email="nora@example.org", tax_id="77-1")
        one = erased(Family(org, nora, b.user(), Client()))
        assert (one.customer.name, one.customer.tax_id) == (f"Customer {nora.code}", "")
        assert "Nora" not in str(list(AuditEntry.objects.values_list("before", "after")))
        assert chain_is_whole()

    def test_the_books_stay_whole(self, ada: Family) -> None:
        erased(ada)
        assert_books_whole()


class TestTheTrailMayOnlyBeBlotted:
    """What the database lets a sealed row become."""

    def entry(self) -> AuditEntry:
        b.customer(b.organization(), "Ada", email="ada@example.org")
        sql("SET CONSTRAINTS ALL IMMEDIATE")
        sql("SET CONSTRAINTS ALL DEFERRED")
        return AuditEntry.objects.filter(table_name="billing_customer").latest("pk")

    @pytest.mark.parametrize(
        "change",
        [
            "after = jsonb_set(after, '{email}', '\"eve@example.org\"')",
            "after = after - 'email'",
            "after = after || '{\"more\": 1}'",
            "after = jsonb_set(after, '{email}', '\"(erased)\"')",  # without the digest it was sealed under
            "blotted = sha256('other'), after = jsonb_set(after, '{email}', '\"(erased)\"')",
            "blotted = sha256(convert_to(office_audit_text(e), 'UTF8')), actor = 'user:1 eve'",
            "blotted = sha256(convert_to(office_audit_text(e), 'UTF8')), row_id = 7",
            "blotted = sha256(convert_to(office_audit_text(e), 'UTF8')), after = NULL",
        ],
    )
    def test_other_words_are_refused(self, change: str, db: None) -> None:
        row = self.entry()
        with refused("append_only"):
            sql(f"UPDATE office_auditentry e SET {change} WHERE id = %s", row.pk)

    def test_deleting_is_refused(self, db: None) -> None:
        row = self.entry()
        with refused("append_only"):
            sql("DELETE FROM office_auditentry WHERE id = %s", row.pk)

    def test_a_forged_digest_behind_the_guard_breaks_the_chain(self, db: None) -> None:
        row = self.entry()
        assert chain_is_whole()
        sql("SET LOCAL session_replication_role = replica")  # as a superuser might
        sql("UPDATE office_auditentry SET blotted = sha256('other') WHERE id = %s", row.pk)
        sql("SET LOCAL session_replication_role = origin")
        assert not chain_is_whole()
