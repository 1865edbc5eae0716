"""/api/v1/payments/: taking payments and reading them (R178-R180)."""

import re
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request

from billing.api.answers import answer
from billing.api.idempotency import answer_once, read_key
from billing.api.paging import page_of, read_page
from billing.api.schema import IDEMPOTENCY_KEY, problems
from billing.api.views import ApiView
from billing.errors import DomainError, NotFound
from billing.models import Customer
from billing.office import clock
from billing.office.models.user import Mode
from billing.office.papers.answers import pdf_answer
from billing.selectors.premiums import find_policy
from payments.models import Payment
from receipts.api import schema
from receipts.api.changes import ChangeRequest
from receipts.api.changing import cancel_payment, change_payment
from receipts.api.orders import PaymentRequest, UnknownPolicy, currency_of, order_from, policy_from, wish_from
from receipts.api.queries import read_lookup, read_query
from receipts.api.shapes import created, payment_page, payment_row, refunds_of
from receipts.selectors.payment_search import find_payment, search_payments
from receipts.services.papers import hand_out
from receipts.services.requested import take_requested_payment

REFERENCE = re.compile(r"(PAY|TXN|RCP)-[0-9-]{1,20}", re.ASCII)
READ = ("see_receivables",)


class SeveralPayments(DomainError):
    code = "several_payments"


class PaymentsView(ApiView):
    needs = {"GET": READ, "POST": ("enter_payment", Mode.DO)}
    field_names = {
        "request_key": "Idempotency-Key", "lookalike_reason": "override_reason", "cheque_number": "cheque.number",
        "cheque_bank": "cheque.bank", "cheque_date": "cheque.date", "receipt_email": "receipt.email",
        "form_number": "receipt.form_number",
    }  # fmt: skip

    @extend_schema(
        operation_id="list_payments", tags=["payments"], parameters=schema.LIST_PARAMETERS,
        responses={200: schema.PaymentList, **problems(400, 404)},
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Payments of the organization, a page at a time, newest first."""
        today = self.organization.today(clock.now())
        page = read_page(request.query_params)
        wanted = read_query(request.query_params, self.organization, today)
        rows = search_payments(self.organization, wanted)
        return answer(200, page_of(request, rows, page, lambda payment: payment_row(payment, request)))

    @extend_schema(
        operation_id="create_payment", tags=["payments"], parameters=[IDEMPOTENCY_KEY], request=PaymentRequest,
        responses={
            201: schema.PaymentCreated,
            202: OpenApiResponse(schema.PaymentCreated, description="Stored; waits for a second person."),
            **problems(400, 409, 413, 415, 422, 503),
        },
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """Take a payment: recorded, applied, posted and receipted in one go, or refused and nothing written."""
        now = clock.now()
        key = read_key(request)
        body = request.data
        assert isinstance(body, dict)  # the parser gives nothing else
        context = {"organization": self.organization, "currency": currency_of(body, self.organization)}
        asked = PaymentRequest(data=body, context=context)
        asked.is_valid(raise_exception=True)

        def deed(request_key: str) -> tuple[int, dict[str, Any]]:
            payment = self._take(asked.validated_data, request_key, now)
            return 202 if payment.pending_for else 201, created(payment, request, self.organization.today(now))

        with self.as_client():
            return answer_once(client=self.client, key=key, asked=f"POST {request.path}", body=body, now=now, deed=deed)

    def _take(self, asked: dict[str, Any], request_key: str, now: Any) -> Payment:
        if asked.get("override_reason"):
            self.require("override_duplicate", Mode.DO, Mode.MAKE, Mode.CHECK)
        policy = policy_from(asked, self.organization)
        order = order_from(asked, self.organization, request_key, policy)
        if order.by_hand is not None:
            self.require("allocate_by_hand", Mode.DO)
            places = {f"apply-{pk}": f"allocations[{place}].amount" for place, (pk, _sum) in enumerate(order.by_hand)}
            self.field_names = {**self.field_names, **places}
        email = Customer.objects.values_list("email", flat=True).get(pk=order.customer_id)
        taken = take_requested_payment(
            organization=self.organization, order=order, wish=wish_from(asked, email), now=now, by=self.user,
            agreement=policy.agreement if policy is not None else None,
        )  # fmt: skip
        payment = find_payment(self.organization, taken.payment.number)
        assert payment is not None
        return payment


class PaymentView(ApiView):
    needs = {"GET": READ, "PATCH": READ, "DELETE": READ}  # what each change needs beyond that: changing.RIGHTS
    field_names = {
        "request_key": "Idempotency-Key", "reconciled_on": "reconciliation_date", "reason_code": "refund_reason",
        "gross_amount": "amount", "destination": "refund_method", "destination_reason": "method_reason",
        "deposited_on": "status_date", "cleared_on": "status_date", "returned_on": "status_date", "note": "reason",
        "cheques": "cheque_status",
    }  # fmt: skip

    @extend_schema(
        operation_id="read_payment", tags=["payments"], parameters=[schema.REFERENCE],
        responses={200: schema.PaymentPage, **problems(404)},
    )  # fmt: skip
    def get(self, request: Request, reference: str) -> HttpResponse:
        """One payment, by its PAY-, TXN- or RCP- number."""
        payment = payment_or_404(self, reference)
        return answer(200, payment_page(payment, request, self.organization.today(clock.now())))

    @extend_schema(
        operation_id="change_payment", tags=["payments"], parameters=[schema.REFERENCE, IDEMPOTENCY_KEY],
        request=ChangeRequest,
        responses={
            200: schema.PaymentChanged,
            202: OpenApiResponse(schema.PaymentChanged, description="Asked; a second person decides."),
            **problems(400, 404, 409, 413, 415, 422, 503),
        },
    )  # fmt: skip
    def patch(self, request: Request, reference: str) -> HttpResponse:
        """Say what became of a payment: a status, a match to the bank, news of its cheque. Amounts never change."""
        return change_payment(self, request, payment_or_404(self, reference))

    @extend_schema(
        operation_id="cancel_payment", tags=["payments"], parameters=[schema.REFERENCE, IDEMPOTENCY_KEY],
        responses={
            202: OpenApiResponse(
                PolymorphicProxySerializer(
                    "PaymentCancelled", [schema.RefundStarted, schema.PaymentChanged], resource_type_field_name=None
                ),
                description="Asked; a second person decides. The body: reason, refund_reason, refund_method, amount.",
            ),
            **problems(400, 404, 409, 413, 415, 422, 503),
        },
    )  # fmt: skip
    def delete(self, request: Request, reference: str) -> HttpResponse:
        """Cancel a provisional payment, or ask for the refund of one in the books. Nothing is ever erased."""
        return cancel_payment(self, request, payment_or_404(self, reference))


class RefundsView(ApiView):
    needs = {"GET": READ}

    @extend_schema(
        operation_id="list_refunds_of_payment", tags=["payments"], parameters=[schema.REFERENCE],
        responses={200: schema.RefundsOfPayment, **problems(404)},
    )  # fmt: skip
    def get(self, request: Request, reference: str) -> HttpResponse:
        """What was asked to go back of a payment, the latest first, and what is left."""
        payment = payment_or_404(self, reference)
        return answer(200, refunds_of(payment))


class LookupView(ApiView):
    needs = {"GET": READ}

    @extend_schema(
        operation_id="look_up_payment", tags=["payments"], parameters=schema.LOOKUP_PARAMETERS,
        responses={200: schema.PaymentPage, **problems(400, 404, 409, 422)},
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """The payment of a customer or for a policy on a day. If there are several, 409 names them."""
        wanted = read_lookup(request.query_params)
        if wanted.policy_number and find_policy(self.organization, wanted.policy_number) is None:
            raise UnknownPolicy(field="policy_number")
        found = list(search_payments(self.organization, wanted)[:51])
        if not found:
            raise NotFound()
        if len(found) > 1:
            numbers = [payment.number for payment in found[:50]]
            sentence = _("Several payments of that day; read one by its number.")
            raise SeveralPayments(sentence, payments=numbers)
        return answer(200, payment_page(found[0], request, self.organization.today(clock.now())))


class ReceiptView(ApiView):
    needs = {"GET": READ}

    @extend_schema(
        operation_id="download_receipt", tags=["payments"], parameters=[schema.REFERENCE],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY, **problems(404, 409, 503)},
    )  # fmt: skip
    def get(self, request: Request, reference: str) -> HttpResponse:
        """The receipt as a signed PDF. The first copy is the original; later ones are marked duplicate."""
        receipt = payment_or_404(self, reference).receipt
        with self.as_client():
            paper = hand_out(receipt, how="download", now=clock.now(), by=self.user)
        return pdf_answer(paper, f"{receipt.number}.pdf")


def payment_or_404(view: ApiView, reference: str) -> Payment:
    """Raises NotFound, with the same answer for an absent payment and for another organization's (row 47)."""
    payment = find_payment(view.organization, reference if REFERENCE.fullmatch(reference) else "-")
    if payment is None:
        raise NotFound()
    return payment
