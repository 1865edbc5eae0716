"""Recorded and documented replies, and a line that gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from payments.gateways.base import Instrument, MethodRef
from payments.gateways.precisepay import Gateway
from payments.gateways.wire import Answer, Wire

CARD = MethodRef("vault-1", Instrument.CARD)
ACCOUNT = MethodRef("vault-2", Instrument.BANK)
SETTINGS = {
    "base_url": "https://processor.invalid", "security_key": "s", "tokenization_key": "t", "webhook_key": "w",
}  # fmt: skip
# As recorded from the processor.
APPROVED = (
    "response=1&responsetext=SUCCESS&authcode=123456&transactionid=2762757839&avsresponse=N&cvvresponse=N"
    "&orderid=A1&type=sale&response_code=100"
)
PENDING = """<nm_response><transaction><transaction_id>2612675976</transaction_id>
 <transaction_type>cc</transaction_type><condition>pendingsettlement</condition><order_id>att-7</order_id>
 <cc_number>4xxxxxxxxxxx1111</cc_number><cc_exp>1230</cc_exp>
 <action><amount>11.00</amount><action_type>sale</action_type><date>20260312215205</date><success>1</success>
 <response_text>SUCCESS</response_text><batch_id>0</batch_id><response_code>100</response_code></action>
 </transaction></nm_response>"""


@dataclass
class Recorded(Wire):
    """Answers what was recorded, whatever is asked; keeps the forms. found: to queries, where that differs."""

    body: str = ""
    status: int = 200
    found: str = ""

    def __post_init__(self) -> None:
        self.forms: list[Mapping[str, str]] = []

    def send(self, method: str, url: str, **what: Any) -> Answer:
        self.forms.append(what["data"])
        body = self.found if self.found and url.endswith("query.php") else self.body
        return Answer(self.status, {}, body.encode())


def told(body: str, status: int = 200, found: str = "") -> Gateway:
    return Gateway("precisepay", SETTINGS, Recorded(body=body, status=status, found=found))
