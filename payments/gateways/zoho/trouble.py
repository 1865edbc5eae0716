"""What can become of a call to Zoho besides an answer."""

from payments.gateways.base import GatewayDown


class Unreachable(GatewayDown):
    """Nothing was done: nobody answered, or Zoho takes no calls now. wait: seconds until it is worth asking again."""

    def __init__(self, why: str, wait: int = 0) -> None:
        super().__init__(why)
        self.wait = wait


class Unsure(Exception):
    """The request left and its answer was lost or spoilt: look for what it made before it is made again."""


class Refused(Exception):
    """Zoho's "no", in its own code and words. Nothing was done."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


class NotThere(Refused):
    """There is no such record."""
