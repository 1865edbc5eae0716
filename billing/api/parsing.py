"""Reading a request's JSON, strictly: no doubled keys, no NaN, bounded size and depth (invariants §4 rows 51, 82)."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from billing.errors import BadInput, DomainError
from billing.inputs import has_card_number

LARGEST_BODY = 256 * 1024
DEEPEST = 8


class TooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = _("The request is too large (at most 256 KB).")


class CardNumberSent(DomainError):
    code = "card_number"
    sentence = _("Card numbers never come here; nothing was saved.")


class StrictJSONParser(BaseParser):
    """application/json in UTF-8, uncompressed: one object of at most 256 KB."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request = (parser_context or {})["request"]
        if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
            raise UnsupportedMediaType("", detail=_("Send the request uncompressed."), code="compressed")
        if (request.encoding or "utf-8").lower().replace("_", "-") not in ("utf-8", "utf8"):
            raise UnsupportedMediaType("", detail=_("Send the request in UTF-8."), code="not_utf8")
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
            raise TooLarge()
        raw = stream.read(LARGEST_BODY + 1)
        if len(raw) > LARGEST_BODY:
            raise TooLarge()
        return read_object(raw)


def read_object(raw: bytes) -> dict[str, Any]:
    """The one JSON object in `raw`. Raises BadInput for anything else, CardNumberSent if a card number is in it."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once_each, parse_constant=_refuse_constant)
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # not UTF-8, not JSON, or a number of thousands of digits
        raise BadInput(_("The request is not valid JSON."), code="not_json") from None
    if not isinstance(value, dict):
        raise BadInput(_("A JSON object is expected."), code="not_an_object")
    _look_through(value)
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadInput(_("This field is given twice."), field=printable(name), code="duplicate_key")
        found[name] = value
    return found


def _refuse_constant(name: str) -> None:
    raise BadInput(_("{name} is not JSON."), code="not_json", name=name)


def _look_through(value: Any) -> None:
    """Bound the depth, and refuse card numbers wherever they stand, before anything is kept or logged."""
    level = [value]
    for _depth in range(DEEPEST):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += [*item, *item.values()]
            elif isinstance(item, list):
                below += item
            elif has_card_number(str(item)):
                raise CardNumberSent()
        level = below
        if not level:
            return
    raise _too_deep()


def _too_deep() -> BadInput:
    return BadInput(_("The request is nested too deeply."), code="too_deep")


def printable(name: str) -> str:
    """A field's name as sent, fit to be sent back."""
    return name.encode("ascii", "backslashreplace").decode()[:80]
