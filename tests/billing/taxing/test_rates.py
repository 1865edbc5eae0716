"""R39, R86: which rate holds where and when, and what a price comes to, with the arithmetic written out."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.models import BillingProfile, Customer, TaxCode, TaxRate
from billing.models.tax import ABROAD, TaxKind
from billing.office.models import Organization
from billing.rules.explaining import sentences
from billing.rules.priced import Tax, price_line, split_line
from billing.rules.tax_parts import TaxedLine, TaxPart, part_amounts, read_parts, summarize, write_parts
from billing.selectors.taxes import tax_book
from tests.builders import NOW, customer, organization
from tests.taxes import profile, rate, tax_code

GST = (TaxPart("CGST", D("0.09")), TaxPart("SGST", D("0.09")))


class TestPriceLine:
    @pytest.mark.parametrize(
        ("price", "currency", "tax", "net", "taxed"),
        [
            ("118.00", "INR", Tax(D("0.18"), inclusive=True), "100.00", "18.00"),  # 118 / 1.18 = 100
            ("100.00", "INR", Tax(D("0.18")), "100.00", "18.00"),  # 100 × 0.18
            ("100", "TWD", Tax(D("0.05"), inclusive=True), "95.00", "5.00"),  # 100 / 1.05 = 95.24 → 95, rest 5
            ("100", "TWD", Tax(D("0.05")), "100.00", "5.00"),
            ("19.99", "USD", Tax(D("0.08875")), "19.99", "1.77"),  # 19.99 × 0.08875 = 1.774…
            ("0.10", "USD", Tax(D("0.05")), "0.10", "0.01"),  # 0.005, half up
            ("100.00", "USD", Tax(D("0.18"), inclusive=True, exempt_because="charity"), "84.75", "0.00"),  # / 1.18
            ("118.00", "INR", Tax(D("0.18"), inclusive=True, exempt_because="charity"), "100.00", "0.00"),
            ("100.00", "INR", Tax(D("0.18"), exempt_because="charity"), "100.00", "0.00"),
            ("100.00", "INR", Tax(), "100.00", "0.00"),
        ],
    )
    def test_R86_a_price_with_or_without_the_tax_in_it(self, price, currency, tax, net, taxed) -> None:
        line = price_line("Lessons", D(price), currency, tax)
        assert (line.net, line.tax) == (D(net), D(taxed))
        assert line.tax_rate == (0 if tax.exempt_because else tax.rate)

    def test_R86_the_line_says_how_it_was_taxed(self) -> None:
        def said(tax: Tax) -> list[str]:
            return sentences(price_line("Lessons", D("118.00"), "USD", tax).steps, "USD")

        assert said(Tax(D("0.18"), name="GST")) == ["GST 18 %: US$21.24."]
        assert said(Tax(D("0.18"), name="GST", parts=GST)) == ["GST 18 % (CGST 9 % + SGST 9 %): US$21.24."]
        assert said(Tax(D("0.18"), True, name="GST")) == ["The price contains US$18.00 GST (18 %)."]
        assert said(Tax(D("0.18"), True, name="GST", parts=GST)) == [
            "The price contains US$18.00 GST (18 %: CGST 9 % + SGST 9 %)."
        ]
        assert said(Tax(D("0.18"), name="GST", exempt_because="charity")) == ["No GST: charity."]
        assert said(Tax(D("0.18"), True, name="GST", exempt_because="charity")) == [
            "US$18.00 GST (18 %) are taken out of the price: charity."
        ]
        assert said(Tax(code=3, name="Books")) == []


class TestParts:
    @pytest.mark.parametrize(
        ("tax", "rates", "currency", "amounts"),
        [
            ("18.00", ("0.09", "0.09"), "INR", ("9.00", "9.00")),
            ("18.01", ("0.09", "0.09"), "INR", ("9.01", "9.00")),  # of equal remainders the first
            ("0.89", ("0.05", "0.03875"), "USD", ("0.50", "0.39")),  # 0.5014…, 0.3885…: the larger remainder
            ("8.88", ("0.04", "0.045", "0.00375"), "USD", ("4.00", "4.50", "0.38")),
            ("5", ("0.02", "0.03"), "TWD", ("2.00", "3.00")),
            ("-18.01", ("0.09", "0.09"), "INR", ("-9.01", "-9.00")),
            ("0.00", ("0.09", "0.09"), "INR", ("0.00", "0.00")),
        ],
    )
    def test_R86_the_parts_make_the_tax(self, tax, rates, currency, amounts) -> None:
        parts = [TaxPart(f"P{place}", D(one)) for place, one in enumerate(rates)]
        assert [amount for _part, amount in part_amounts(D(tax), parts, currency)] == [D(one) for one in amounts]

    part = st.builds(
        TaxPart,
        st.from_regex(r"[A-Za-z][A-Za-z0-9 .&/-]{0,10}[A-Za-z0-9]", fullmatch=True),
        st.integers(1, 300_000).map(lambda millionths: D(millionths) / 1_000_000),
    )

    @given(st.lists(part, max_size=5), st.integers(-(10**11), 10**11), st.sampled_from(["USD", "TWD"]))
    def test_22_parts_add_up_whatever_they_are(self, parts, units, currency) -> None:
        tax = D(units) / 100 if currency == "USD" else D(units)
        found = part_amounts(tax, parts, currency)
        assert not parts or sum(amount for _part, amount in found) == tax
        assert read_parts(write_parts(parts)) == tuple(parts)


class TestSummary:
    taxes = st.sampled_from(
        [
            Tax(D("0.18"), False, 1, "GST", GST), Tax(D("0.18"), True, 1, "GST", GST), Tax(D("0.05"), False, 2, "VAT"),
            Tax(D("0.18"), True, 1, "GST", GST, "charity"), Tax(code=3, name="Books"), Tax(),
            Tax(D("0.08875"), False, 4, "Sales tax", (TaxPart("State", D("0.04")), TaxPart("City", D("0.04875")))),
        ]
    )  # fmt: skip

    @given(
        st.lists(st.tuples(st.integers(-100_000, 10_000_000), taxes), min_size=1, max_size=20),
        st.sampled_from(["USD", "INR", "TWD"]),
        st.lists(st.integers(1, 9), min_size=1, max_size=3),
    )
    def test_R86_it_adds_up_for_any_lines_also_where_payers_share_them(self, priced, currency, weights) -> None:
        whole = [price_line("Line", D(cents) / 100, currency, tax) for cents, tax in priced]
        shares = [split_line(line, [D(weight) for weight in weights], currency) for line in whole]
        for lines in (whole, *map(list, zip(*shares, strict=True))):
            taxed = [
                TaxedLine(one.net, one.tax, one.tax_rate, one.tax_code, "", [s.to_json() for s in one.steps])
                for one in lines
            ]
            rows = summarize(taxed, currency)
            assert sum(row.net for row in rows) == sum(line.net for line in lines)
            assert sum(row.tax for row in rows) == sum(line.tax for line in lines)
            assert all(not row.parts or sum(amount for _p, amount in row.parts) == row.tax for row in rows)

    def test_R86_alike_lines_stand_together_with_their_parts(self) -> None:
        taxes = [Tax(D("0.18"), False, 1, "GST", GST)] * 2 + [Tax(code=3, name="Books"), Tax()]
        lines = [price_line("L", D("50.01"), "INR", tax) for tax in taxes]
        taxed = [TaxedLine(x.net, x.tax, x.tax_rate, x.tax_code, None, [s.to_json() for s in x.steps]) for x in lines]
        rows = summarize(taxed, "INR")
        # 50.01 × 0.18 = 9.0018 → 9.00, twice: 18.00 of 100.02
        assert [(row.code, row.net, row.tax) for row in rows] == [
            (1, D("100.02"), D("18.00")), (3, D("50.01"), D(0)), (None, D("50.01"), D(0)),
        ]  # fmt: skip
        assert [(part.name, amount) for part, amount in rows[0].parts] == [("CGST", D("9.00")), ("SGST", D("9.00"))]


@pytest.mark.django_db
class TestBook:
    @pytest.fixture
    def school(self) -> Organization:
        return organization(currency="INR")

    def _rate(self, payer: Customer, code: TaxCode, on: date) -> D:
        return tax_book(payer.organization, [payer.pk]).tax(code.pk, payer.pk, on).rate

    def test_R86_a_rate_holds_from_its_first_day_on(self, school) -> None:
        code, ada = tax_code(school), customer(school)
        rate(code, "0.12", date(2020, 1, 1))
        rate(code, "0.18", date(2026, 4, 1))
        days = (date(2019, 12, 31), date(2020, 1, 1), date(2026, 3, 31), date(2026, 4, 1), date(2030, 1, 1))
        assert [self._rate(ada, code, day) for day in days] == [0, D("0.12"), D("0.12"), D("0.18"), D("0.18")]

    def test_R86_of_one_day_the_rate_added_last_holds(self, school) -> None:
        code, ada = tax_code(school), customer(school)
        rate(code, "0.12", date(2026, 4, 1))
        rate(code, "0.18", date(2026, 4, 1))
        assert self._rate(ada, code, date(2026, 4, 1)) == D("0.18")

    def test_R39_the_place_goes_before_everywhere(self, school) -> None:
        code = tax_code(school)
        rate(code, "0.18", date(2020, 1, 1), parts=[("IGST", "0.18")])
        rate(code, "0.18", date(2020, 1, 1), place="KA", parts=[("CGST", "0.09"), ("SGST", "0.09")])
        rate(code, "0", date(2020, 1, 1), place=ABROAD)
        here, there, abroad, unknown = (customer(school) for _ in range(4))
        profile(here, region="KA")
        profile(there, region="MH")
        profile(abroad, country="US", region="NY", postal_code="10001")
        payers = (here, there, abroad, unknown)
        book = tax_book(school, [payer.pk for payer in payers])
        names = [[part.name for part in book.tax(code.pk, payer.pk, date(2026, 1, 1)).parts] for payer in payers]
        assert names == [["CGST", "SGST"], ["IGST"], [], ["IGST"]]

    def test_R39_a_region_abroad_is_not_the_one_of_the_same_letters_at_home(self, school) -> None:
        """AR is Arunachal Pradesh in India and Arkansas in the United States."""
        code, payer = tax_code(school), customer(school)
        rate(code, "0.05", date(2020, 1, 1), place="AR")
        profile(payer, country="US", region="AR", postal_code="72201")
        assert self._rate(payer, code, date(2026, 1, 1)) == 0

    def test_R86_an_exempt_code_and_an_exempt_customer_pay_none(self, school) -> None:
        books, lessons = tax_code(school, kind=TaxKind.EXEMPT), tax_code(school, inclusive=True)
        payer = customer(school)
        rate(lessons, "0.18", date(2020, 1, 1))
        profile(payer, is_exempt=True, exempt_reason="charity")
        book = tax_book(school, [payer.pk])
        on = date(2026, 1, 1)
        assert price_line("x", D("118.00"), "INR", book.tax(books.pk, payer.pk, on)).net == D("118.00")
        line = price_line("x", D("118.00"), "INR", book.tax(lessons.pk, payer.pk, on))
        assert (line.net, line.tax, line.tax_code) == (D("100.00"), 0, lessons.pk)
        assert book.tax(None, payer.pk, on) == Tax()

    def test_three_queries_serve_any_number(self, school, django_assert_num_queries) -> None:
        code = tax_code(school)
        rate(code, "0.18", date(2020, 1, 1))
        with django_assert_num_queries(3):
            book = tax_book(school, range(1, 500))
            for key in range(1, 500):
                book.tax(code.pk, key, date(2026, 1, 1))

    def test_45_another_school_has_its_own(self, school) -> None:
        other = organization()
        code, eve = tax_code(other), customer(other)
        rate(code, "0.18", date(2020, 1, 1))
        assert tax_book(school, [eve.pk]).tax(code.pk, eve.pk, NOW.date()) == Tax()
        assert TaxRate.objects.count() == 1 and BillingProfile.objects.count() == 0
