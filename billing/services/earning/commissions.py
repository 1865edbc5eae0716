"""What premiums that were paid earn their agents, and what is taken back when the payment is (R90)."""

from collections.abc import Sequence
from datetime import datetime

from billing.models import Allocation, Earning
from billing.models.earning import EarningKind
from billing.models.party import ProviderKind
from billing.office.models import Organization
from billing.rules.compensation import Pay, Premium, agent_kind, commission, commission_share
from billing.rules.priced import step
from billing.selectors.earning_work import earned_by_allocations, premium_allocations, undone_commissions
from billing.selectors.provider_books import ProviderBooks
from billing.services.earning.booking import EarningOrder, book_earnings
from billing.transactions import transaction_required


@transaction_required
def accrue_commissions(
    *, organization: Organization, allocation_ids: Sequence[int], books: ProviderBooks, now: datetime
) -> list[Earning]:
    """Commission on money set against premiums, by the rates of when it was; taken back with the money.

    The caller holds lock_earnings. A cheque earns when it is set against the invoice and loses it again when it comes
    back, as do refunds, voids and moved money, which all undo the allocation first.
    """
    had = earned_by_allocations(allocation_ids)
    orders = [
        order
        for row in premium_allocations(allocation_ids)
        for order in _earned(row, books)
        if order.amount and order.source not in had
    ]
    orders += [_taken_back(undo, row) for undo, row in undone_commissions(allocation_ids)]
    return book_earnings(organization=organization, orders=orders, now=now)


def _earned(row: Allocation, books: ProviderBooks) -> list[EarningOrder]:
    """Of the agent, and of the agent above."""
    agreement = row.invoice.agreement
    assert agreement is not None and agreement.provider is not None
    agent = agreement.provider
    premium = Premium(
        paid=row.amount, net=row.invoice.net_amount, total=row.invoice.invoiced_amount, currency=row.currency,
        period_start=row.invoice.period_start or row.invoice.issued_on, policy_start=agreement.starts_on,
    )  # fmt: skip
    kind = agent_kind(premium)
    share = commission_share(kind, books.at(agent.pk, row.made_at))
    made = [_order(row, premium, agent.pk, kind, commission(kind, premium, share))]
    if agent.manager_id is not None:
        above = commission_share("override", books.at(agent.manager_id, row.made_at))
        pay = commission("override", premium, above, agent.name)
        made.append(_order(row, premium, agent.manager_id, "override", pay))
    return made


def _order(row: Allocation, premium: Premium, provider_id: int, kind: str, pay: Pay) -> EarningOrder:
    number = row.invoice.number
    paid = step("commission_paid", paid_amount=row.amount, number=number, net_amount=premium.without_tax)
    return EarningOrder(
        provider_id=provider_id, pays=ProviderKind.AGENT, kind=EarningKind(kind), amount=pay.amount, memo=number,
        source=f"allocation:{row.pk}:{kind}", on=row.allocated_on, currency=row.currency,
        agreement_id=row.invoice.agreement_id, allocation_id=row.pk, steps=[paid, *pay.steps],
    )  # fmt: skip


def _taken_back(undo: Allocation, row: Earning) -> EarningOrder:
    number = undo.invoice.number
    return EarningOrder(
        provider_id=row.provider_id, pays=ProviderKind.AGENT, kind=EarningKind.CLAWBACK, amount=-row.amount,
        memo=number, source=f"allocation:{undo.pk}:{row.kind}", on=undo.allocated_on, currency=row.currency,
        agreement_id=row.agreement_id, allocation_id=undo.pk, reverses_id=row.pk,
        steps=[step("commission_back", number=number, change_amount=row.amount)],
    )  # fmt: skip
