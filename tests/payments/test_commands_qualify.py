"""The live qualification command: off by default, tells each step, writes nothing, takes its money back."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from payments.models import GatewayExchange, PaymentAttempt
from tests.payments.gateways.precisepay.desk import desk


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("qualify_gateway", *arguments, stdout=out)
    return out.getvalue()


def test_it_is_off_unless_it_is_meant() -> None:
    with pytest.raises(CommandError, match="Set QUALIFY_GATEWAYS=1"):
        run("precisepay")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["nobody"], "GATEWAYS has no usable nobody"), (["precisepay", "--amount", "1.001"], "--amount: ")],
)
def test_what_cannot_be_is_said(arguments: list[str], says: str) -> None:
    with (
        desk() as at,
        override_settings(GATEWAYS={"precisepay": at.settings}, QUALIFY_GATEWAYS=True),
        pytest.raises(CommandError, match=says),
    ):
        run(*arguments)


@pytest.mark.django_db
def test_each_step_is_told_and_the_money_goes_back() -> None:
    with desk() as at, override_settings(GATEWAYS={"precisepay": at.settings}, QUALIFY_GATEWAYS=True):
        token = at.card().value
        said = run("precisepay", "--token", token, "--amount", "3.00")
        assert at.nmi.ledger.captures() == [] and len(list(at.nmi.ledger.of("capture"))) == 1
        assert len(at.nmi.vaults) == 0
    steps = [line[:26].strip() for line in said.splitlines() if line[:26].strip()]
    assert steps == [
        "capabilities", "find a key never used", "settlement of yesterday", "news of methods", "store", "verify",
        "charge", "find it by its key", "how it stands", "void", "delete the method",
    ]  # fmt: skip
    assert "find a key never used     0 found" in said and "find it by its key        1 found" in said
    assert token not in said and at.nmi.security_key not in said
    assert PaymentAttempt.objects.count() == GatewayExchange.objects.count() == 0
