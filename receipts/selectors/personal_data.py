"""Everything that is kept about a person, for a copy of it (R171). Of others it says no more than the person knew.

Columns are named one by one: a new column is not handed out before somebody has thought of it. Of payment methods and
accounts only the last digits are ever told; co-payers, staff and other parents are left out or called by their part.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axes.models import AccessLog
from django.db.models import Model, Q, QuerySet

from billing.models import (
    Agreement,
    AgreementPayer,
    Allocation,
    BillingProfile,
    CreditMemo,
    Customer,
    Invoice,
    InvoiceLine,
    Lesson,
    MessagePreference,
    PlanRequest,
    PromiseToPay,
    Student,
)
from billing.office.models import AuditEntry, KeptDocument, Membership, Notice, SignIn, User
from billing.office.models.notice import Channel
from payments.models import Cheque, CreditUse, Dispute, Payment, PaymentMethod, Refund
from receipts.models import DataExport, ErasureCase, IssuedPaper, PaperCopy
from receipts.selectors.own_papers import papers_of, receipts_of, refund_receipts_of

Row = dict[str, Any]
# The trail of these tables is about the person; of all others it is the office's own.
TRACED = ("billing_customer", "office_user")
OFFICE, YOU, SYSTEM = "the office", "you", "the system"


@dataclass(frozen=True)
class Person:
    """Whose data: a user with all own customers, or one customer whom the office answers. user: None for the latter."""

    user: User | None
    customers: Sequence[Customer]

    @property
    def keys(self) -> list[int]:
        return [customer.pk for customer in self.customers]

    @property
    def addresses(self) -> set[str]:
        """E-mail addresses that are the person's own."""
        own = {customer.email.lower() for customer in self.customers}
        return (own | {self.user.email.lower() if self.user else ""}) - {""}

    @property
    def logins(self) -> list[User]:
        return [self.user] if self.user else list(User.objects.filter(customers__in=self.keys).distinct())


def personal_data(person: Person) -> dict[str, list[Row]]:
    """Section → rows with plain values. One query a section, two for invoices and the trail."""
    return {name: gather(person) for name, gather in SECTIONS.items()}


def rows(found: QuerySet[Any], names: str, **others: Callable[[Any], Any]) -> list[Row]:
    """The named columns of each row, and what is worked out of it."""
    return [
        {name: getattr(row, name) for name in names.split()} | {name: of(row) for name, of in others.items()}
        for row in found
    ]


def _school(row: Any) -> str:
    """A family statement speaks for several and is of none."""
    return str(row.organization or "")


def masked(number: str) -> str:
    """The last four of an account."""
    return f"…{number[-4:]}" if number else ""


def _profile(person: Person) -> list[Row]:
    users = [person.user] if person.user else []
    return rows(users, "username first_name last_name email phone language date_joined last_login is_active")  # type: ignore[arg-type]


def _roles(person: Person) -> list[Row]:
    held = Membership.objects.filter(user=person.user) if person.user else Membership.objects.none()
    return rows(held.select_related("organization"), "role granted_at withdrawn_at", school=_school)


def _sign_ins(person: Person) -> list[Row]:
    if person.user is None:
        return []
    found = AccessLog.objects.filter(username=person.user.username).order_by("attempt_time")
    sessions = SignIn.objects.filter(user=person.user).order_by("pk")
    return [
        *rows(found, "attempt_time logout_time ip_address user_agent"),
        *rows(sessions, "signed_in_at seen_at ended_at address user_agent"),
    ]


def _customers(person: Person) -> list[Row]:
    columns = "code name latin_name tax_id email phone address language virtual_account is_active created_at"
    found = Customer.objects.filter(pk__in=person.keys).select_related("organization").order_by("pk")
    return rows(found, columns, school=_school, bank_account=lambda row: masked(row.bank_account))


def _students(person: Person) -> list[Row]:
    return rows(_own(Student, person), "code name latin_name is_active created_at", school=_school)


def _billing_profiles(person: Person) -> list[Row]:
    columns = "legal_name street city region postal_code country tax_id is_exempt exempt_reason"
    return rows(_own(BillingProfile, person), columns, school=_school)


def _agreements(person: Person) -> list[Row]:
    columns = "number kind frequency currency starts_on ends_on state state_since"
    found = _own(Agreement, person).select_related("student", "plan")
    return rows(
        found, columns, school=_school, plan=lambda row: row.plan.name,
        student=lambda row: row.student.name if row.student else "",
    )  # fmt: skip


def _shares(person: Person) -> list[Row]:
    """What the person pays of others' agreements: the share alone."""
    found = AgreementPayer.objects.filter(customer__in=person.keys).select_related("organization", "agreement")
    return rows(found, "share from_on until_on", school=_school, agreement=lambda row: row.agreement.number)


def _lessons(person: Person) -> list[Row]:
    found = Lesson.objects.filter(seats__student__customer__in=person.keys).select_related("organization").distinct()
    return rows(found.order_by("starts_at"), "title starts_at minutes", school=_school)


def _invoices(person: Person) -> list[Row]:
    columns = "number kind issued_on due_on currency net_amount tax_amount invoiced_amount open_amount voided_on"
    lines: dict[int, list[str]] = {}
    for invoice, text in InvoiceLine.objects.filter(invoice__customer__in=person.keys).values_list(
        "invoice", "description"
    ):
        lines.setdefault(invoice, []).append(text)
    found = _own(Invoice, person)
    return rows(found, columns, school=_school, lines=lambda row: "; ".join(lines.get(row.pk, [])))


def _allocations(person: Person) -> list[Row]:
    found = _own(Allocation, person).select_related("invoice", "credit_item")
    return rows(
        found, "kind currency amount allocated_on", school=_school, invoice=lambda row: row.invoice.number,
        from_number=lambda row: row.credit_item.number,
    )  # fmt: skip


def _credit_memos(person: Person) -> list[Row]:
    found = CreditMemo.objects.filter(credit_item__customer__in=person.keys).select_related("organization")
    return rows(found.order_by("pk"), "number issued_on net_amount tax_amount reason", school=_school)


def _credit_uses(person: Person) -> list[Row]:
    """Credit that the family set against its own invoices itself, on its page."""
    return rows(_own(CreditUse, person), "currency amount made_at", school=_school)


def _payments(person: Person) -> list[Row]:
    columns = "number transaction_number state method channel currency amount received_on payer_name reference"
    return rows(_own(Payment, person), columns, school=_school)


def _cheques(person: Person) -> list[Row]:
    columns = "number bank drawer cheque_date currency amount state received_on ended_on end_reason"
    return rows(_own(Cheque, person), columns, school=_school)


def _methods(person: Person) -> list[Row]:
    columns = (
        "instrument state brand last4 exp_month exp_year bank_name holder postal_code made_at last_used_at removed_at"
    )
    return rows(_own(PaymentMethod, person), columns, school=_school)


def _refunds(person: Person) -> list[Row]:
    columns = "number state currency gross_amount fee_amount paid_amount destination reason requested_on processed_on"
    return rows(_own(Refund, person), columns, school=_school)


def _disputes(person: Person) -> list[Row]:
    return rows(
        _own(Dispute, person), "number kind state currency amount description opened_on closed_on", school=_school
    )


def _promises(person: Person) -> list[Row]:
    found = PromiseToPay.objects.filter(customer__in=person.keys).order_by("pk")
    return rows(found, "currency amount promised_on note taken_at")


def _receipts(person: Person) -> list[Row]:
    found = receipts_of(person.customers).select_related("organization")
    return rows(found.order_by("pk"), "number issued_at delivery email voided_at returned_on", school=_school)


def _refund_receipts(person: Person) -> list[Row]:
    found = refund_receipts_of(person.customers).select_related("organization")
    return rows(found.order_by("pk"), "issued_at email", school=_school, number=str)


def issued_to(person: Person) -> QuerySet[IssuedPaper]:
    """Statements and yearly papers, family statements with the login they were made for."""
    if person.user is None:
        return IssuedPaper.objects.filter(customer__in=person.keys)
    return papers_of(person.user, person.customers)


def _issued_papers(person: Person) -> list[Row]:
    found = issued_to(person).select_related("organization").order_by("pk")
    return rows(found, "kind number version period_start period_end issued_at", school=_school)


def _paper_copies(person: Person) -> list[Row]:
    """When a paper was printed, downloaded or mailed."""
    found = PaperCopy.objects.filter(paper__in=issued_to(person)).select_related("paper").order_by("pk")
    return rows(found, "how at", paper=lambda row: row.paper.number)


def _preferences(person: Person) -> list[Row]:
    columns = "topics wants_digest quiet_from quiet_until time_zone phone phone_confirmed_at changed_at"
    found = MessagePreference.objects.filter(customer__in=person.keys).select_related("customer__organization")
    return rows(found.order_by("pk"), columns, school=lambda row: str(row.customer.organization))


def _plan_requests(person: Person) -> list[Row]:
    columns = "currency amount parts reason state asked_on decided_on answer"
    return rows(_own(PlanRequest, person), columns, school=_school)


def _messages(person: Person) -> list[Row]:
    """What was sent about the person's accounts. One that went to somebody else's address says so and no more."""
    found = Notice.objects.filter(party__in=person.keys).exclude(channel=Channel.OFFICE).select_related("organization")
    own = person.addresses

    def of(row: Notice, value: str) -> str:
        return value if row.recipient.lower() in own else ""

    return rows(
        found.order_by("pk"), "kind channel state queued_at sent_at", school=_school,
        recipient=lambda row: row.recipient if row.recipient.lower() in own else "somebody else's address",
        subject=lambda row: of(row, row.subject), body=lambda row: of(row, row.body),
    )  # fmt: skip


def _documents(person: Person) -> list[Row]:
    return rows(documents_about(person), "kind name media_type size kept_at", school=_school)


def _requests(person: Person) -> list[Row]:
    """Earlier requests about the person's own data."""
    exports = DataExport.objects.filter(Q(user=person.user) if person.user else Q(customer__in=person.keys))
    erasures = ErasureCase.objects.filter(customer__in=person.keys).order_by("pk")
    return [
        *rows(exports.order_by("pk"), "state asked_at made_at taken_at", request=lambda row: "copy of the data"),
        *rows(erasures, "state asked_at settled_at answer", request=lambda row: "erasure"),
    ]


def _changes(person: Person) -> list[Row]:
    """The trail of the person's own rows. Who else changed them is told by their part, not by their name."""
    own = tuple(f"user:{user.pk} " for user in person.logins)
    about = Q(table_name="billing_customer", row_id__in=person.keys)
    if person.user:
        about |= Q(table_name="office_user", row_id=person.user.pk)

    def who(row: AuditEntry) -> str:
        if row.actor.startswith(own):
            return YOU
        return OFFICE if row.actor.startswith("user:") else SYSTEM

    return rows(AuditEntry.objects.filter(about).order_by("pk"), "at table_name operation before after", by=who)


def documents_about(person: Person) -> QuerySet[KeptDocument]:
    """Pictures and letters handed in about the person's own cheques, refunds, disputes and account."""
    about: dict[str, Iterable[int]] = {"customer": person.keys}
    for kind, model in OWN_SUBJECTS.items():
        about[kind] = _own(model, person).values_list("pk", flat=True)
    subjects = [f"{kind}:{key}" for kind, keys in about.items() for key in keys]
    organizations = {customer.organization_id for customer in person.customers}
    found = KeptDocument.objects.filter(organization__in=organizations, subject__in=subjects)
    return found.select_related("organization").order_by("pk")


OWN_SUBJECTS: Mapping[str, type[Model]] = {"cheque": Cheque, "refund": Refund, "dispute": Dispute, "payment": Payment}


def _own(model: type[Model], person: Person) -> QuerySet[Any]:
    found = model._default_manager.filter(customer__in=person.keys)
    return found.select_related("organization").order_by("pk")


SECTIONS: Mapping[str, Callable[[Person], list[Row]]] = {
    "profile": _profile, "roles": _roles, "sign_ins": _sign_ins, "accounts": _customers, "students": _students,
    "billing_addresses": _billing_profiles, "agreements": _agreements, "shares_of_agreements": _shares,
    "lessons": _lessons, "invoices": _invoices, "allocations": _allocations, "credit_memos": _credit_memos,
    "credit_uses": _credit_uses, "payments": _payments, "cheques": _cheques, "ways_to_pay": _methods,
    "refunds": _refunds, "disputes": _disputes, "promises": _promises, "plan_requests": _plan_requests,
    "receipts": _receipts,
    "refund_receipts": _refund_receipts, "issued_papers": _issued_papers, "paper_copies": _paper_copies,
    "messages": _messages, "message_preferences": _preferences, "documents": _documents, "requests": _requests,
    "changes": _changes,
}  # fmt: skip
