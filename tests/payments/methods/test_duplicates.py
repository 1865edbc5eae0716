"""The same card or account twice: in one account, a family, another family, another school (R28-R31; §2 row 20)."""

import pytest

from billing.models import Household
from billing.office.models import Notice
from payments.models import PaymentMethod
from payments.services.methods.duplicates import number_hash
from tests import builders
from tests.conftest import RunInThreads
from tests.console_desk import plain
from tests.payments.gateways.precisepay.desk import AMEX, Desk
from tests.payments.methods import cast
from tests.payments.methods.cast import Family

pytestmark = pytest.mark.django_db(transaction=True)


def test_R28_the_same_card_again_is_refused_and_the_one_that_is_there_named(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    text = plain(ada.add(at.card()))
    assert "It was not added" in text and "It is stored already." in text and "See Visa •••1111" in text
    assert ada.methods() == [("active", "", 1), ("removed", "duplicate", 0)]
    assert len(at.nmi.vaults) == 1, "the second record was deleted at the processor"


def test_R28_a_new_date_of_the_same_card_takes_the_place_of_the_old(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    ada.add(at.card(AMEX))
    ada.add(at.card(expires="1131"))
    assert ada.methods() == [("removed", "replaced", 0), ("active", "", 2), ("active", "", 1)]
    assert (ada.method().exp_month, ada.method().exp_year) == (11, 2031)


def test_R28_edit_means_another_card_in_its_place(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    first = ada.method()
    assert "Replace Visa •••1111" in ada.get(f"methods/add/{ada.customer.pk}/card/?replaces={first.pk}")
    ada.add(at.card(AMEX), replaces=str(first.pk))
    assert ada.methods() == [("removed", "replaced", 0), ("active", "", 1)]
    assert len(at.nmi.vaults) == 1


def test_R28_one_that_was_refused_may_be_tried_again(ada: Family, at: Desk) -> None:
    ada.add(at.card(cvv="111"))
    assert ada.methods() == [("disabled", "cvv", 0)]
    ada.add(at.card())
    assert ada.methods() == [("removed", "replaced", 0), ("active", "", 1)]


@pytest.mark.parametrize(("strictness", "state"), [("refuse", "removed"), ("warn", "active")])
def test_R29_another_familys_card_is_judged_by_policy_and_the_office_told(
    ada: Family, at: Desk, strictness: str, state: str
) -> None:
    builders.policy(ada.org, "payments.methods.elsewhere", strictness)
    ada.add(at.card())
    ben = cast.family(ada.org, ada.account, "Ben Bow")
    text = plain(ben.add(at.card(), holder="Ben Bow"))
    assert ben.method().state == state
    assert ("It is stored for another family here." in text) == (strictness == "refuse")
    assert "Ada" not in text, "whose it is is nobody's business"
    told = Notice.objects.get(channel="office")
    assert "Ada Ames" in told.subject and "Ben Bow" in told.subject
    if strictness == "warn":
        assert ["same_elsewhere", 50] in ben.method().risk_reasons


def test_20_two_parents_of_one_household_may_use_one_card(ada: Family, at: Desk) -> None:
    home = Household.objects.create(organization=ada.org, name="Ames")
    type(ada.customer).objects.filter(pk=ada.customer.pk).update(household=home)
    ada.add(at.card())
    abe = cast.family(ada.org, ada.account, "Abe Ames", household=home)
    abe.add(at.card())
    assert abe.methods() == [("active", "", 1)] and not Notice.objects.filter(channel="office").exists()


def test_R28_one_login_may_use_its_card_for_both_of_its_accounts(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    other = cast.family(ada.org, ada.account, "Ames Studio", user=ada.user)
    other.add(at.card())
    assert other.methods() == [("active", "", 1)]


def test_R29_a_card_of_another_school_is_a_risk_and_nothing_is_told(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    ben = cast.family(*cast.school(), "Ben Bow")
    ben.add(at.card())
    assert ben.methods() == [("active", "", 1)]
    assert ["same_elsewhere", 50] in ben.method().risk_reasons
    assert not Notice.objects.filter(channel="office").exists()


def _unmarked(ada: Family) -> None:
    """As a processor that marks no numbers leaves it."""
    PaymentMethod.objects.filter(customer=ada.customer).update(fingerprint="")


def test_20_without_a_mark_a_look_alike_waits_for_the_payers_word(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    _unmarked(ada)
    text = plain(ada.add(at.card()))
    assert "Is it another one?" in text
    assert ada.methods()[1] == ("verifying", "looks_alike", 0) and ada.asked().count("verify") == 1
    ada.post(f"methods/{ada.method().pk}/another/")
    assert ada.methods()[1] == ("active", "", 2) and ada.asked().count("verify") == 2
    ada.post(f"methods/{ada.method().pk}/another/")
    assert ada.asked().count("verify") == 2, "said twice is said once"


def test_20_a_look_alike_is_left(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    _unmarked(ada)
    ada.add(at.card())
    ada.post(f"methods/{ada.method().pk}/remove/")
    assert ada.methods() == [("active", "", 1), ("removed", "being_removed", 0)]


def test_20_two_marks_of_the_same_desk_that_differ_are_two_cards(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    PaymentMethod.objects.filter(customer=ada.customer).update(fingerprint="another")
    ada.add(at.card())
    assert ada.methods() == [("active", "", 1), ("active", "", 2)]


def test_R29_two_families_who_store_one_card_at_the_same_moment(
    ada: Family, at: Desk, run_in_threads: RunInThreads
) -> None:
    ben = cast.family(ada.org, ada.account, "Ben Bow")
    tokens = [at.card(), at.card()]
    run_in_threads(lambda n: (ada, ben)[n].add(tokens[n]).status_code, 2)
    states = sorted(PaymentMethod.objects.values_list("state", flat=True))
    assert states == ["active", "removed"]
    assert len(at.nmi.vaults) == 1


def test_R28_the_same_card_in_two_windows_at_the_same_moment(
    ada: Family, at: Desk, run_in_threads: RunInThreads
) -> None:
    tokens = [at.card() for _n in range(3)]

    def add(n: int) -> None:
        window = Family(ada.org, ada.customer, ada.user, ada.account)
        window.client.force_login(ada.user)
        window.add(tokens[n])

    assert run_in_threads(add, 3).errors == []
    assert sorted(state for state, _why, _place in ada.methods()) == ["active", "removed", "removed"]
    assert len(at.nmi.vaults) == 1


def test_R31_a_bank_account_is_known_by_a_keyed_hash_that_leads_nowhere() -> None:
    told = number_hash("490000018", "24413815")
    assert told == number_hash("490000018", "0024413815") and told != number_hash("490000018", "24413816")
    assert "24413815" not in told and len(told) == 64
