"""Jobs of reconciliation, offered the time once a minute by config.tasks."""

import time
from collections.abc import Iterable
from datetime import datetime

import structlog

from billing.office.acting import acting
from billing.office.clock import now as read_clock
from billing.transactions import in_transaction
from payments.models import BankAccount
from reconciliation.models import BankFile
from reconciliation.selectors.lines_to_match import accounts_of_rule, accounts_waiting
from reconciliation.services.auto_matching import match_open_lines
from reconciliation.services.importing import read_bank_file
from reconciliation.services.packing import make_packs
from reconciliation.services.payer_questions import lapse_questions
from reconciliation.services.processors import proving as processors
from reconciliation.services.proving import prove_due
from reconciliation.services.tending import tend_matches
from reconciliation.services.zoho.comparing import compare_due

log = structlog.get_logger(__name__)

READ_SECONDS = 60  # no further file is begun after this long
MATCH_SECONDS = 30  # nor are further lines, of all accounts together; the next minute goes on
# No proof is begun after this long, so that the other jobs of the minute are not kept waiting by many organizations.
PROVE_SECONDS = 20


def read_bank_files(now: datetime) -> int:
    """Read files that wait, one after another, and match what they brought; also those whose reader died."""
    started, done = time.monotonic(), 0
    with acting(None, "job read_bank_files"):
        while time.monotonic() - started < READ_SECONDS:
            file = read_bank_file(now=now)
            if file is None:
                break
            _match_new(file, now)
            done += 1
    return done


def read_one(bank_file_id: int) -> str:
    """The doorbell of a file that was handed in just now; the tick finds it too. Returns what became of it."""
    now = read_clock()
    with acting(None, "job read_one"):
        file = read_bank_file(bank_file_id=bank_file_id, now=now)
        if file is None:
            return "not waiting"
        _match_new(file, now)
    return file.state


def match_by_rule(rule_id: int) -> int:
    """The doorbell of a matching rule that was changed just now: open lines it may be about are looked at anew."""
    with acting(None, "job match_by_rule"):
        return _match_each(accounts_of_rule(rule_id), read_clock())


def _match_new(file: BankFile, now: datetime) -> None:
    _match_each(BankAccount.objects.filter(statements__bank_file=file).distinct().order_by("pk"), now)


def _match_each(accounts: Iterable[BankAccount], now: datetime) -> int:
    """Returns how many lines were looked at."""
    done, until = 0, time.monotonic_ns() + MATCH_SECONDS * 10**9
    for account in accounts:
        try:
            done += match_open_lines(bank_account=account, now=now, until=until).lines
        except Exception:  # the border between accounts: whatever one's lines do, the next must be matched
            log.exception("account_not_matched", bank_account=account.pk)
    return done


MATCH_AT = 25  # the minute of each hour


def match_waiting(now: datetime) -> int:
    """Look at lines that nobody came to yet; once an hour at all that wait, for an invoice or a name may have become
    known since."""
    with acting(None, "job match_waiting"):
        return _match_each(accounts_waiting(unseen=now.minute != MATCH_AT), now)


def tend_matched(now: datetime) -> int:
    """Follow payments made from bank lines that waited for a second person."""
    with acting(None, "job tend_matched"):
        return tend_matches(now=now)


def prove_books(now: datetime) -> int:
    """Once a night of each organization's calendar, and when somebody asks: every invariant of its books."""
    with acting(None, "job prove_books"):
        return prove_due(now=now, seconds=PROVE_SECONDS)


def pack_months(now: datetime) -> int:
    """Make the packs of months that are to be locked, and lock them."""
    with acting(None, "job pack_months"):
        return make_packs(now=now)


def prove_processors(now: datetime) -> int:
    """Once a day of each organization's calendar: what lies at each processor, and what differs there."""
    with acting(None, "job prove_processors"):
        return processors.prove_due(now=now)


def compare_zoho(now: datetime) -> int:
    """Once a day: our subscriptions and invoices beside Zoho's; again where Zoho could not be read or news may come."""
    with acting(None, "job compare_zoho"):
        return compare_due(now=now)


def lapse_payer_questions(now: datetime) -> int:
    """Close questions to payers that nobody answered in time, and those of lines explained meanwhile."""
    with acting(None, "job lapse_payer_questions"):
        return in_transaction(lambda: lapse_questions(now))
