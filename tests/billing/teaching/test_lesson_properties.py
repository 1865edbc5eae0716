"""What holds of every lesson whatever its price and the settings: properties over drawn cases (§2 row 30)."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import permutations
from random import Random

from billing.money import EXPONENTS, fits, quantum
from billing.rules.lesson_price import Held, LessonPolicy, MatrixRow, Tariff, multiply
from billing.rules.lesson_settling import Funding, MakeUp, Package, PaidBy, Purse, Settlement, settle
from billing.rules.priced import NO_TAX, Tax

DAY = date(2026, 3, 12)
CURRENCIES = ("USD", "TWD", "INR")
CASES = 600


def share(draw: Random) -> Decimal:
    """0 to 120 percent with two decimals, often a round one."""
    return Decimal(draw.choice((0, 25, 50, 80, 90, 100)) if draw.random() < 0.5 else draw.randint(0, 12000) / Decimal(
        100
    )) / 100  # fmt: skip


def amount(draw: Random, currency: str) -> Decimal:
    return Decimal(draw.randint(1, 500_00)) * quantum(currency)


def policy(draw: Random, currency: str) -> LessonPolicy:
    return LessonPolicy(
        no_show=share(draw), late_cancel=draw.choice((None, share(draw))), cancel_credit=share(draw),
        teacher_cancel_credit=share(draw), credit_kind=draw.choice(("money", "make_up", "timed")),
        group_discount=min(share(draw), Decimal(1)), seasons=draw.choice(((), ((DAY, DAY, share(draw)),))),
        fee=draw.choice((Decimal(0), amount(draw, currency))),
    )  # fmt: skip


def purse(draw: Random) -> Purse:
    credits = [
        MakeUp(key, draw.choice(("make_up", "timed")), Decimal(draw.randint(0, 40)), draw.choice((30, 45)), None)
        for key in range(draw.randint(0, 3))
    ]
    size = draw.randint(1, 10)
    package = Package(size, draw.randint(0, size), draw.choice((None, DAY, date(2026, 3, 11))))
    return Purse(draw.choice(list(Funding)), package, credits)


def draw_case(draw: Random) -> tuple[Settlement, Held, Tariff, LessonPolicy, Purse, str, Tax]:
    currency = draw.choice(CURRENCIES)
    held = Held(draw.choice(list(MatrixRow)), DAY, draw.choice((30, 45, 60)), draw.random() < 0.5, Decimal(3))
    paid = purse(draw)
    of = {Funding.SINGLY: "lesson", Funding.PACKAGE: "package", Funding.PERIOD: "period"}[paid.funding]
    lessons = 1 if of == "lesson" else draw.randint(1, 13)
    tariff = Tariff(amount(draw, currency), lessons, of, loyalty=min(share(draw), Decimal(1)))
    chosen = policy(draw, currency)
    tax = draw.choice((NO_TAX, Tax(Decimal("0.18"), inclusive=True), Tax(Decimal("0.08875"))))
    made = settle(held, tariff, paid, chosen, text="Lesson", currency=currency, tax=tax)
    return made, held, tariff, chosen, paid, currency, tax


def exact(held: Held, tariff: Tariff, chosen: LessonPolicy, covered: int) -> Fraction:
    """base × attendance × season × group × loyalty + fee − credits, as a fraction: nothing is rounded."""
    factors = [chosen.charged(held.row), tariff.loyalty]
    if tariff.of == "lesson":
        factors += [chosen.season(held.day), 1 - chosen.group_discount if held.is_group else Decimal(1)]
    price = Fraction(tariff.price) / tariff.lessons
    for factor in factors:
        price *= Fraction(factor)
    fee = Fraction(chosen.fee) if price else Fraction(0)
    return price + fee - price * covered / held.minutes


def test_row_30_never_below_zero_one_rounding_whole_units() -> None:
    draw, charged = Random(30), 0
    for _case in range(CASES):
        made, held, tariff, chosen, _paid, currency, tax = draw_case(draw)
        assert made.amount >= 0
        assert fits(made.amount, currency)
        assert (made.line is not None) == (made.paid_by is PaidBy.CHARGE)
        assert (made.lessons == 1) == (made.paid_by is PaidBy.PACKAGE)
        if made.line is None:
            continue
        charged += 1
        covered = int(sum(quantity for _key, quantity in made.uses))
        wanted = exact(held, tariff, chosen, covered)
        quoted = made.line.total if tax.inclusive else made.line.net
        unit = Fraction(quantum(currency))
        assert abs(Fraction(quoted) - wanted) * 2 <= unit, "rounded more than once"
        half_up = Decimal((wanted / unit * 2 + 1) // 2) * quantum(currency)
        assert quoted == half_up.quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert charged > CASES / 6


def test_row_30_unused_credit_stays_and_no_more_is_used_than_there_is() -> None:
    draw = Random(31)
    for _case in range(CASES):
        made, held, _tariff, _chosen, paid, _currency, _tax = draw_case(draw)
        there = {one.key: one.left for one in paid.credits}
        for key, quantity in made.uses:
            assert 0 < quantity <= there[key]
        kinds = {one.key: one.kind for one in paid.credits}
        minutes = sum(quantity for key, quantity in made.uses if kinds[key] == "timed")
        assert minutes <= held.minutes


def test_R78_factors_multiply_in_any_order_to_the_same() -> None:
    draw = Random(78)
    for _case in range(60):
        price, parts = amount(draw, "USD"), draw.randint(1, 13)
        factors = [share(draw) for _factor in range(4)]
        products = {multiply(price, order, parts) for order in permutations(factors)}
        assert len(products) == 1
        # a factor may as well be part of the price: 40.00 × 0.9 × 0.5 is 36.00 × 0.5
        assert multiply(multiply(price, factors[:1]), factors[1:], parts) in products


def test_R81_what_comes_back_is_the_share_of_the_lesson_rounded_once() -> None:
    draw, given = Random(81), 0
    for _case in range(CASES):
        made, held, tariff, chosen, _paid, currency, tax = draw_case(draw)
        if made.back is None or made.back.line is None:
            continue
        wanted = Fraction(tariff.price) / tariff.lessons * Fraction(tariff.loyalty)
        wanted *= Fraction(chosen.given_back(held.row))
        given += 1
        quoted = made.back.line.total if tax.inclusive else made.back.line.net
        assert abs(Fraction(quoted) - wanted) * 2 <= Fraction(quantum(currency))
        assert made.back.quantity == made.back.line.total
        assert EXPONENTS[currency] == 2 or made.back.quantity == int(made.back.quantity)
    assert given > CASES / 30
