"""Requests in XML or JSON, read strictly: the order of children counts in both, as with the original."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.parsers import expat

from tests.sandbox.authorizenet.schema import REQUESTS, TYPES, Field

NAMESPACE = "AnetApi/xml/v1/schema/AnetApiSchema.xsd"
BOM = b"\xef\xbb\xbf"


class Refused(Exception):
    """The request as a whole is answered with a message of its own. body: what the answer holds besides."""

    def __init__(self, code: str, text: str, body: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.text, self.body = code, text, body or {}


class Children(list[tuple[str, Any]]):
    """What an element or object holds, in the order given: (name, text or Children or a list of either)."""


@dataclass(frozen=True)
class Asked:
    """One request. name: of its root. body: checked, nested dicts of text. As JSON it is answered in JSON."""

    name: str
    body: dict[str, Any]
    is_json: bool


def is_json(body: bytes, content_type: str) -> bool:
    return "json" in content_type or body.removeprefix(BOM).lstrip()[:1] == b"{"


def read(body: bytes, content_type: str) -> Asked:
    """Raises Refused: E00002 to E00004 and E00045."""
    if not is_json(body, content_type) and "xml" not in content_type:
        raise Refused("E00002", "The content-type specified is not supported.")
    as_json = is_json(body, content_type)
    name, held = (_json if as_json else _xml)(body.removeprefix(BOM))
    if name not in REQUESTS:
        raise Refused("E00004", "The name of the requested API method is invalid.")
    return Asked(name, _checked(name, held, REQUESTS[name]), as_json)


def _json(body: bytes) -> tuple[str, Children]:
    try:
        pairs = json.loads(body, object_pairs_hook=Children, parse_float=str, parse_int=str)
    except ValueError:
        raise Refused("E00003", "An error occurred while parsing the JSON request.") from None
    if not isinstance(pairs, Children) or len(pairs) != 1 or not isinstance(pairs[0][1], Children):
        raise Refused("E00003", "Root element is missing.")
    return pairs[0]


def _xml(body: bytes) -> tuple[str, Children]:
    """Without a document type: no entities, nothing from elsewhere."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(body, True)
    except expat.ExpatError as trouble:
        why = "Root element is missing." if not body.strip() else f"Data at line {trouble.lineno} is invalid."
        raise Refused("E00003", why) from None
    space, _blank, name = reader.root.rpartition(" ")
    if space != NAMESPACE:
        raise Refused("E00045", "The root node does not reference a valid XML namespace.")
    held = reader.held
    return name, held if isinstance(held, Children) else Children()


class _Reader:
    def __init__(self) -> None:
        self.root, self.held = "", Children()
        self._open: list[tuple[str, Children, list[str]]] = []

    def doctype(self, *_what: Any) -> None:
        raise Refused("E00003", "For security reasons DTD is prohibited in this XML document.")

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self.root = self.root or name
        self._open.append((name, Children(), []))

    def text(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self, _name: str) -> None:
        name, children, text = self._open.pop()
        held: Any = children if children else "".join(text)
        if not self._open:
            self.held = held
            return
        space, _blank, local = name.rpartition(" ")
        self._open[-1][1].append((local if space == NAMESPACE else name.replace(" ", ":"), held))


# Checking


def _checked(parent: str, held: Any, fields: Sequence[Field]) -> dict[str, Any]:
    if not isinstance(held, Children):
        if isinstance(held, str) and held.strip() == "":
            held = Children()
        else:
            raise Refused("E00003", f"The element '{parent}' cannot contain text.")
    found: dict[str, Any] = {}
    place = 0
    for name, value in _spread(held):
        place = _place(parent, name, fields, place)
        field = fields[place]
        read_value = _value(field, value)
        if field.is_many:
            found.setdefault(name, []).append(read_value)
        else:
            found[name] = read_value
            place += 1
    _complete(parent, fields, place, found)
    return found


def _spread(held: Children) -> Children:
    """A JSON list is the element repeated."""
    spread = Children()
    for name, value in held:
        many = isinstance(value, list) and not isinstance(value, Children)
        spread.extend((name, one) for one in value) if many else spread.append((name, value))
    return spread


def _place(parent: str, name: str, fields: Sequence[Field], start: int) -> int:
    """Where in the sequence the child stands; what is required may not be passed over."""
    expected = []
    for place in range(start, len(fields)):
        if fields[place].name == name:
            return place
        expected.append(fields[place].name)
        if fields[place].is_required:
            break
    hint = (
        f" List of possible elements expected: '{', '.join(expected)}' in namespace '{NAMESPACE}'." if expected else ""
    )
    raise Refused(
        "E00003",
        f"The element '{parent}' in namespace '{NAMESPACE}' has invalid child element '{name}' in namespace"
        f" '{NAMESPACE}'.{hint}",
    )


def _complete(parent: str, fields: Sequence[Field], place: int, found: dict[str, Any]) -> None:
    missing = [field.name for field in fields[place:] if field.is_required and field.name not in found]
    if missing:
        raise Refused(
            "E00003",
            f"The element '{parent}' in namespace '{NAMESPACE}' has incomplete content. List of possible elements"
            f" expected: '{missing[0]}' in namespace '{NAMESPACE}'.",
        )


def _value(field: Field, value: Any) -> Any:
    if field.kind in TYPES:
        return _checked(field.name, value, TYPES[field.kind])
    if isinstance(value, list):
        raise Refused("E00003", f"The element '{field.name}' cannot contain child elements.")
    text = {True: "true", False: "false", None: ""}.get(value, value) if not isinstance(value, str) else value
    fault = _fault(field.kind, text)
    if fault:
        # As the original does, the answer repeats what was sent.
        raise Refused(
            "E00003",
            f"The '{NAMESPACE}:{field.name}' element is invalid - The value '{text}' is invalid according to its"
            f" datatype {fault}",
        )
    return text.strip() if field.kind in ("decimal", "integer", "boolean", "dateTime") else text


def _fault(kind: str, text: str) -> str:
    """Why the text is none of its kind, in the words of the original; "" where it is."""
    length = re.fullmatch(r"(?:(\d+)-)?(\d+)", kind)
    if length:
        least, most = int(length[1] or 0), int(length[2])
        if len(text) > most:
            return "'String' - The actual length is greater than the MaxLength value."
        return "'String' - The actual length is less than the MinLength value." if len(text) < least else ""
    if "|" in kind or kind == "TOKEN":
        return "" if text in kind.split("|") else "'String' - The Enumeration constraint failed."
    if kind == "code" and not 3 <= len(text) <= 4:
        which = "greater than the MaxLength" if len(text) > 4 else "less than the MinLength"
        return f"'AnetApi/xml/v1/schema/AnetApiSchema.xsd:cardCode' - The actual length is {which} value."
    pattern = {
        "code": r"\d{3,4}", "numeric": r"\d+", "integer": r"\s*-?\d{1,9}\s*", "boolean": r"\s*(true|false|0|1)\s*",
        "dateTime": r"\s*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?\s*",
    }.get(kind)  # fmt: skip
    if pattern:
        return "" if re.fullmatch(pattern, text, re.ASCII) else f"'{kind}' - The Pattern constraint failed."
    return "" if kind == "text" or _is_decimal(text) else "'Decimal' - The string is not a valid Decimal value."


def _is_decimal(text: str) -> bool:
    if not re.fullmatch(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)\s*", text, re.ASCII):
        return False
    try:
        return abs(Decimal(text.strip())) < Decimal(10) ** 15
    except InvalidOperation:
        return False
