"""What is no fresh payment of a customer: the bank's own items, repetitions, returns."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta

from billing.rules.priced import step
from reconciliation.rules.matching.book import Book, Seen
from reconciliation.rules.matching.facts import Action, Decision, LineFacts
from reconciliation.rules.matching.normalising import upper, without_marks, words
from reconciliation.rules.matching.scoring import SURE, UNSURE

BANK_PHRASES = (
    "BANK CHARGE", "BANK CHARGES", "BANK FEE", "BANK FEES", "SERVICE CHARGE", "ACCOUNT FEE", "INTEREST CREDIT",
    "CREDIT INTEREST", "INTEREST", "INTEREST PAID", "SALARY", "SALARIES", "SALARY RUN", "PAYROLL", "WAGES",
    "TAX OFFICE", "OWN TRANSFER", "INTERNAL TRANSFER", "SWEEP", "CARD SETTLEMENT", "MERCHANT SETTLEMENT",
    "KONTOFUHRUNG", "KONTOFUHRUNGSGEBUHR", "ENTGELTABSCHLUSS", "ZINSEN", "HABENZINSEN", "LOHN GEHALT", "GEHALT",
    "FINANZAMT", "UMBUCHUNG", "EIGENUBERTRAG", "手續費", "利息", "存款息", "薪資", "統一繳稅", "繳稅",
)  # fmt: skip
BANK_CODES = {"CHRG", "FEES", "INTR", "COMM", "SALA", "TAXS", "CHG", "INT", "COM", "CHARGES"}
RETURN_WORDS = re.compile(
    r"\b(RETURN|RETURNED|REVERSAL|REVERSED|REV|RETOURE|RUECKLASTSCHRIFT|RÜCKLASTSCHRIFT|RUCKLASTSCHRIFT|STORNO|R-TRANS"
    r"|CHARGEBACK|BOUNCED|DISHONOURED|NSF)\b|退票|退匯|沖正|沖銷"
)
TOKEN = re.compile(r"[0-9A-Z]{6,}")


def repetition_or_return(line: LineFacts, book: Book) -> Decision | None:
    """The decision for a line that is about an earlier one. No rule of the house touches these."""
    repeated = _repeated(line, book)
    if repeated is not None:
        return repeated
    return _taken_back(line, book) if is_return(line) else None


def no_payment(line: LineFacts, book: Book) -> Decision | None:
    """The decision for a line that pays nothing by itself, None where it may be a payment."""
    if is_bank_item(line, book):
        return Decision(line.id, Action.IGNORE, "bank_item", SURE, evidence=(step("bank_item"),))
    if line.amount <= 0:
        return Decision(line.id, Action.NONE, "money_out", UNSURE, evidence=(step("money_out"),))
    return None


def _repeated(line: LineFacts, book: Book) -> Decision | None:
    """The bank wrote one payment twice: same reference, same amount, same words. A shared reference alone is none."""
    if not line.bank_reference:
        return _suspected(line)
    for seen in book.by_bank_reference.get(line.bank_reference, ()):
        if seen.line.id != line.id and not seen.is_duplicate and _says_the_same(seen.line, line):
            evidence = (step("same_bank_reference", reference=line.bank_reference),)
            return Decision(line.id, Action.DUPLICATE, "duplicate", SURE, other_line=seen.line.id, evidence=evidence)
    return _suspected(line)


def _suspected(line: LineFacts) -> Decision | None:
    if not line.is_suspected_duplicate:
        return None
    return Decision(line.id, Action.NONE, "suspected_duplicate", UNSURE, evidence=(step("suspected_duplicate"),))


def _says_the_same(one: LineFacts, other: LineFacts) -> bool:
    return (one.amount, one.currency, one.end_to_end_id, one.text, one.party_name, one.party_account) == (
        other.amount, other.currency, other.end_to_end_id, other.text, other.party_name, other.party_account,
    )  # fmt: skip


def is_return(line: LineFacts) -> bool:
    """Money taken back: the bank marks it, gives a reason, or says so while money leaves."""
    if line.is_reversal or line.return_code:
        return True
    return line.amount < 0 and bool(RETURN_WORDS.search(upper(f"{line.text} {line.code}")))


def _taken_back(line: LineFacts, book: Book) -> Decision:
    original = _original(line, book)
    if original is None:
        evidence = (step("return_without_original"),)
        return Decision(line.id, Action.NONE, "return_without_original", UNSURE, evidence=evidence)
    evidence = (step("takes_back", back_on=original.line.booked_on),)
    customer = original.decision.customer_id if original.decision else None
    return Decision(
        line.id, Action.REVERSAL, "reversal", SURE, customer, other_line=original.line.id, evidence=evidence
    )


def _original(line: LineFacts, book: Book) -> Seen | None:
    """The line taken back: by a bank reference it quotes, by its end-to-end id, or by payer and amount, if only one."""
    for found in _candidates(line, book):
        fitting = [seen for seen in found if _may_be_original(seen, line, book)]
        if fitting:
            same = {(s.line.party_account, s.line.party_name, s.line.text) for s in fitting}
            return fitting[0] if len(same) == 1 else None
    return None


def _candidates(line: LineFacts, book: Book) -> Iterator[Iterable[Seen]]:
    quoted = [line.original_reference, *TOKEN.findall(upper(line.text))]
    yield [seen for reference in quoted if reference for seen in book.by_bank_reference.get(reference, ())]
    given = [one for one in (line.original_reference, line.end_to_end_id) if one]
    yield [seen for one in given for seen in book.by_end_to_end.get(one, ())]
    yield [seen for seen in book.by_amount_seen.get(-line.amount, ()) if _same_party(seen.line, line)]


def _same_party(one: LineFacts, other: LineFacts) -> bool:
    if one.party_account and other.party_account:
        return one.party_account == other.party_account
    return bool(one.party_name) and one.party_name == other.party_name


def _may_be_original(seen: Seen, line: LineFacts, book: Book) -> bool:
    if seen.is_reversed or seen.is_duplicate or seen.line.id == line.id or seen.line.amount != -line.amount:
        return False
    return abs(line.booked_on - seen.line.booked_on) <= timedelta(days=book.policy.reversal_days)


def is_bank_item(line: LineFacts, book: Book) -> bool:
    """Fees, interest, wages, taxes, own transfers, a processor's payout: by the bank's code or in so many words."""
    codes = {piece.removeprefix("N") for piece in re.split(r"[^0-9A-Z]+", line.code.upper())}
    if codes & BANK_CODES:
        return True
    if book.names.find(line.party_name).is_strong or book.accounts.owner(line.party_account):
        return False
    return any(_is_phrase(text) for text in (line.party_name, line.text) if text)


def _is_phrase(text: str) -> bool:
    """Whether the text says nothing but a bank's phrase, once or twice, with figures at most."""
    plain = " ".join(words(without_marks(upper(text))))
    rest = plain
    for phrase in sorted(BANK_PHRASES, key=len, reverse=True):
        rest = rest.replace(phrase, " ")
    return rest != plain and not re.search(r"[A-Z\u3400-\u9fff]{3,}", rest)
