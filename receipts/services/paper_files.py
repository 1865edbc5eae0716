"""The files of issued papers: drawn and signed once, archived, handed out (R155)."""

from datetime import datetime

from django.db import transaction

from billing.office import clock
from billing.office.models import User
from billing.office.notices import Attachment
from billing.office.papers import archive
from receipts.models import IssuedPaper, PaperCopy, PaperDocument
from receipts.papers.codes import paper_code
from receipts.papers.paper import Paper

# The libraries that draw and sign take most of a second to load, and Pango may be missing: imported when needed.


def hand_out_paper(paper: IssuedPaper, *, how: str, now: datetime, by: User | None) -> bytes:
    """The signed file, written down as handed out. how: "print", "download" or "email".

    Raises PdfUnavailable, TamperedDocument; then nothing was handed out.
    """
    data = file_of(paper, now)
    with transaction.atomic():
        PaperCopy.objects.create(paper=paper, how=how, at=now, by=by)
    return data


def file_of(paper: IssuedPaper, now: datetime) -> bytes:
    """The archived file, made now if this is the first time, else read back and checked.

    Raises PdfUnavailable, TamperedDocument.
    """
    found = PaperDocument.objects.filter(paper=paper).first()
    if found is not None:
        return archive.read(found.sha256)
    from receipts.papers.render import render_pdf
    from receipts.papers.signing import sign

    data = sign(render_pdf(to_print(paper)), at=now)
    sha256 = archive.keep(data)  # first the file: a row without its file would be a broken promise
    row = PaperDocument(paper=paper, sha256=sha256, size=len(data), made_at=now)
    PaperDocument.objects.bulk_create([row], ignore_conflicts=True)
    document = PaperDocument.objects.get(paper=paper)
    if document.sha256 != sha256:  # another made it at the same moment; theirs stands
        archive.forget(sha256)
        return archive.read(document.sha256)
    return data


def paper_page_of(paper: IssuedPaper) -> str:
    """The paper as a web page, for looking at and where no PDF can be made: not signed, not counted as a copy."""
    from receipts.papers.render import render_html

    return render_html(to_print(paper))


def mail_paper(paper_id: int) -> Attachment:
    """What the mail about a paper carries. Sent again, it is the same copy."""
    paper = IssuedPaper.objects.get(pk=paper_id)
    now = clock.now()
    if paper.copies.filter(how="email").exists():
        data = file_of(paper, now)
    else:
        data = hand_out_paper(paper, how="email", now=now, by=None)
    return file_name(paper), data, "application/pdf"


def file_name(paper: IssuedPaper) -> str:
    """STM-2026-00000012.pdf. A number taken over from elsewhere may have characters that no file name has."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in paper.number) + ".pdf"


def code_of(paper: IssuedPaper) -> str:
    """The check code printed on it."""
    return paper_code(
        number=paper.number, version=paper.version, issued_at=str(paper.content["issued_at"]), digest=paper.digest
    )


def to_print(paper: IssuedPaper) -> Paper:
    kind = "void" if paper.content["facts"].get("voided_on") else "original"
    return Paper(number=paper.number, content=paper.content, kind=kind, what=paper.kind, code=code_of(paper))
