"""Two organizations with a row in every table, and one person of each role in the first."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.test import Client, override_settings

from billing.ledger.chart import open_bank_ledger_account
from billing.models import AgreementKind, Customer, DiscountRule, Household, LessonCredit
from billing.office import api_clients, clock, staffing
from billing.office.models import Organization, User
from billing.office.models.user import STAFF_ROLES
from billing.office.notices import Message, queue_notices
from billing.services.chasing.debt_plans import DebtPlanOrder, Part, agree_on_parts
from billing.services.earning.accruing import accrue_earnings
from billing.services.invoicing import issue_credit_memo
from payments.models import BankAccount, GatewayError, PaymentAttempt
from payments.services.cash_moving import move_cash
from payments.services.cash_points import create_cash_point
from payments.services.deposits import prepare_deposit
from payments.services.disputes import DisputeOrder, open_dispute
from payments.services.drawers import close_drawer, open_drawer
from payments.services.gateway_accounts import open_gateway_account
from payments.services.refund_cases import RefundOrder
from payments.services.refunding import request_refund
from payments.services.vault import reject_cheque
from receipts.services.statement_papers import issue_statements
from tests import builders as b
from tests.agreements import agreement, plan, provider
from tests.billing.earning.cast import one_lesson, tell

STAFF = sorted(STAFF_ROLES)


def signed_in(user: User, org: Organization | None = None) -> Client:
    client = Client()
    client.force_login(user)
    if org is not None:
        session = client.session
        session["organization"] = org.pk
        session.save()
    return client


def person(org: Organization, role: str) -> Client:
    return signed_in(b.user(org, role), org)


def furnish(org: Organization, who: str) -> dict[str, Any]:
    """Rows of every kind for one organization; `who` is a word that occurs in no other."""
    now = clock.now()
    today = org.today(now)
    boss = b.user(org, "school_admin", name=f"{who}-boss")
    customer = b.customer(org, f"{who} Family", code=f"{who}-1")
    Household.objects.create(organization=org, name=f"{who} household")
    invoice = b.invoice(customer, "120.00", issued_on=today, due_on=today)
    taken = b.pay(customer, "50.00", now=now, received_on=today, method="cheque",
                  cheque=b.cheque(f"{who}-77", cheque_date=today), by=boss)  # fmt: skip
    with transaction.atomic():
        issue_credit_memo(
            organization=org, customer_id=customer.pk, net=Decimal("9.00"), tax=Decimal(0), currency=org.currency,
            issued_on=today, reason=f"{who} reason", now=now, by=boss,
        )  # fmt: skip
        ledger = open_bank_ledger_account(org.pk, f"{who} bank")
        account = BankAccount.objects.create(
            organization=org, code=f"{who}-B", name=f"{who} bank", currency=org.currency, number="123456789",
            number_tail="6789", ledger_account=ledger,
        )  # fmt: skip
        queue_notices(org, [Message(kind="test", fact=who, recipient=f"{who}@example.org", subject=who, body=who)], now)
        api_clients.open_client(organization=org, name=f"{who} shop", role="clerk", expires_at=None, by=boss, now=now)
        reader = b.user(org, "accountant", name=f"{who}-acc")
        staffing.give_role(user=reader, organization=org, role="manager", reason=who, by=boss, now=now)
        _furnish_counter(org, who, taken, account)
        _furnish_earnings(org, who)
        _furnish_agreements(org, customer, who)
        _furnish_charges(org, customer, who)
        owed = b.invoice(customer, "7.00", issued_on=today, due_on=today)
        parts = DebtPlanOrder([owed.pk], [Part(today, Decimal(7))], who, f"{who}-plan")
        agree_on_parts(customer=customer, order=parts, now=now, by=boss)
        issue_statements(
            organization=org, customers=[customer], first=today.replace(day=1), last=today, now=now, by=boss
        )
    return {"customer": customer, "invoice": invoice, "taken": taken}


def _furnish_counter(org: Organization, who: str, taken: Any, account: BankAccount) -> None:
    """A drawer that was counted, cash fetched, a slip, a refund asked for, a dispute, a cheque handed back."""
    now = clock.now()
    customer, clerk, key = taken.payment.customer, b.user(org, "clerk", name=f"{who}-clerk"), f"{who}-key"
    point = create_cash_point(organization=org, name=f"{who} drawer", kind="drawer")
    session = open_drawer(cash_point=point, currency=org.currency, denominations=((Decimal(1), 0),), now=now, by=clerk)
    close_drawer(session=session, denominations=((Decimal(1), 1),), reason=who, now=now, by=clerk)
    move_cash(
        organization=org, session=None, kind="from_bank", amount=Decimal(20), currency=org.currency, reason=who,
        request_key=key, now=now, by=clerk, bank_account=account,
    )  # fmt: skip
    prepare_deposit(
        organization=org, bank_account=account, cheque_ids=[taken.payment.cheque.pk], cash_amount=Decimal(0),
        denominations=(), note=who, request_key=key, now=now, by=clerk,
    )  # fmt: skip
    spare = b.pay(customer, "30.00", now=now, received_on=org.today(now), strategy="none", by=clerk, method="card")
    request_refund(
        organization=org, now=now, by=clerk,
        order=RefundOrder(
            customer_id=customer.pk, credit_item_id=b.credit_of(spare.payment).pk, gross_amount=Decimal(5),
            reason_code="unused_credit", reason=f"{who} asks", request_key=key,
        ),
    )  # fmt: skip
    again = b.invoice(customer, "80.00", issued_on=org.today(now), due_on=org.today(now))
    open_dispute(
        organization=org, now=now, by=clerk,
        order=DisputeOrder(
            amount=Decimal(10), reason_code="other", description=f"{who} doubts", request_key=key, invoice_id=again.pk
        ),
    )  # fmt: skip
    reject_cheque(
        organization=org, customer_id=customer.pk, number="1", bank=f"{who} bank", drawer=f"{who} Family",
        cheque_date=None, currency=org.currency, amount=None, reasons=[f"{who} did not sign"], now=now, by=clerk,
    )  # fmt: skip


def _furnish_earnings(org: Organization, who: str) -> None:
    """A teacher who earned a lesson yesterday."""
    now = clock.now()
    teacher = provider(org, f"{who} teacher", code=f"{who}-T")
    tell(one_lesson(teacher, starts_at=now - timedelta(days=1)), "attended", now=now)
    accrue_earnings(organization=org, now=now)


def _furnish_agreements(org: Organization, customer: Customer, who: str) -> None:
    """A discount, an agreement with a package, and a make-up lesson to its credit."""
    today = org.today(clock.now())
    DiscountRule.objects.create(
        organization=org, code=f"{who}-off", name=f"{who} discount", cause="granted", percent=Decimal(5),
        starts_on=today,
    )  # fmt: skip
    package = agreement(customer, plan(org, kind=AgreementKind.PACKAGE), number=f"{who}-AGR", starts_on=today)
    LessonCredit.objects.create(
        organization=org, customer=customer, agreement=package, kind="make_up", currency=org.currency, granted=1,
        granted_on=today, reason=f"{who} came in vain",
    )  # fmt: skip


def _furnish_charges(org: Organization, customer: Customer, who: str) -> None:
    """A merchant account, and a check there that was refused."""
    now = clock.now()
    with override_settings(GATEWAYS={f"{who}-at": {"kind": "precisepay"}}):
        account = open_gateway_account(organization=org, configuration=f"{who}-at", now=now, name=f"{who} gateway")
    attempt = PaymentAttempt.objects.create(
        organization=org, customer=customer, gateway_account=account, number=f"{who}-ATT", key=f"{who}-KEY",
        body_hash="", request_key=f"{who}-check", operation="verify", state="declined", currency=org.currency,
        reason="cvv_mismatch", raw_text=f"{who} code", created_at=now, sent_at=now, settled_at=now,
    )  # fmt: skip
    GatewayError.objects.create(
        organization=org, gateway_account=account, attempt=attempt, customer=customer, operation="verify",
        reason="cvv_mismatch", raw_text=f"{who} code", at=now,
    )  # fmt: skip
