"""Lines of a text file of an older format, which says nothing of its encoding."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Problem
from reconciliation.formats.source import BOMS, Source


def decoded_lines(source: Source, usual: Sequence[str]) -> Iterator[str]:
    """Text lines. usual: encodings of the format that are tried after UTF-8 where the bank account names none.

    Which one it was is noted wherever it was not UTF-8, for a person to see names that look wrong.
    Raises FileRefused as Source does.
    """
    source.encodings = source.encodings or tuple(usual)
    encoding = source.encoding()
    if not encoding.startswith("utf"):
        sentence = _("The text is not UTF-8; it was read as {encoding}.")
        source.problems.append(Problem("encoding", sentence, "", False, {"encoding": encoding}))
    return source.lines(encoding)


def plain_head(head: bytes) -> bytes:
    """The beginning of a file without its byte order mark, in one byte a character where that mark says it has more."""
    for mark, name in BOMS:
        if head.startswith(mark):
            return head.removeprefix(mark) if name == "utf-8" else head.decode(name, "ignore").encode()
    return head
