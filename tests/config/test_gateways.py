"""Credentials of processors come from the environment; a development machine has those of the sandboxes."""

import base64

from config.gateways import of_sandbox, read
from tests.sandbox.catalog import PROCESSORS, find


def test_names_and_settings_are_read_from_the_environment() -> None:
    found = read(
        {
            "GATEWAYS": " precisepay, north-school ,", "GATEWAY_PRECISEPAY_SECURITY_KEY": "a secret",
            "GATEWAY_NORTH_SCHOOL_KIND": "paysafe", "GATEWAY_NORTH_SCHOOL_USER": "u", "GATEWAY_OTHER_USER": "v",
        }
    )  # fmt: skip
    assert found == {
        "precisepay": {"kind": "precisepay", "security_key": "a secret"},
        "north-school": {"kind": "paysafe", "user": "u"},
    }


def test_without_names_there_are_none() -> None:
    assert read({"GATEWAY_PRECISEPAY_SECURITY_KEY": "x"}) == {}


def test_the_sandboxes_are_where_they_are_started_and_take_these_credentials() -> None:
    found = of_sandbox(8100)
    places = list(PROCESSORS)
    for place, name in ((0, "precisepay"), (1, "paysafe"), (2, "dwolla"), (3, "authorizenet"), (4, "zoho")):
        urls = [value for value in found[name].values() if value.startswith("http")]
        assert urls and all(f":{8101 + place}" in url for url in urls), name
    assert places[:8] == ["nmi", "paysafe", "dwolla", "authorizenet", "zoho", "upi", "netbanking", "nach"]
    nmi, paysafe, dwolla = (find(name) for name in places[:3])
    assert found["precisepay"]["security_key"] == nmi.security_key  # type: ignore[attr-defined]
    assert found["precisepay"]["tokenization_key"] == nmi.tokenization_key  # type: ignore[attr-defined]
    assert found["precisepay"]["webhook_key"] == nmi.signing_key  # type: ignore[attr-defined]
    assert (found["paysafe"]["user"], found["paysafe"]["password"]) == (paysafe.user, paysafe.password)  # type: ignore[attr-defined]
    public = f"{paysafe.public_user}:{paysafe.public_password}".encode()  # type: ignore[attr-defined]
    assert base64.b64decode(found["paysafe"]["public_key"]) == public
    assert found["paysafe"]["hmac_key"] == paysafe.hmac_key  # type: ignore[attr-defined]
    assert (found["dwolla"]["key"], found["dwolla"]["secret"]) == (dwolla.key, dwolla.secret)  # type: ignore[attr-defined]
    net, zoho, upi, banking, nach = (find(name) for name in places[3:8])
    assert (found["authorizenet"]["login"], found["authorizenet"]["transaction_key"]) == (
        net.login_id, net.transaction_key,  # type: ignore[attr-defined]
    )  # fmt: skip
    assert found["authorizenet"]["signature_key"] == net.signature_key  # type: ignore[attr-defined]
    for mine in ("client_id", "client_secret", "refresh_token", "organization_id", "webhook_secret"):
        assert found["zoho"][mine] == getattr(zoho, mine)
    for mine in ("key_id", "key_secret", "webhook_secret", "payee_vpa"):
        assert found["upi"][mine] == getattr(upi, mine.upper())
    assert (found["netbanking"]["key"], found["netbanking"]["salt"]) == (banking.KEY, banking.SALT)  # type: ignore[attr-defined]
    assert (found["nach"]["utility_code"], found["nach"]["password"]) == (nach.UTILITY_CODE, nach.PASSWORD)  # type: ignore[attr-defined]
