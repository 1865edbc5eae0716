"""The counter's daily round: cheques mature, slips go to the bank, the bank answers, drawers open and close."""

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.money import ZERO
from billing.office.acting import acting
from payments.models import CashPoint, Cheque, Deposit, DrawerSession
from payments.models.cash import CashPointKind, MovementKind, SessionState
from payments.models.cheque import ChequeState, PresentationResult
from payments.models.deposit import DepositState
from payments.models.payment import PaymentState
from payments.selectors.cash import drawer_expected, safe_balance
from payments.services.cash_moving import move_cash
from payments.services.cash_points import create_cash_point
from payments.services.clearing import clear_cheques
from payments.services.denominations import faces
from payments.services.deposits import prepare_deposit, record_deposited
from payments.services.drawers import close_drawer, open_drawer
from receipts.services.maturing import mature_cheques

if TYPE_CHECKING:
    from config.demo.story import Story

BANK_DAYS = (1, 4)  # Tuesday, Friday
ANSWER_AFTER = 3  # days
DRAWER_DAYS = 8  # the last days have drawers
POINTS = {
    CashPointKind.DRAWER: ("Counter 1", "櫃檯 1"),
    CashPointKind.DRIVER: ("Driver's bag", "司機收款袋"),
    CashPointKind.DROP_BOX: ("Drop box", "投遞箱"),
}  # fmt: skip


def counted(amount: Decimal, currency: str) -> tuple[tuple[Decimal, int], ...]:
    """The fewest notes and coins that make an amount."""
    found = []
    for face in (Decimal(text) for text in faces(currency)):
        pieces = int(amount // face)
        if pieces:
            found.append((face, pieces))
            amount -= face * pieces
    return tuple(found)


def open_day(story: "Story") -> None:
    """Before the first customer: cheques whose day has come, and on the last days a drawer."""
    with acting(None, "demo"):
        mature_cheques(as_of=story.day, now=story.now, organization=story.organization)
    if story.last_day - story.day <= timedelta(days=DRAWER_DAYS) and story.day.weekday() != 6:
        _open_drawer(story)


def close_day(story: "Story") -> None:
    """After the last customer: the drawer is counted, slips go to the bank, the bank answers older ones."""
    if story.day != story.last_day:
        _close_drawer(story)
    with acting(story.staff.clerk, "demo"):
        if story.day.weekday() in BANK_DAYS and story.last_day - story.day > timedelta(days=2):
            _go_to_bank(story)
        _hear_from_bank(story)


def _open_drawer(story: "Story") -> None:
    house, organization, clerk = story.house, story.organization, story.staff.clerk
    with acting(story.staff.supervisor, "demo"):
        if not CashPoint.objects.filter(organization=organization).exists():
            for kind, names in POINTS.items():
                create_cash_point(organization=organization, name=names[house.country == "TW"], kind=kind)
    point = CashPoint.objects.get(organization=organization, kind=CashPointKind.DRAWER)
    float_amount = Decimal(house.step * 40)
    with acting(clerk, "demo"):
        if safe_balance(organization, house.currency) < float_amount:
            move_cash(
                organization=organization, session=None, kind=MovementKind.FROM_BANK, amount=float_amount * 4,
                currency=house.currency, reason="Change for the week", request_key=story.key(), now=story.at(8),
                by=clerk, bank_account=story.bank,
            )  # fmt: skip
        open_drawer(
            cash_point=point, currency=house.currency, denominations=counted(float_amount, house.currency),
            now=story.at(8), by=clerk,
        )  # fmt: skip


def drawer_of(story: "Story") -> DrawerSession | None:
    """The counter drawer that is open today."""
    return DrawerSession.objects.filter(organization=story.organization, state=SessionState.OPEN).first()


def _close_drawer(story: "Story") -> None:
    """Counted to the cent, but one coin short now and then."""
    session = drawer_of(story)
    if session is None:
        return
    there = drawer_expected(session)
    coin = Decimal(faces(story.house.currency)[-1])
    if story.day.day % 3 == 0 and there > coin:
        there -= coin
    with acting(story.staff.clerk, "demo"):
        close_drawer(
            session=session, denominations=counted(there, story.house.currency) or ((coin, 0),), reason="",
            now=story.now, by=story.staff.clerk,
        )  # fmt: skip


def _go_to_bank(story: "Story") -> None:
    """All cheques in hand and the larger notes go onto one slip."""
    house, organization = story.house, story.organization
    cheques = Cheque.objects.filter(
        organization=organization, state=ChequeState.DUE, payment__state=PaymentState.PROCESSED,
        payment__presentation__deposit__isnull=True, currency=house.currency,
    )  # fmt: skip
    keys = list(cheques.values_list("pk", flat=True))
    note = Decimal(faces(house.currency)[0])
    cash = safe_balance(organization, house.currency) // note * note
    if not keys and not cash:
        return
    clerk = story.staff.clerk
    deposit = prepare_deposit(
        organization=organization, bank_account=story.bank, cheque_ids=keys, cash_amount=max(cash, ZERO),
        denominations=counted(cash, house.currency), note="", request_key=story.key(), now=story.now, by=clerk,
    )  # fmt: skip
    record_deposited(
        deposit=deposit, deposited_on=story.day, slip_reference=f"S{story.day:%m%d}", now=story.now, by=clerk
    )


def _hear_from_bank(story: "Story") -> None:
    old = Deposit.objects.filter(
        organization=story.organization, state=DepositState.DEPOSITED,
        deposited_on__lte=story.day - timedelta(days=ANSWER_AFTER),
    )  # fmt: skip
    waiting = Cheque.objects.filter(
        state=ChequeState.DEPOSITED, payment__presentation__deposit__in=old,
        payment__presentation__result=PresentationResult.WAITING,
    ).exclude(customer__in=story.slow_banks)  # fmt: skip
    keys = list(waiting.values_list("pk", flat=True))
    if keys:
        clear_cheques(
            organization=story.organization, cheque_ids=keys, cleared_on=story.day, now=story.now, by=story.staff.clerk
        )
