"""Credentials of processors, from the environment: GATEWAYS names them, GATEWAY_<NAME>_<SETTING> says what they are.
The same for carriers of messages: MESSENGERS, MESSENGER_<NAME>_<SETTING>.

    GATEWAYS=precisepay,north
    GATEWAY_PRECISEPAY_KIND=precisepay   GATEWAY_PRECISEPAY_SECURITY_KEY=…
    GATEWAY_NORTH_KIND=paysafe           GATEWAY_NORTH_USER=…

A development machine without any speaks to the sandbox processors that `./run` starts. Imported by settings.
"""

from collections.abc import Mapping

# The sandbox processors in the order of their ports, the first at one above the steering page's. None of these opens
# anything anywhere else; a test holds that they are what the sandboxes ask for.
SANDBOX: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "precisepay",
        {
            "base_url": "{url}", "security_key": "sandbox-precisepay-security-key",
            "tokenization_key": "sandbox-precisepay-public-key", "webhook_key": "sandbox-precisepay-signing-key",
            "checkout_key": "sandbox-precisepay-checkout-key",
        },
    ),
    (
        "paysafe",
        {
            "base_url": "{url}", "user": "sandbox-merchant", "password": "sandbox-private-key",
            "public_key": "c2FuZGJveC1wdWJsaWM6c2FuZGJveC1wdWJsaWMta2V5", "account_id": "1000000001",
            "hmac_key": "sandbox-webhook-key", "library": "{url}/js/v1/latest/paysafe.min.js",
        },
    ),
    (
        "dwolla",
        {
            "base_url": "{url}", "key": "sandbox-key-made-up", "secret": "sandbox-secret-made-up",
            "webhook_secret": "sandbox-webhook-secret-made-up",
            "funding_source": "{url}/funding-sources/5cfcdc41-10f6-4a45-b11d-7ac89893d985",
            "library": "{url}/v2/dwolla-web.js",
        },
    ),
    (
        "authorizenet",
        {
            "endpoint": "{url}/xml/v1/request.api", "login": "sandboxLogin", "transaction_key": "sandboxTransKey1",
            "client_key": "sandbox-public-client-key", "signature_key": "0011223344556677" * 8,
            "library": "{url}/v3/AcceptUI.js",
        },
    ),
    (
        "zoho",
        {
            "client_id": "1000.SANDBOXCLIENTID", "client_secret": "sandbox-zoho-client-secret",
            "refresh_token": "1000.sandbox-refresh-token", "organization_id": "10234695",
            "webhook_secret": "secret12token", "plan_code": "TUITION-MONTHLY", "accounts_url": "{url}",
            "billing_url": "{url}/billing/v1", "books_url": "{url}/books/v3", "crm_url": "{url}/crm/v8",
        },
    ),
    (
        "upi",
        {
            "base_url": "{url}", "key_id": "psp_test_school", "key_secret": "sandbox-psp-secret",
            "webhook_secret": "psp-webhook-secret", "payee_vpa": "school@okbank", "payee_name": "Sandbox School",
        },
    ),
    ("netbanking", {"base_url": "{url}", "key": "KEYTEST", "salt": "sandbox-payu-salt"}),
    ("nach", {"base_url": "{url}", "utility_code": "NACH00000000012345", "password": "sandbox-nach-password"}),
)  # fmt: skip


# Carriers of messages, after the processors; in the order of their ports as well.
SANDBOX_MESSENGERS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "sms",
        {
            "kind": "exotel", "base_url": "{url}", "account": "sandboxschool1", "sender": "QUITNC",
            "api_key": "sandbox-exotel-key", "api_token": "sandbox-exotel-token",
        },
    ),
    (
        "whatsapp",
        {
            "kind": "whatsapp", "base_url": "{url}", "phone_id": "100000000000001", "token": "sandbox-whatsapp-token",
            "app_secret": "sandbox-whatsapp-app-secret", "verify_token": "sandbox-whatsapp-verify",
        },
    ),
)  # fmt: skip


def read(environment: Mapping[str, str], word: str = "GATEWAY") -> dict[str, dict[str, str]]:
    """name → its settings, by lower-case name. A name without a KIND is its own kind.

    word: "MESSENGER" for who carries messages, named by MESSENGERS and MESSENGER_<NAME>_<SETTING>.
    """
    found: dict[str, dict[str, str]] = {}
    for name in filter(None, (part.strip().lower() for part in environment.get(f"{word}S", "").split(","))):
        start = f"{word}_{name.upper().replace('-', '_')}_"
        own = {key[len(start) :].lower(): value for key, value in environment.items() if key.startswith(start)}
        found[name] = {"kind": name} | own
    return found


def of_sandbox(port: int) -> dict[str, dict[str, str]]:
    """The sandbox processors beside a steering page at a port of this machine."""
    return {
        name: {"kind": name} | {key: value.format(url=f"http://127.0.0.1:{at}") for key, value in settings.items()}
        for at, (name, settings) in enumerate(SANDBOX, port + 1)
    }


def messengers_of_sandbox(port: int) -> dict[str, dict[str, str]]:
    """The sandbox carriers of messages beside a steering page at a port of this machine."""
    return {
        name: {key: value.format(url=f"http://127.0.0.1:{at}") for key, value in settings.items()}
        for at, (name, settings) in enumerate(SANDBOX_MESSENGERS, port + len(SANDBOX) + 1)
    }
