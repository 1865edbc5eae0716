"""Which sandboxes there are, and at which port of `./run` each answers."""

from importlib import import_module

from tests.sandbox.processor import Processor

# name → "module:class"; the port is the first one plus the place in this list.
PROCESSORS = {
    "nmi": "tests.sandbox.nmi:Nmi",
    "paysafe": "tests.sandbox.paysafe:Paysafe",
    "dwolla": "tests.sandbox.dwolla:Dwolla",
    "authorizenet": "tests.sandbox.authorizenet:AuthorizeNet",
    "zoho": "tests.sandbox.zoho:Zoho",
    "upi": "tests.sandbox.upi:UpiPsp",
    "netbanking": "tests.sandbox.netbanking:NetBanking",
    "nach": "tests.sandbox.nach:SponsorBank",
    "sms": "tests.sandbox.sms:Sms",
    "whatsapp": "tests.sandbox.whatsapp:WhatsApp",
}

# What the merchant calls them, where that differs: the last step of their webhooks' address.
CALLED = {"nmi": "precisepay", "sms": "messages/sms", "whatsapp": "messages/whatsapp"}


def find(name: str) -> type[Processor]:
    module, _colon, kind = PROCESSORS[name].partition(":")
    found: type[Processor] = getattr(import_module(module), kind)
    return found
