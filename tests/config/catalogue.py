"""Reading a message catalogue, and the texts that our code and templates ask it for."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "config/locale/zh_Hant/LC_MESSAGES"
PACKAGES = ("config", "billing", "payments", "receipts", "reconciliation")

Key = tuple[str, str]  # context, text


@dataclass
class Entry:
    context: str = ""
    text: str = ""
    plural: str = ""
    said: str = ""
    fuzzy: bool = False


def read_po(path: Path) -> list[Entry]:
    """Entries in the order of the file, the header first. Understands what our catalogue uses: one plural form."""
    entries, entry, place = [], Entry(), ""
    places = {"msgctxt": "context", "msgid": "text", "msgid_plural": "plural", "msgstr": "said", "msgstr[0]": "said"}
    for line in [*path.read_text("utf-8").splitlines(), ""]:
        if line.startswith("#,"):
            entry.fuzzy = "fuzzy" in line
        elif line.startswith('"'):
            setattr(entry, place, getattr(entry, place) + ast.literal_eval(line))
        elif line and not line.startswith("#"):
            word, _space, quoted = line.partition(" ")
            place = places[word]
            setattr(entry, place, ast.literal_eval(quoted))
        elif not line:
            if place:
                entries.append(entry)
            entry, place = Entry(), ""
    return entries


def asked_for() -> dict[Key, str]:
    """Every text that is to be translated, with the file that asks for it."""
    found: dict[Key, str] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            found |= dict.fromkeys(_in_code(path.read_text("utf-8")), str(path.relative_to(ROOT)))
    for path in sorted((ROOT / "templates").rglob("*.html")):
        found |= dict.fromkeys(_in_template(path.read_text("utf-8")), str(path.relative_to(ROOT)))
    return found


PLAIN = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}


def _in_code(source: str) -> Iterator[Key]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if node.func.id in PLAIN and texts:
            yield "", texts[0]
        elif node.func.id in WITH_CONTEXT and len(texts) > 1:
            yield texts[0], texts[1]


QUOTED = r"""("[^"]*"|'[^']*')"""
TRANSLATE = re.compile(rf"{{%-?\s*trans(?:late)?\s+{QUOTED}(?:[^%]*?\scontext\s+{QUOTED})?[^%]*%}}")
BLOCK = re.compile(
    r"(?s){%\s*blocktrans(?:late)?\b(.*?)%}(.*?)(?:{%\s*plural\s*%}.*?)?{%\s*endblocktrans(?:late)?\s*%}"
)


def _in_template(source: str) -> Iterator[Key]:
    for text, context in TRANSLATE.findall(source):
        yield context[1:-1], text[1:-1].replace("%", "%%")
    for options, body in BLOCK.findall(source):
        if " trimmed" in options:
            body = " ".join(line.strip() for line in body.strip().splitlines())
        context = re.search(rf"\scontext\s+{QUOTED}", options)
        text = re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", body.replace("%", "%%"))
        yield context[1][1:-1] if context else "", text
