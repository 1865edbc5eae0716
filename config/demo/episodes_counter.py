"""Stories of cheques and of money going back, for customers after those of the plain episodes."""

from datetime import timedelta
from decimal import Decimal

from billing.models import Customer
from billing.money import round_money
from billing.office.acting import acting
from billing.office.models import ApprovalRequest
from billing.services.move_requests import ask_to_move, carry_out_move
from billing.services.moving import MoveOrder
from config.demo.episodes import approve, on, owed, pay, total
from config.demo.story import Story
from payments.models import Cheque, Method, Payment, Refund
from payments.models.cheque import ReturnReason
from payments.models.dispute import DisputeReason
from payments.models.refund import AttemptState, RefundReason
from payments.services.dispute_work import add_contact, add_follow_up, add_note
from payments.services.disputes import DisputeOrder, open_dispute
from payments.services.paying_out import settle_attempt, submit_refund
from payments.services.refund_cases import RefundOrder
from payments.services.refunding import approve_refund, request_refund
from payments.services.returning import ask_for_return
from payments.services.vault import take_in
from payments.services.vault_orders import VaultOrder
from receipts.services.redepositing import redeposit
from receipts.services.refund_papers import issue_refund_receipt
from receipts.services.returning import return_with_receipt


def year_of_cheques(story: Story, customer: Customer) -> None:
    """Half a year of post-dated cheques handed over at once: two are booked by now, one is due tomorrow."""
    on(story, 65, lambda: _post_date(story, customer, [14, 44, 66, 90]))


def cheques_for_an_invoice(story: Story, customer: Customer) -> None:
    on(story, 5, lambda: _post_date(story, customer, [12, 40, 70]))


def _post_date(story: Story, customer: Customer, in_days: list[int]) -> None:
    if story.house.unusual == Method.CHEQUE:
        return
    invoice = owed(story, customer)[0]
    each = round_money(invoice.invoiced_amount / len(in_days), story.house.currency)
    orders = [
        VaultOrder(
            customer_id=customer.pk, number=story.next_cheque(), bank=story.house.foreign_cheque_bank,
            cheque_date=story.day + timedelta(days=days), amount=each, currency=story.house.currency,
            received_on=story.day, request_key=story.key(), for_invoices=(invoice.number,),
        )
        for days in in_days
    ]  # fmt: skip
    with acting(story.staff.clerk, "demo"):
        for taken in take_in(organization=story.organization, orders=orders, now=story.now, by=story.staff.clerk):
            if not isinstance(taken, Cheque):
                raise taken


def bounced(story: Story, customer: Customer) -> None:
    """A cheque comes back unpaid, and nobody has called the customer yet."""
    taken = _cheque_of(story, customer, 16)
    if taken is not None:
        on(story, 3, lambda: _return(story, taken[0]))


def bounced_and_presented_again(story: Story, customer: Customer) -> None:
    taken = _cheque_of(story, customer, 30)
    if taken is not None:
        on(story, 22, lambda: _return(story, taken[0]))
        on(story, 20, lambda: _redeposit(story, taken[0]))


def no_answer(story: Story, customer: Customer) -> None:
    _cheque_of(story, customer, 19)


def _cheque_of(story: Story, customer: Customer, days_ago: int) -> list[Payment] | None:
    """A cheque whose bank does not answer by itself; None where cheques are unusual."""
    if story.house.unusual == Method.CHEQUE:
        return None
    taken: list[Payment] = []
    story.slow_banks.add(customer.pk)
    on(story, days_ago, lambda: taken.append(pay(story, customer, total(owed(story, customer)[:1]))))
    return taken


def _return(story: Story, payment: Payment) -> None:
    cheque = Cheque.objects.select_related("organization", "customer").get(payment=payment)
    with acting(story.staff.clerk, "demo"):
        request = ask_for_return(
            cheque=cheque, reason=ReturnReason.NSF, returned_on=story.day, note="Slip of the bank came by post",
            by=story.staff.clerk, now=story.now,
        )  # fmt: skip
    with acting(story.staff.supervisor, "demo", request.reason):
        approval = approve(story, request, story.staff.supervisor)
        return_with_receipt(cheque=cheque, approval=approval, by=story.staff.supervisor, now=story.now)


def _redeposit(story: Story, payment: Payment) -> None:
    cheque = Cheque.objects.select_related("organization").get(presentations__payment=payment)
    with acting(story.staff.clerk, "demo"):
        redeposit(cheque=cheque, now=story.now, by=story.staff.clerk)


def refund_asked(story: Story, customer: Customer) -> None:
    taken = _paid_too_much(story, customer, 12)
    on(story, 1, lambda: _ask_refund(story, taken[0], RefundReason.OVERPAID, "Paid the old amount by mistake"))


def refund_late(story: Story, customer: Customer) -> None:
    """Approved, and longer ago than was promised."""
    taken = _paid_too_much(story, customer, 25)
    on(story, 12, lambda: _approve(story, _ask_refund(story, taken[0], RefundReason.OVERPAID, "Paid twice the sum")))


def refund_paid(story: Story, customer: Customer) -> None:
    taken = _paid_too_much(story, customer, 24)

    def pay_back() -> None:
        refund = _approve(story, _ask_refund(story, taken[0], RefundReason.OVERPAID, "Standing order was not changed"))
        with acting(story.staff.clerk, "demo"):
            attempt = submit_refund(
                refund=refund, method=Method.BANK_TRANSFER, reference="OUT-1042", now=story.now,
                by=story.staff.clerk, bank_account=story.bank,
            )  # fmt: skip
            settle_attempt(
                attempt=attempt, outcome=AttemptState.SUCCEEDED, on=story.day, note="On the bank's list of today",
                now=story.now, by=story.staff.clerk,
            )  # fmt: skip
            refund.refresh_from_db()
            issue_refund_receipt(refund=refund, now=story.now, by=story.staff.clerk)

    on(story, 18, pay_back)


def _paid_too_much(story: Story, customer: Customer, days_ago: int) -> list[Payment]:
    taken: list[Payment] = []
    amount = Decimal("1.25")
    on(story, days_ago, lambda: taken.append(
        pay(story, customer, total(owed(story, customer)) * amount, Method.BANK_TRANSFER)
    ))  # fmt: skip
    return taken


def _ask_refund(story: Story, payment: Payment, cause: RefundReason, reason: str) -> Refund:
    item = payment.credit_item
    assert item is not None
    item.refresh_from_db()
    order = RefundOrder(
        customer_id=payment.customer_id, credit_item_id=item.pk, gross_amount=item.unapplied_amount, reason_code=cause,
        reason=reason, request_key=story.key(), payee_name=payment.payer_name, payee_account="000123456789",
    )  # fmt: skip
    with acting(story.staff.supervisor, "demo"):
        return request_refund(organization=story.organization, order=order, now=story.now, by=story.staff.supervisor)


def _approve(story: Story, refund: Refund) -> Refund:
    request = ApprovalRequest.objects.get(subject=f"refund:{refund.pk}", state="requested")
    with acting(story.staff.finance, "demo", request.reason):
        approval = approve(story, request, story.staff.finance)
        return approve_refund(refund=refund, approval=approval, by=story.staff.finance, now=story.now)


def contested(story: Story, customer: Customer) -> None:
    """A file with its contacts, the deadline near."""

    def doubt() -> None:
        invoice = owed(story, customer, 2)[0]
        order = DisputeOrder(
            amount=invoice.open_amount, reason_code=DisputeReason.NOT_AS_AGREED, invoice_id=invoice.pk,
            description="Says two of the four dates were cancelled by us", request_key=story.key(),
            opened_on=story.day,
        )  # fmt: skip
        with acting(story.staff.supervisor, "demo"):
            dispute = open_dispute(
                organization=story.organization, order=order, now=story.now, by=story.staff.supervisor
            )
            add_contact(
                dispute=dispute, channel="phone", text="Called back; will send the dates by e-mail", now=story.now,
                by=story.staff.supervisor,
            )  # fmt: skip
            add_follow_up(
                dispute=dispute, text="Ask again for the dates", due_on=story.day + timedelta(days=8), now=story.now,
                by=story.staff.supervisor,
            )  # fmt: skip

    on(story, 9, doubt)


def charged_back(story: Story, customer: Customer) -> None:
    """A cardholder's bank holds a payment."""
    taken: list[Payment] = []

    def hold() -> None:
        payment = taken[0]
        order = DisputeOrder(
            amount=payment.amount, reason_code=DisputeReason.UNKNOWN_CHARGE, payment_id=payment.pk,
            description="Cardholder does not recognise the charge", request_key=story.key(),
            processor_reference="CB-2211", opened_on=story.day, deadline_on=story.day + timedelta(days=14),
        )  # fmt: skip
        with acting(story.staff.supervisor, "demo"):
            dispute = open_dispute(
                organization=story.organization, order=order, now=story.now, by=story.staff.supervisor
            )
            add_note(
                dispute=dispute, text="Receipt and contract are in the file", now=story.now, by=story.staff.supervisor
            )

    if story.house.unusual != Method.CARD:
        on(story, 20, lambda: taken.append(pay(story, customer, total(owed(story, customer)[:1]), Method.CARD)))
        on(story, 4, hold)


def moved(story: Story, customer: Customer) -> None:
    """Paid for the neighbour: moved with consent."""
    taken = _paid_too_much(story, customer, 14)

    def move() -> None:
        item, other = taken[0].credit_item, story.customers[story.places[customer.pk] + 1]
        assert item is not None
        item.refresh_from_db()
        order = MoveOrder(
            to_customer_id=other.pk, amount=item.unapplied_amount, consent="Both confirmed by e-mail", strategy="fifo"
        )
        with acting(story.staff.clerk, "demo"):
            request = ask_to_move(
                credit_item=item, order=order, reason="The payer meant the other account", by=story.staff.clerk,
                now=story.now,
            )  # fmt: skip
        with acting(story.staff.manager, "demo", request.reason):
            approve(story, request, story.staff.manager)
            carry_out_move(request=request, credit_item=item, by=story.staff.manager, now=story.now)

    on(story, 11, move)


EPISODES = (
    year_of_cheques, cheques_for_an_invoice, bounced, bounced_and_presented_again, no_answer, refund_asked,
    refund_late, refund_paid, contested, charged_back, moved,
)  # fmt: skip
