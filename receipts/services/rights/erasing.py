"""Erasing what may be erased of a customer: asked for, decided by a second person, carried out once (R171).

Names stay on what the books need until their years are over; then receipts.services.rights.purging takes them too.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.models import BillingProfile, Customer, MessagePreference, PayerRecord, Student
from billing.office import approvals
from billing.office.access import require
from billing.office.accounts.sign_ins import end_sign_ins
from billing.office.accounts.traces import forget_traces_of
from billing.office.blotting import blot, blot_actor
from billing.office.documents import erase_document
from billing.office.models import ApprovalRequest, Notice, User
from billing.office.models.notice import WAITING, Channel, NoticeState
from billing.office.models.signing_in import SignInEnd
from billing.office.models.user import Mode
from billing.office.notices import Message, queue_notices
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import PaymentMethod
from payments.models.payment_method import MethodState
from payments.services.methods.duplicates import LEAVING
from payments.services.methods.removing import begin_removal
from receipts.models import ErasureCase
from receipts.models.rights import ErasureState
from receipts.selectors.erasable import BLOCKS, ERASED_STUDENT, Outlook, documents, exports, lone_logins, outlook
from receipts.services.rights.exporting import forget

ACTION = "erase_personal_data"
ANONYMOUS = "Customer "  # with the code, the name of somebody whose name is gone
PROFILE = ("legal_name", "street", "city", "region", "postal_code", "tax_id")
PHONES = ("phone", "new_phone")  # of a message preference
WORDLESS: Mapping[str, Any] = {
    **dict.fromkeys(("recipient", "subject", "body", "link", "attachment", "trouble"), ""),
    "values": {},
}  # of a message: that it was sent, when and about which fact stays
CONTACT = ("email", "phone", "address", "virtual_account", "bank_account", "bank_account_hash")


class StandsInTheWay(DomainError):
    code = "erasure_blocked"
    sentence = _("This cannot be erased yet: {why}")


class AlreadySettled(DomainError):
    code = "already_settled"
    sentence = _("This request was already settled: {state}.")


@transaction_required
def ask_for_erasure(*, customer: Customer, by_parent: bool, now: datetime, by: User) -> ErasureCase:
    """What a family asks for on its page, or the office notes for somebody who asked in writing.

    Nothing is erased by it. Asked twice it is the first. The office is told when a family asks. Raises NotPermitted.
    """
    if not by_parent:
        require(by, customer.organization, ACTION, Mode.MAKE, Mode.CHECK)
    lock_customers(customer.organization, [customer.pk])
    case, is_new = ErasureCase.objects.get_or_create(
        customer=customer, state=ErasureState.ASKED,
        defaults={"organization": customer.organization, "by_parent": by_parent, "asked_at": now, "asked_by": by},
    )  # fmt: skip
    if is_new and by_parent:
        body = f"The family of {customer.code} asks that what may be erased is erased. See the customer's page."
        message = Message(
            kind="erasure_asked", fact=f"erasure:{case.pk}", recipient="office", channel=Channel.OFFICE,
            subject=f"{customer.code}: erasure asked for", body=body, party=customer.pk,
        )  # fmt: skip
        queue_notices(customer.organization, [message], now)
    return case


@transaction_required
def put_forward(*, case: ErasureCase, reason: str, now: datetime, by: User) -> ApprovalRequest:
    """Ask a second person to approve what the preview says. Raises StandsInTheWay, AlreadySettled, NotPermitted."""
    if case.state != ErasureState.ASKED:
        raise AlreadySettled(state=case.get_state_display())
    return approvals.ask(
        organization=case.organization, action=ACTION, subject=f"erasure:{case.pk}",
        title=f"Erase the personal data of {case.customer.code}", shown=facts_of(case), reason=reason, by=by, now=now,
    )  # fmt: skip


@transaction_required
def refuse(*, case: ErasureCase, answer: str, now: datetime, by: User) -> None:
    """Say no, with the reason that the family reads. Raises BadInput (no reason), AlreadySettled, NotPermitted."""
    require(by, case.organization, ACTION, Mode.CHECK)
    answer = clean_text(answer, field="answer", longest=400)
    if not answer:
        raise BadInput(_("A reason is needed."), field="answer", code="reason_required")
    case = _locked(case)
    approvals.withdraw_waiting(f"erasure:{case.pk}")
    _settle(case, ErasureState.REFUSED, now, by, answer=answer)


def facts_of(case: ErasureCase) -> dict[str, Any]:
    """What the checker reads: counts and days, nothing that was asked to be erased. Raises StandsInTheWay."""
    found = outlook(case.customer)
    _check(found)
    return {
        "deed": "erase", "customer": case.customer.code, "erased": found.erased, "kept": found.kept,
        "kept_until": found.kept_until.isoformat() if found.kept_until else "", "years": found.years,
    }  # fmt: skip


@transaction_required
def carry_out(*, request: ApprovalRequest, now: datetime, by: User) -> ErasureCase:
    """Spend the approval and erase. The customer's row is locked.

    Ways to pay are stopped here; the processor is told by the job that tends them, and the token goes when it has
    answered. Carried out once: a second approval finds the case settled. Raises StandsInTheWay, AlreadySettled and what
    approvals.use raises.
    """
    case = _locked(ErasureCase.objects.get(pk=int(request.subject.partition(":")[2])))
    approvals.use(request=request, action=ACTION, subject=f"erasure:{case.pk}", shown=facts_of(case), now=now)
    found = outlook(case.customer)
    erase_customer(customer=case.customer, now=now, by=by)
    if found.kept_until is None:
        erase_name(customer=case.customer)
    report = {
        "erased": found.erased, "kept": found.kept, "years": found.years,
        "kept_until": found.kept_until.isoformat() if found.kept_until else "",
    }  # fmt: skip
    _settle(case, ErasureState.DONE, now, by, approval=request, report=report)
    return case


@transaction_required
def erase_customer(*, customer: Customer, now: datetime, by: User | None) -> None:
    """What the books do not need goes, in the rows and in the trail. Done twice it does nothing the second time."""
    logins = lone_logins(customer)
    for export in exports(customer):
        forget(export)
    _stop_methods(customer, now, by)
    _erase_contact(customer)
    for student in Student.objects.filter(customer=customer):
        name = f"{ERASED_STUDENT}{student.code}"
        Student.objects.filter(pk=student.pk).update(name=name, latin_name="", is_active=False)
    blot("billing_student", list(customer.students.values_list("pk", flat=True)), ("name", "latin_name"))
    _erase_messages(customer)
    _erase_preference(customer)
    PayerRecord.objects.filter(customer=customer).update(payer_name="", payer_account="", payer_account_hash="")
    for document in documents(customer, vouchers=False):
        erase_document(document=document, now=now)
    for user in logins:
        erase_login(user=user, now=now)


@transaction_required
def erase_name(*, customer: Customer) -> None:
    """What only the books needed: from now on the customer is called by its code."""
    Customer.objects.filter(pk=customer.pk).update(name=f"{ANONYMOUS}{customer.code}", latin_name="", tax_id="")
    blot("billing_customer", [customer.pk], ("name", "latin_name", "tax_id"))
    profiles = BillingProfile.objects.filter(customer=customer)
    profiles.update(**dict.fromkeys(PROFILE, ""))
    blot("billing_billingprofile", list(profiles.values_list("pk", flat=True)), PROFILE)


@transaction_required
def erase_login(*, user: User, now: datetime) -> None:
    """Nobody signs in with it again: no name, no address, no password, no second factor, no trace of signing in.

    Its sessions end. The key stays on what the user did.
    """
    end_sign_ins(user=user, end=SignInEnd.DEACTIVATED, now=now)
    forget_traces_of(user=user)
    AccessAttempt.objects.filter(username=user.username).delete()
    AccessFailureLog.objects.filter(username=user.username).delete()
    AccessLog.objects.filter(username=user.username).delete()
    for device in devices_for_user(user, confirmed=None):
        device.delete()
    user.username, user.first_name, user.last_name, user.email, user.phone = f"erased-{user.pk}", "", "", "", ""
    user.is_active = False
    user.set_unusable_password()
    user.save(update_fields=["username", "first_name", "last_name", "email", "phone", "is_active", "password"])
    user.customers.clear()
    blot("office_user", [user.pk], ("username", "first_name", "last_name", "email", "phone"))
    blot_actor(user.pk)


def _check(found: Outlook) -> None:
    if found.blocks:
        raise StandsInTheWay(why=" ".join(str(BLOCKS[key]) for key in found.blocks))


def _locked(case: ErasureCase) -> ErasureCase:
    """The customer, then the case as it stands. Raises AlreadySettled."""
    lock_customers(case.organization, [case.customer_id])
    rows = ErasureCase.objects.select_related("customer__organization", "organization")
    case = rows.select_for_update(of=("self",), no_key=True).get(pk=case.pk)
    if case.state != ErasureState.ASKED:
        raise AlreadySettled(state=case.get_state_display())
    return case


def _settle(case: ErasureCase, state: ErasureState, now: datetime, by: User, **changes: Any) -> None:
    values: Mapping[str, Any] = {"state": state, "settled_at": now, "settled_by": by} | changes
    for name, value in values.items():
        setattr(case, name, value)
    case.save(update_fields=list(values))


def _stop_methods(customer: Customer, now: datetime, by: User | None) -> None:
    rows = PaymentMethod.objects.filter(customer=customer).select_related("organization", "gateway_account")
    for method in rows.exclude(state=MethodState.REMOVED).exclude(state_reason__in=LEAVING).order_by("pk"):
        method.customer = customer
        begin_removal(method=method, reason="being_removed", now=now, by=by)
    shown: Sequence[str] = ("holder", "postal_code", "last4", "shown_handle", "bank_name")
    PaymentMethod.objects.filter(customer=customer).update(**dict.fromkeys(shown, ""))
    blot("payments_paymentmethod", list(rows.values_list("pk", flat=True)), shown)


def _erase_contact(customer: Customer) -> None:
    Customer.objects.filter(pk=customer.pk).update(is_active=False, **dict.fromkeys(CONTACT, ""))
    customer.users.clear()
    blot("billing_customer", [customer.pk], CONTACT)


def _erase_messages(customer: Customer) -> None:
    """What still waits is not sent any more."""
    rows = Notice.objects.filter(party=customer.pk)
    rows.filter(state__in=WAITING).update(state=NoticeState.FAILED)
    rows.update(**WORDLESS)


def _erase_preference(customer: Customer) -> None:
    """A phone that was confirmed for messages, and one that was about to be."""
    rows = MessagePreference.objects.filter(customer=customer)
    rows.update(phone="", phone_confirmed_at=None, new_phone="", code_hash="")
    blot("billing_messagepreference", list(rows.values_list("pk", flat=True)), PHONES)
