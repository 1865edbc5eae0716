"""A family with something of every kind, its teacher, and links for whoever holds one: for pages that carry an id."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.test import Client, override_settings

from billing.models import Customer
from billing.office import clock
from billing.office.models import User
from billing.office.notices import Message, queue_notices
from billing.office.stopping import stop_address
from billing.services.pay_links import make_pay_link, path_of
from billing.transactions import in_transaction
from payments.models import PaymentAttempt, ZohoCustomer, ZohoSubscription
from payments.services.disputes import DisputeOrder, open_dispute
from payments.services.gateway_accounts import open_gateway_account
from payments.services.refund_cases import RefundOrder
from payments.services.refunding import request_refund
from tests import agreements, builders
from tests.billing.earning.cast import accrue, one_lesson, tell
from tests.billing.pages.accounts.cast import PASSWORD, link_in, sign_in, staff, with_app
from tests.console_desk import Desk
from tests.guards.isolation import addresses as table
from tests.guards.isolation.addresses import Address
from tests.payments.recovery.cast import School
from tests.receipts.pages.test_verify import code as printed
from tests.reconciliation.bank_desk import Booked, bank_account, lines
from tests.reconciliation.test_payer_questions import ask

PUBLIC = "https://pay.example"
UPI = {"kind": "upi", "base_url": "http://127.0.0.1:9", "payee_vpa": "school@okbank", "payee_name": "School"} | (
    dict.fromkeys(("key_id", "key_secret", "webhook_secret"), "asked by nobody")
)
# What is asked of the processor and how it stands, where an address names an attempt.
ATTEMPTS = {
    "family/methods/adding/<int:pk>/": ("store", "unknown"), "family/pay/card/<int:pk>/": ("store", "unknown"),
    "family/pay/going/<int:pk>/": ("sale", "pending"), "family/pay/result/<int:pk>/": ("sale", "unknown"),
    "pay/<str:token>/card/<int:pk>/": ("store", "unknown"), "pay/<str:token>/going/<int:pk>/": ("sale", "pending"),
    "pay/<str:token>/result/<int:pk>/": ("sale", "unknown"),
}  # fmt: skip
_serial = count(1)


@dataclass
class Everything:
    """ada: the family. people: who may look, in the order in which they are asked. Built in the school's time."""

    place: School
    ada: Customer = field(init=False)
    people: dict[str, Client] = field(init=False)
    opened: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.ada = self.place.family(email="ada@example.org")
        user = self._with_login()
        self._owe_and_pay()
        self._zoho()
        self.people = {name: Client() for name in ("family", "teacher", "anybody")}
        self.people["family"].force_login(user)
        self.people["teacher"].force_login(self._teacher())
        self.people["half signed in"] = self._half()
        self._ask()
        self._secrets()

    def _with_login(self) -> User:
        user = builders.user(self.place.org, "parent", name="ada")
        self.ada.users.add(user)
        return user

    def _half(self) -> Client:
        """Whose password was right and whose code is asked for."""
        user = builders.user(self.place.org, "clerk", name="half")
        with_app(user)
        browser: Client = sign_in(user).browser
        return browser

    def _owe_and_pay(self) -> None:
        """A card that was declined, a second one, what was paid before, an agreement with lessons to come."""
        place, today = self.place, self.place.org.today(clock.now())
        self.card = place.method(self.ada, exp_month=3, exp_year=2026)
        place.method(self.ada)
        place.decline(self.card, "202")
        self.anna = place.agreement(self.ada, student=agreements.student(self.ada, "Anna"))
        for months in range(3):
            agreements.installment(self.anna, due_on=today + timedelta(days=20 + 30 * months))
        self.paid = builders.pay(self.ada, "75.00", now=place.now)
        self.bill = place.bill(self.ada, under=self.anna)
        place.charge()
        settings.GATEWAYS["upi"] = UPI
        self.upi = in_transaction(
            partial(open_gateway_account, organization=place.org, configuration="upi", now=place.now, name="UPI")
        )

    def _zoho(self) -> None:
        """An agreement that Zoho Billing bills, subscribed there."""
        agreement = agreements.agreement(self.ada, backend="zoho")
        facts: dict[str, Any] = {"organization": self.place.org, "gateway_account": self.card.gateway_account}
        payer = ZohoCustomer.objects.create(customer=self.ada, key="zoho-ada", **facts)
        self.zoho = ZohoSubscription.objects.create(
            agreement=agreement, payer=payer, key="zoho-1", plan_code="weekly", remote_id="1", status="live",
            last4="1111", method_url="https://zoho.example/card", made_at=self.place.now, **facts,
        )  # fmt: skip

    def _teacher(self) -> User:
        org = self.place.org
        user = builders.user(org, "teacher", name="tess")
        tell(one_lesson(agreements.provider(org, "Tess Teacher", user=user), "40.00"), "attended")
        accrue(org)
        return user

    def _ask(self) -> None:
        """For money back, about a bill, for time to pay; and a message to read."""
        org, now, clerk = self.place.org, clock.now(), builders.user(self.place.org, "clerk")
        builders.policy(org, "refunds.cash_limit", "500")
        spare = builders.pay(self.ada, "30.00", now=now, strategy="none").payment
        refund = RefundOrder(
            customer_id=self.ada.pk, credit_item_id=builders.credit_of(spare).pk, gross_amount=spare.amount / 2,
            reason_code="unused_credit", reason="Asked at the counter", request_key="refund",
        )  # fmt: skip
        doubted = builders.invoice(self.ada, "95.00")
        dispute = DisputeOrder(
            amount=doubted.open_amount, reason_code="other", description="We were ill", request_key="dispute",
            invoice_id=doubted.pk,
        )  # fmt: skip
        in_transaction(partial(request_refund, organization=org, now=now, by=clerk, order=refund))
        in_transaction(partial(open_dispute, organization=org, now=now, by=clerk, order=dispute))
        letter = Message("note", "1", self.ada.email, "Your lessons", "Dear Ada,\n\nsee you.", party=self.ada.pk)
        with transaction.atomic():
            queue_notices(org, [letter], now)
            self.link = make_pay_link(customer=self.ada, now=now, by=None, invoices=[])
        self._ask_for_time()
        self.bill = builders.invoice(self.ada, "120.00", due_on=org.today(now) - timedelta(days=10))

    def _ask_for_time(self) -> None:
        """More parts than are agreed to at once, so that a person decides."""
        late = builders.invoice(self.ada, "200.00", due_on=self.place.org.today(clock.now()) - timedelta(days=5))
        first = self.place.org.today(clock.now()) + timedelta(days=7)
        typed = {"invoice": [str(late.pk)], "count": "6", "first": first.isoformat(), "every": "month",
                 "reason": "Between jobs", "request_key": "plan"}  # fmt: skip
        family, path = self.people["family"], "/family/plan-requests/new/"
        shown = family.post(path, typed).context["shown"]
        assert family.post(path, typed | {"confirm": "1", "shown": shown}).status_code == 302

    def _secrets(self) -> None:
        """Links as they stand in letters."""
        org = self.place.org
        clerk, sue = (Desk(staff(org, role, f"{role}-1")) for role in ("clerk", "supervisor"))
        clerk.post(f"customers/{self.ada.pk}/invite/", email="other@example.org")
        clerk.client.post("/account/email/", {"email": "new@example.org", "current": PASSWORD})
        Client().post("/password/reset/", {"email": clerk.user.email})
        (line,) = lines(bank_account(org), Booked("50.00", name="A payer", text="lessons"))
        with override_settings(PUBLIC_URL=PUBLIC):
            stop = stop_address(self.ada.pk, "charge_done").removeprefix(PUBLIC)
        self.opened = {
            "messages/stop/<str:token>": stop, "pay/<str:token>": path_of(self.link),
            "payment-question/<str:token>": ask(sue, line, self.ada), "invitation/<str:token>": link_in("invitation"),
            "password/<str:token>": link_in("password_link"), "account/email/<str:token>": link_in("address_link"),
            "verify/<path:mark>": f"/verify/{self.paid.receipt}.{printed(self.paid.receipt)}/",
        }  # fmt: skip
        self.people["family"].post("/account/two-factor/begin/")

    def path(self, address: Address) -> str:
        """The address with what it names in this family's house."""
        values = {name: table.WORDS.get(name, 0) for name in address.names}
        if address.start in table.SECRETS:
            values[address.names[0]] = self.opened[address.start].strip("/").rpartition("/")[2]
        elif address.record:
            values[address.key] = self._key(address)
        if address.route in ATTEMPTS:
            values["pk"] = self._attempt(address.route).pk
        return address.path(values)

    def _key(self, address: Address) -> Any:
        if address.record == "billing.Customer":
            return self.ada.pk
        if address.record == "payments.ZohoSubscription":
            return self.zoho.agreement_id
        if address.record == "billing.Agreement":
            return self.anna.pk
        rows = apps.get_model(address.record).objects.order_by("-pk")
        return rows.values_list("pk", flat=True).first() or 0

    def _attempt(self, route: str) -> PaymentAttempt:
        """As it stands while nobody has answered: its page waits."""
        (operation, state), serial, now = ATTEMPTS[route], next(_serial), clock.now()
        is_going = state == "pending"
        return PaymentAttempt.objects.create(
            organization=self.place.org, customer=self.ada, number=f"PAT-{serial}", key=f"KEY-{serial}", body_hash="",
            gateway_account=self.upi if is_going else self.card.gateway_account, request_key=f"made-{serial}",
            operation=operation, state=state, currency="USD", amount=90, created_at=now, sent_at=now,
            redirect="upi://pay?pa=school@bank" if is_going else "",
            decision={"link": self.link.pk} if route.startswith("pay/") else {},
        )  # fmt: skip
