"""Payers' names as banks cut, fold and misspell them (bank.md §6 step 5)."""

import pytest

from reconciliation.rules.matching.facts import CustomerFacts
from reconciliation.rules.matching.names import NameClass, NameIndex
from reconciliation.rules.matching.romanising import romanised_key
from tests.reconciliation.matching.cast import customer

NORD, NORDIC, MUELLER, HUNG, TAI, ANNA = 1, 2, 3, 4, 5, 6
CUSTOMERS = (
    customer(NORD, "Nord Foods GmbH", tax_id="12345678"),
    customer(NORDIC, "Nord Logistics Ltd"),
    customer(MUELLER, "Müller Ångström Trading Limited"),
    customer(HUNG, "鴻永科技股份有限公司", latin_name="Hung Yung Technology Co., Ltd."),
    customer(TAI, "台信食品商行", latin_name="Tai Hsin Foods Trading House"),
    customer(ANNA, "Anna Becker"),
)
INDEX = NameIndex(CUSTOMERS)


@pytest.mark.parametrize(
    ("shown", "who", "how"),
    [
        ("Nord Foods GmbH", NORD, NameClass.EXACT), ("NORD  FOODS GMBH", NORD, NameClass.EXACT),
        ("Nord Foods", NORD, NameClass.CORE), ("Nord Foods GmbH 12345678", NORD, NameClass.CUT),
        ("Nord Foods GmbH 123", NORD, NameClass.CUT), ("Nord Log. Ltd", NORDIC, NameClass.ABBREVIATED),
        ("Mueller Angstroem Trading Ltd", MUELLER, NameClass.EXACT),
        ("MULLER ANGSTROM TRADING LIMITED", MUELLER, NameClass.EXACT),
        ("Müller Ångström Trdg Ltd", MUELLER, NameClass.ABBREVIATED),
        ("Mueller Angstroem Tradi", MUELLER, NameClass.CUT),
        ("Mülelr Ångström Trading Limited", MUELLER, NameClass.SWAPPED),
        ("鴻永科技(股)公司", HUNG, NameClass.EXACT), ("鴻永科技", HUNG, NameClass.CORE),
        ("永鴻科技股份有限公司", HUNG, NameClass.SWAPPED), ("HUNG YUNG TECHNOLOGY CO., LTD.", HUNG, NameClass.EXACT),
        ("HONG YONG TECHNOLOGY CO., LTD.", HUNG, NameClass.ROMANISED),
        ("Hung Yung Technology Co., L", HUNG, NameClass.CUT),
        ("臺信食品商行", TAI, NameClass.EXACT), ("TAI XIN FOODS TRADING HOUSE", TAI, NameClass.ROMANISED),
        ("ANNA BECKER", ANNA, NameClass.EXACT), ("Nord Foods Ltd", NORD, NameClass.OTHER_FORM),
    ],
)  # fmt: skip
def test_a_name_is_found_as_banks_write_it(shown: str, who: int, how: NameClass) -> None:
    finding = INDEX.find(shown)
    assert (finding.customer_id, finding.how) == (who, how)


@pytest.mark.parametrize("shown", ["", "CASH DEPOSIT", "Peter Schmidt", "新光科技股份有限公司", "Nord", "王＊明"])
def test_another_name_is_nobodys(shown: str) -> None:
    assert INDEX.find(shown).customer_id is None


def test_one_chinese_character_makes_another_company() -> None:
    """鴻新科技 is not a slip of 鴻永科技, however alike the whole names are."""
    assert INDEX.find("鴻新科技股份有限公司").is_strong is False


def test_two_customers_of_one_name_are_for_a_person() -> None:
    index = NameIndex([customer(1, "Anna Becker"), customer(2, "ANNA BECKER")])
    finding = index.find("Anna Becker")
    assert (finding.customer_id, finding.others) == (None, (1, 2))


def test_a_name_without_its_legal_form_that_two_share_is_nobodys() -> None:
    index = NameIndex([customer(1, "Nord Foods GmbH"), customer(2, "Nord Foods Ltd")])
    assert index.find("Nord Foods").customer_id is None
    assert index.find("Nord Foods GmbH").customer_id == 1


def test_a_learned_name_is_found_unless_a_customer_is_called_so_too() -> None:
    index = NameIndex(CUSTOMERS)
    index.learn("Maria Rossi", NORD)
    assert index.find("MARIA ROSSI").customer_id == NORD
    index.learn("Anna Becker", NORD)
    assert index.find("Anna Becker").customer_id is None
    index.forget("Maria Rossi", NORD)
    assert index.find("Maria Rossi").customer_id is None


@pytest.mark.parametrize(
    ("who", "shown", "agrees"),
    [
        (NORD, "NORD FODS GMBH", True), (NORD, "Nord Foods", True), (NORD, "Peter Schmidt", False),
        (NORD, "Nord Logistics Ltd", False), (HUNG, "Hung Yung Tech", True), (HUNG, "新光科技股份有限公司", False),
        (TAI, "Tai Hsin Foods", True),
    ],
)  # fmt: skip
def test_a_name_bears_out_a_reference_or_does_not(who: int, shown: str, agrees: bool) -> None:
    assert INDEX.is_compatible(who, shown) is agrees


@pytest.mark.parametrize(
    ("wade_giles", "pinyin"),
    [
        ("HSIN YUNG", "XIN YONG"), ("KUO FENG", "GUO FENG"), ("TA CHIN", "DA JIN"), ("CHIA JUI", "JIA RUI"),
        ("CHIH CHIEN", "ZHI JIAN"), ("TE HO", "DE HE"), ("TSAI I CHUN", "CAI YI JUN"), ("LIEN TUNG", "LIAN DONG"),
        ("KUANG HUNG", "GUANG HONG"), ("HSU LEE", "XU LI"), ("PAI TSUNG", "BAI ZONG"),
    ],
)  # fmt: skip
def test_both_romanisations_have_one_key(wade_giles: str, pinyin: str) -> None:
    assert romanised_key(wade_giles.split()) == romanised_key(pinyin.split())


def test_other_syllables_have_other_keys() -> None:
    words = ("TA", "TAI", "CHI", "HSIN", "HSIANG", "CHIN", "FENG", "FU")
    assert len({romanised_key([word]) for word in words}) == len(words)


def test_a_customer_may_have_no_latin_name() -> None:
    index = NameIndex([CustomerFacts(9, "C9", "金順食品有限公司")])
    assert index.find("金順食品").customer_id == 9
