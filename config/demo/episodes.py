"""What a clerk meets besides the usual: the first customers of an organization each play one such story."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from billing.models import Allocation, CreditItem, Customer, Invoice, InvoiceKind
from billing.money import ZERO, round_money
from billing.office.acting import acting
from billing.office.approvals import decide
from billing.office.models import ApprovalRequest, User
from billing.services.allocating import allocate_credit, reallocate, unallocate
from billing.services.credit_control import set_hold
from billing.services.invoicing import issue_credit_memo, mark_disputed, void_invoice
from billing.services.locking import lock_customers
from billing.services.promising import record_promise
from config.demo.founding import wish_of_one_customer
from config.demo.story import Story
from payments.models import Method, Payment
from payments.services.voiding import ask_for_void
from receipts.models.receipt import Delivery
from receipts.services.counter import ReceiptWish, accept_pending
from receipts.services.voiding import void_with_receipt

PRINT = ReceiptWish(Delivery.PRINT)


def plan_episodes(story: Story, episodes: Iterable[Callable[[Story, Customer], None]]) -> None:
    """Put every episode on its day."""
    for place, episode in enumerate(episodes, 1):
        episode(story, story.customers[place])


def owed(story: Story, customer: Customer, at_least: int = 1) -> list[Invoice]:
    """The customer's open invoices, oldest first; billed now where there are too few."""
    while True:
        found = list(Invoice.objects.open().filter(customer=customer, is_disputed=False).order_by("issued_on", "id"))
        if len(found) >= at_least:
            return found
        with acting(story.staff.finance, "demo"):
            story.bill([story.invoice_order(customer)])


def total(invoices: list[Invoice]) -> Decimal:
    return sum((invoice.open_amount for invoice in invoices), ZERO)


def pay(
    story: Story, customer: Customer, amount: Decimal, method: str = Method.CHEQUE, wish: ReceiptWish = PRINT,
    **more: object,
) -> Payment:  # fmt: skip
    """A payment at the counter, today. A method that is unusual here gives way to a transfer, unless it is meant."""
    if method == story.house.unusual and not more.pop("unusual", False):
        method = Method.BANK_TRANSFER
    more.pop("unusual", None)
    amount = round_money(amount, story.house.currency)
    with acting(story.staff.clerk, "demo"):
        taken = story.take([(story.order(customer, amount, method, **more), wish)], story.staff.clerk)
    return taken[0].payment


def on(story: Story, days_ago: int, act: Callable[[], object]) -> None:
    story.episodes[story.last_day - timedelta(days=days_ago)].append(lambda _story: act())


def approve(story: Story, request: ApprovalRequest, by: User, *, yes: bool = True, reason: str = "") -> ApprovalRequest:
    return decide(request=request, approve=yes, shown_hash=request.shown_hash, by=by, now=story.now, reason=reason)


def dispute(story: Story, customer: Customer) -> None:
    def doubt() -> None:
        mark_disputed(invoice=owed(story, customer, 2)[0], is_disputed=True)

    on(story, 20, doubt)
    on(story, 15, lambda: pay(story, customer, total(owed(story, customer))))


def overpayment(story: Story, customer: Customer) -> None:
    on(story, 18, lambda: pay(story, customer, total(owed(story, customer)) * Decimal("1.5")))


def _memo(story: Story, customer: Customer, net: Decimal, tax: Decimal) -> CreditItem:
    return issue_credit_memo(
        organization=story.organization, customer_id=customer.pk, net=net, tax=tax, currency=story.house.currency,
        issued_on=story.day, reason="Goodwill after a late delivery", now=story.now, by=story.staff.supervisor,
    ).credit_item  # fmt: skip


def memo_kept(story: Story, customer: Customer) -> None:
    def give() -> None:
        net = round_money(owed(story, customer)[0].net_amount / 4, story.house.currency)
        _memo(story, customer, net, round_money(net * story.house.tax_rate, story.house.currency))

    on(story, 10, give)


def memo_applied(story: Story, customer: Customer) -> None:
    def give() -> None:
        due = owed(story, customer)[0]
        item = _memo(story, customer, due.net_amount, due.tax_amount)
        allocate_credit(
            credit_item=item, strategy="manual", by_hand=[(due.pk, due.open_amount)], now=story.now,
            by=story.staff.supervisor,
        )  # fmt: skip

    on(story, 12, give)


def _hold(story: Story, customer: Customer, reason: str, limit: Decimal | None = None) -> None:
    if limit is not None:
        Customer.objects.filter(pk=customer.pk).update(credit_limit=limit)
    locked = lock_customers(story.organization, [customer.pk])[customer.pk]
    with acting(story.staff.supervisor, "demo", reason):
        set_hold(customer=locked, reason=reason, now=story.now, by=story.staff.supervisor)


def hold_set(story: Story, customer: Customer) -> None:
    on(story, 15, lambda: _hold(story, customer, "Two reminders unanswered"))


def hold_released(story: Story, customer: Customer) -> None:
    on(story, 20, lambda: _hold(story, customer, "Overdue since last month"))
    on(story, 5, lambda: pay(story, customer, total(owed(story, customer)), Method.BANK_TRANSFER))


def hold_kept(story: Story, customer: Customer) -> None:
    on(story, 20, lambda: _hold(story, customer, "Far above the limit", Decimal(story.house.step)))
    on(story, 4, lambda: pay(story, customer, owed(story, customer, 2)[0].open_amount, Method.BANK_TRANSFER))


def lookalike(story: Story, customer: Customer) -> None:
    same: list[Decimal] = []
    on(story, 6, lambda: same.append(pay(story, customer, owed(story, customer, 2)[0].open_amount, Method.CASH).amount))
    on(story, 5, lambda: pay(
        story, customer, same[0], Method.CASH, lookalike_reason="Paid for the second contract as well; counted twice",
    ))  # fmt: skip


def _large(story: Story, customer: Customer) -> Payment:
    assert story.house.large is not None
    with acting(story.staff.finance, "demo"):
        order = story.invoice_order(customer, story.house.large, "Yearly contract")
        invoice = story.bill([order])[0]
    return pay(story, customer, invoice.open_amount, Method.BANK_TRANSFER, note="Announced by telephone")


def _request(payment: Payment, action: str) -> ApprovalRequest:
    return ApprovalRequest.objects.get(subject=f"payment:{payment.pk}", action=action, state="requested")


def large_waits(story: Story, customer: Customer) -> None:
    on(story, 1, lambda: _large(story, customer))


def large_verified(story: Story, customer: Customer) -> None:
    taken: list[Payment] = []

    def verify() -> None:
        with acting(story.staff.supervisor, "demo"):
            approve(story, _request(taken[0], "verify_large_payment"), story.staff.supervisor)
            accept_pending(payment=taken[0], now=story.now, by=story.staff.supervisor)

    on(story, 12, lambda: taken.append(_large(story, customer)))
    on(story, 11, verify)


def _unusual(story: Story, customer: Customer) -> Payment:
    return pay(
        story, customer, total(owed(story, customer)), story.house.unusual, unusual=True, note="No other way today"
    )


def unusual_waits(story: Story, customer: Customer) -> None:
    if story.house.unusual:
        on(story, 1, lambda: _unusual(story, customer))


def unusual_accepted(story: Story, customer: Customer) -> None:
    taken: list[Payment] = []

    def accept() -> None:
        with acting(story.staff.manager, "demo"):
            approve(story, _request(taken[0], "accept_unusual_method"), story.staff.manager)
            accept_pending(payment=taken[0], now=story.now, by=story.staff.manager)

    if story.house.unusual:
        on(story, 9, lambda: taken.append(_unusual(story, customer)))
        on(story, 8, accept)


def _ask_void(story: Story, payment: Payment, reason: str) -> ApprovalRequest:
    with acting(story.staff.clerk, "demo", reason):
        return ask_for_void(payment=payment, reason=reason, by=story.staff.clerk, now=story.now)


def _void(story: Story, payment: Payment) -> None:
    request = _ask_void(story, payment, "Entered for the wrong customer")
    with acting(story.staff.manager, "demo", request.reason):
        approval = approve(story, request, story.staff.manager)
        void_with_receipt(payment=payment, approval=approval, by=story.staff.manager, now=story.now)


def void_waits(story: Story, customer: Customer) -> None:
    """On a day whose cheques stay in hand until the end: one at the bank is returned, not voided."""
    taken: list[Payment] = []
    on(story, 2, lambda: taken.append(pay(story, customer, total(owed(story, customer)))))
    on(story, 0, lambda: _ask_void(story, taken[0], "Cheque was made out to somebody else"))


def voided(story: Story, customer: Customer) -> None:
    taken: list[Payment] = []
    on(story, 10, lambda: taken.append(pay(story, customer, total(owed(story, customer)), Method.BANK_TRANSFER)))
    on(story, 9, lambda: _void(story, taken[0]))


def void_rejected(story: Story, customer: Customer) -> None:
    taken: list[Payment] = []

    def reject() -> None:
        request = _ask_void(story, taken[0], "Customer says it was not them")
        with acting(story.staff.manager, "demo"):
            approve(story, request, story.staff.manager, yes=False, reason="The bank confirms the payer")

    on(story, 14, lambda: taken.append(pay(story, customer, total(owed(story, customer)), Method.BANK_TRANSFER)))
    on(story, 13, reject)


def provisional_cancelled(story: Story, customer: Customer) -> None:
    taken: list[Payment] = []
    on(story, 6, lambda: taken.append(_large(story, customer)))
    on(story, 5, lambda: _void(story, taken[0]))


def _standing(payment: Payment) -> list[Allocation]:
    rows = Allocation.objects.filter(credit_item=payment.credit_item_id, reverses=None, reversed_by=None)
    return list(rows.select_related("organization"))


def unallocated(story: Story, customer: Customer) -> None:
    taken: list[Payment] = []

    def take_back() -> None:
        with acting(story.staff.supervisor, "demo"):
            unallocate(
                allocations=_standing(taken[0]), now=story.now, by=story.staff.supervisor,
                reason="The customer wants it kept for the next order",
            )  # fmt: skip

    on(story, 9, lambda: taken.append(pay(story, customer, owed(story, customer)[0].open_amount)))
    on(story, 8, take_back)


def reallocated(story: Story, customer: Customer) -> None:
    taken: list[Payment] = []

    def move() -> None:
        newest = owed(story, customer)[-1]
        item = taken[0].credit_item
        assert item is not None
        with acting(story.staff.supervisor, "demo"):
            reallocate(
                credit_item=item, by_hand=[(newest.pk, min(newest.open_amount, item.amount))], now=story.now,
                by=story.staff.supervisor, reason="The payer named the newer invoice",
            )  # fmt: skip

    on(story, 8, lambda: taken.append(pay(story, customer, _newest_amount(story, customer))))
    on(story, 7, move)


def _newest_amount(story: Story, customer: Customer) -> Decimal:
    """Enough for the oldest and the newest alike, so that it can stand against either as a whole."""
    amounts: list[Decimal] = [invoice.open_amount for invoice in owed(story, customer, 2)]
    return max(amounts)


def _promise(story: Story, customer: Customer, in_days: int) -> None:
    with acting(story.staff.clerk, "demo"):
        record_promise(
            customer=customer, amount=total(owed(story, customer)), note="By telephone", now=story.now,
            promised_on=story.day + timedelta(days=in_days), by=story.staff.clerk,
        )  # fmt: skip


def promise_kept(story: Story, customer: Customer) -> None:
    on(story, 12, lambda: _promise(story, customer, 6))
    on(story, 7, lambda: pay(story, customer, total(owed(story, customer))))


def promise_broken(story: Story, customer: Customer) -> None:
    on(story, 12, lambda: _promise(story, customer, 7))


def promise_open(story: Story, customer: Customer) -> None:
    on(story, 2, lambda: _promise(story, customer, 7))


def invoice_voided(story: Story, customer: Customer) -> None:
    def void() -> None:
        with acting(story.staff.finance, "demo"):
            invoice = story.bill([story.invoice_order(customer)])[0]
            void_invoice(invoice=invoice, reason="Billed twice", now=story.now, by=story.staff.finance)

    on(story, 6, void)


def late_fee(story: Story, customer: Customer) -> None:
    def charge() -> None:
        order = story.invoice_order(customer, Decimal(story.house.step * 5), "Late fee")
        with acting(story.staff.finance, "demo"):
            story.bill([replace(order, kind=InvoiceKind.FEE, lines=order.lines[:1])])

    on(story, 10, charge)


def own_setting(story: Story, customer: Customer) -> None:
    on(story, 30, lambda: wish_of_one_customer(story.organization, customer, story.now))
    mail = ReceiptWish(Delivery.EMAIL, customer.email or "accounts@example.com")
    on(story, 0, lambda: pay(story, customer, total(owed(story, customer)), Method.BANK_TRANSFER, mail))


EPISODES = (
    dispute, overpayment, memo_kept, memo_applied, hold_set, hold_released, hold_kept, lookalike, large_waits,
    large_verified, unusual_waits, unusual_accepted, void_waits, voided, void_rejected, provisional_cancelled,
    unallocated, reallocated, promise_kept, promise_broken, promise_open, invoice_voided, late_fee,
    own_setting,
)  # fmt: skip
