"""Making the one call of a piece of work, and saying what is known where no answer came."""

from uuid import UUID, uuid5

from payments.gateways.base import Kind, Money, Outcome, Reason, Result
from payments.gateways.dwolla.hub import Hub, Row, Said
from payments.gateways.dwolla.tokens import NoToken
from payments.gateways.wire import Lost, NotSent

# What our keys are made UUIDs in. It never changes: a key must give the same UUID after any restart.
KEYS = UUID("6c0f3f0e-7d5b-5a43-9d6e-2b8f7d1c4a90")


def idempotency(key: str) -> str:
    return str(uuid5(KEYS, key))


def post(hub: Hub, kind: Kind, key: str, url: str, body: Row | None, money: Money | None = None) -> Said | Result:
    """The answer, a refusal among them; a Result where there is none.

    Dwolla keeps an Idempotency-Key for a day, so that the same call that arrives twice is carried out once.
    """
    try:
        return hub.ask("POST", url, body, key=idempotency(key))
    except NoToken as trouble:
        return _not_sent(kind, key, str(trouble), money, trouble.code)
    except NotSent as trouble:
        return _not_sent(kind, key, str(trouble), money)
    except Lost as trouble:
        return Result(Outcome.UNKNOWN, kind, key, money=money, reason=Reason.GATEWAY_TIMEOUT, raw_text=str(trouble))


def _not_sent(kind: Kind, key: str, text: str, money: Money | None, code: str = "") -> Result:
    return Result(
        Outcome.ERROR, kind, key, money=money, reason=Reason.GATEWAY_ERROR, raw_code=code, raw_text=text[:400]
    )
