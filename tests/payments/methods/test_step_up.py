"""A second factor before a method can be used where much is at stake (R26)."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django_otp.oath import totp

from billing.office import clock
from billing.office.models import Authenticator, Notice
from payments.models import MethodCode
from payments.services.methods import step_up
from tests import agreements, builders
from tests.console_desk import plain
from tests.payments.gateways.precisepay.desk import Desk
from tests.payments.methods.cast import Family

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def careful(ada: Family) -> Family:
    """Above 100.00 the school wants a second factor; Ada owes 100.01."""
    builders.policy(ada.org, "payments.methods.step_up_above", "100.00")
    builders.invoice(ada.customer, "100.01", issued_on=ada.org.today(clock.now()))
    return ada


def code_in(message: mail.EmailMessage) -> str:
    found = re.match(r"\d{6}", str(message.body))
    assert found
    return found[0]


def sent(family: Family) -> str:
    family.post(f"methods/{family.method().pk}/code/", send="1")
    return code_in(mail.outbox[-1])


def test_R26_a_mailed_code_makes_it_ready(careful: Family, at: Desk) -> None:
    assert "One more proof that it is you" in plain(careful.add(at.card()))
    assert careful.methods() == [("verifying", "step_up", 0)]
    code = sent(careful)
    assert mail.outbox[-1].to == ["ada@example.org"]
    assert MethodCode.objects.get().code_hash not in ("", code)
    assert not any(code in notice.body for notice in Notice.objects.all()), "no code lies in the outbox"
    careful.post(f"methods/{careful.method().pk}/code/", code=f"{code[:3]} {code[3:]}")
    assert careful.methods() == [("active", "", 1)]
    assert careful.method().stepped_up_at is not None


@pytest.mark.parametrize(("owed", "state"), [("100.00", "active"), ("100.01", "verifying")])
def test_R26_only_above_the_threshold(ada: Family, at: Desk, owed: str, state: str) -> None:
    builders.policy(ada.org, "payments.methods.step_up_above", "100.00")
    builders.invoice(ada.customer, owed, issued_on=ada.org.today(clock.now()))
    ada.add(at.card())
    assert ada.method().state == state


def test_R26_what_autopay_collects_next_counts_too(ada: Family, at: Desk) -> None:
    builders.policy(ada.org, "payments.methods.step_up_above", "100.00")
    of = agreements.agreement(ada.customer, collects_itself=True)
    agreements.installment(of, "150.00", due_on=ada.org.today(clock.now()) + timedelta(days=9))
    ada.add(at.card())
    assert ada.methods() == [("verifying", "step_up", 0)]


def test_R26_a_wrong_code_counts_and_the_fifth_uses_it_up(careful: Family, at: Desk) -> None:
    careful.add(at.card())
    code = sent(careful)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    path = f"methods/{careful.method().pk}/code/"
    for _n in range(4):
        assert "That is not the code." in plain(careful.post(path, 422, code=wrong))
    assert "This code is used up." in plain(careful.post(path, 422, code=wrong))
    assert "This code is used up." in plain(careful.post(path, 422, code=code))
    assert careful.methods() == [("verifying", "step_up", 0)]


@pytest.mark.parametrize(("seconds", "fits"), [(600, True), (601, False)])
def test_R26_a_code_is_good_for_ten_minutes(careful: Family, at: Desk, seconds: int, fits: bool) -> None:
    careful.add(at.card())
    code = sent(careful)
    now = MethodCode.objects.get().sent_at + timedelta(seconds=seconds)
    try:
        step_up.give_code(method=careful.method(), user=careful.user, typed=code, now=now)
    except step_up.CodeTrouble as trouble:
        assert trouble.code == "code_too_old"
    assert (careful.method().state == "active") == fits


def test_R26_codes_are_not_sent_without_end(careful: Family, at: Desk) -> None:
    careful.add(at.card())
    method, now = careful.method(), clock.now()
    for n in range(5):
        later = now + timedelta(minutes=n)
        step_up.send_code(method=method, user=careful.user, now=later, subject="s", body="{code}")
    with pytest.raises(step_up.CodeTrouble) as refusal:
        step_up.send_code(method=method, user=careful.user, now=now + timedelta(minutes=9), subject="s", body="{code}")
    assert refusal.value.code == "too_many_codes" and len(mail.outbox) == 5


def test_R26_a_new_code_voids_the_one_before(careful: Family, at: Desk) -> None:
    careful.add(at.card())
    method, now = careful.method(), clock.now()
    step_up.send_code(method=method, user=careful.user, now=now, subject="s", body="{code}")
    step_up.send_code(method=method, user=careful.user, now=now + timedelta(minutes=1), subject="s", body="{code}")
    first, second = (code_in(message) for message in mail.outbox)
    if first != second:
        with pytest.raises(step_up.CodeTrouble):
            step_up.give_code(method=method, user=careful.user, typed=first, now=now + timedelta(minutes=1))
    step_up.give_code(method=method, user=careful.user, typed=second, now=now + timedelta(minutes=1))
    assert careful.method().state == "active"


def test_R26_whoever_has_an_authenticator_uses_it(careful: Family, at: Desk) -> None:
    device = Authenticator.objects.create(user=careful.user, name="app", key="ab" * 20, made_at=clock.now())
    assert "Type the code that your authenticator shows now." in plain(careful.add(at.card()))
    code = f"{totp(bytes.fromhex(device.key)):06}"
    careful.post(f"methods/{careful.method().pk}/code/", code=code)
    assert careful.methods() == [("active", "", 1)] and mail.outbox == []
