"""The rules that papers other than receipts must keep, and the archive of all of them (invariants 39, 42; R155)."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import F, QuerySet

from billing.office.papers import archive
from billing.office.papers.errors import TamperedDocument
from billing.selectors.invariants.office import numbers_have_holes
from billing.selectors.proof import Rule, mine
from receipts.models import IssuedPaper, PaperDocument, ReceiptDocument, RefundReceiptDocument
from receipts.models.issued_paper import SERIES, digest_of_facts

READ_WHOLE = (
    5_000  # of the newest files of a kind, every byte; of all older ones only that they are there, whole in size
)


def archive_differs(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """Documents whose file is gone, of another size, or of other bytes."""
    found = []
    for name, rows, owner in (
        ("receipt", ReceiptDocument.objects.all(), "receipt__organization"),
        ("refund receipt", RefundReceiptDocument.objects.all(), "receipt__organization"),
        ("paper", PaperDocument.objects.all(), "paper__organization"),
    ):
        mine_alone = rows if organization_id is None else rows.filter(**{owner: organization_id})
        found += [{"what": name, "document_id": pk, "sha256": digest} for pk, digest in _broken(mine_alone)]
    return found


def _broken(rows: QuerySet[Any]) -> Iterator[tuple[int, str]]:
    ordered = rows.order_by("-id").values_list("pk", "sha256", "size")
    for place, (pk, digest, size) in enumerate(ordered.iterator(chunk_size=2000)):
        if not _is_whole(digest, size, every_byte=place < READ_WHOLE):
            yield pk, digest


def _is_whole(digest: str, size: int, *, every_byte: bool) -> bool:
    try:
        if every_byte:
            return len(archive.read(digest)) == size
        return archive.path_of(digest).stat().st_size == size
    except (OSError, TamperedDocument):
        return False


def content_differs(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """Papers whose content is not what was digested when they were issued."""
    rows = IssuedPaper.objects.order_by("pk")
    if organization_id is not None:
        rows = rows.filter(organization=organization_id)
    facts = rows.annotate(facts=F("content__facts")).values_list("pk", "number", "digest", "facts")
    return [
        {"paper_id": pk, "number": number, "digest": digest}
        for pk, number, digest, said in facts.iterator(chunk_size=500)
        if digest_of_facts(said) != digest
    ]


RULES = [
    Rule(
        39, "paper_numbers", "Numbers of papers run without holes, by series and year.",
        " UNION ALL ".join(
            "SELECT * FROM ("
            + numbers_have_holes(series, "receipts_issuedpaper", period=r"\d{4}", digits=8, only_ours=True)
            + f") {series.lower()}"
            for series in SERIES.values()
        ),
    ),
    Rule(
        39, "paper_versions", "Of a paper of one subject and period one version stands; each names the one before.",
        f"""
        SELECT p.id AS paper_id, p.number, p.kind, p.subject, p.version, b.version AS before
        FROM receipts_issuedpaper p LEFT JOIN receipts_issuedpaper b ON b.id = p.supersedes_id
        WHERE {mine("p.organization_id")} AND (p.version > 1) AND (b.id IS NULL OR b.version <> p.version - 1
          OR (b.kind, b.subject, b.period_start, b.period_end)
            IS DISTINCT FROM (p.kind, p.subject, p.period_start, p.period_end))
        UNION ALL
        SELECT min(p.id), min(p.number), p.kind, p.subject, count(*)::int, 0 FROM receipts_issuedpaper p
        WHERE {mine("p.organization_id")}
          AND NOT EXISTS (SELECT 1 FROM receipts_issuedpaper l WHERE l.supersedes_id = p.id)
        GROUP BY p.kind, p.subject, p.period_start, p.period_end HAVING count(*) > 1""",
    ),
    Rule(
        39, "statement_adds_up",
        "A statement's lines lead from opening to closing balance, and that is what is open less what is unapplied.",
        f"""
        SELECT p.id AS paper_id, p.number, b->>'currency' AS currency, b->>'closing' AS closing
        FROM receipts_issuedpaper p CROSS JOIN jsonb_array_elements(p.content->'facts'->'blocks') b
        WHERE p.kind IN ('statement', 'family') AND {mine("p.organization_id")} AND (
          (b->>'opening')::numeric + coalesce((SELECT sum((l->>'amount')::numeric)
            FROM jsonb_array_elements(b->'lines') l), 0) <> (b->>'closing')::numeric
          OR (SELECT sum(x::numeric) FROM jsonb_array_elements_text(b->'buckets') x) - (b->>'unapplied')::numeric
            <> (b->>'closing')::numeric
          OR coalesce((SELECT sum((o->>'amount')::numeric) FROM jsonb_array_elements(b->'open') o), 0)
            <> (SELECT sum(x::numeric) FROM jsonb_array_elements_text(b->'buckets') x))""",
    ),
    Rule(
        39, "paper_of_document", "The paper of an invoice or a credit memo bears its number and its amount.",
        f"""
        SELECT p.id AS paper_id, p.number, p.content->>'amount' AS says, i.number AS invoice, m.number AS memo
        FROM receipts_issuedpaper p
        LEFT JOIN billing_invoice i ON p.kind = 'tax_invoice' AND 'invoice:' || i.id = p.subject
        LEFT JOIN billing_creditmemo m ON p.kind = 'credit_memo' AND 'credit_memo:' || m.id = p.subject
        LEFT JOIN billing_credititem c ON c.id = m.credit_item_id
        WHERE p.kind IN ('tax_invoice', 'credit_memo') AND {mine("p.organization_id")}
          AND (p.organization_id, p.customer_id, p.number, (p.content->>'amount')::numeric) IS DISTINCT FROM (
            coalesce(i.organization_id, m.organization_id), coalesce(i.customer_id, c.customer_id),
            coalesce(i.number, m.number), coalesce(i.invoiced_amount, c.amount))""",
    ),
    Rule(
        39, "paper_handed_out_is_kept", "A paper that was handed out is in the archive.",
        f"""
        SELECT c.id AS copy_id, p.number FROM receipts_papercopy c JOIN receipts_issuedpaper p ON p.id = c.paper_id
        LEFT JOIN receipts_paperdocument d ON d.paper_id = p.id WHERE {mine("p.organization_id")} AND d.id IS NULL""",
    ),
    Rule(39, "paper_content", "A paper says what it said when it was issued.", ask=content_differs),
    Rule(39, "archive", "Every document is in the archive, byte for byte.", ask=archive_differs),
    Rule(
        42, "paper_mail_has_fact", "No message carries a paper that is not there, or one of another customer.",
        f"""
        SELECT n.id AS notice_id, n.attachment, p.number FROM office_notice n
        LEFT JOIN receipts_issuedpaper p ON n.attachment = 'paper:' || p.id AND p.customer_id = n.party
        WHERE n.attachment LIKE 'paper:%%' AND {mine("n.organization_id")} AND p.id IS NULL""",
    ),
]  # fmt: skip
