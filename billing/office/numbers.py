"""Number series without holes: one row each below (R9, R101, R153)."""

from datetime import date

from django.db import connection

from billing.office.models import Organization
from billing.transactions import transaction_required

# series: how its period and its number are written. PAY and REF restart monthly, TXN daily, the rest yearly.
FORMATS = {
    "PAY": ("{day:%Y-%m}", "PAY-{day:%Y-%m}-{n:08d}"),
    "TXN": ("{day:%Y%m%d}", "TXN-{day:%Y%m%d}-{n:06d}"),
    "ATT": ("{day:%Y%m%d}", "ATT-{day:%Y%m%d}-{n:06d}"),  # attempts at processors
    "RCP": ("{day:%Y}", "RCP-{day:%Y}-{n:08d}"),
    "REF": ("{day:%Y-%m}", "REF-{day:%Y-%m}-{n:08d}"),
    "INV": ("{day:%Y}", "INV-{day:%Y}-{n:08d}"),
    "CM": ("{day:%Y}", "CM-{day:%Y}-{n:08d}"),
    "DEP": ("{day:%Y}", "DEP-{day:%Y}-{n:08d}"),
    "DSP": ("{day:%Y}", "DSP-{day:%Y}-{n:08d}"),
    "TRF": ("{day:%Y}", "TRF-{day:%Y}-{n:08d}"),
    "AGR": ("{day:%Y}", "AGR-{day:%Y}-{n:08d}"),  # agreements
    "POL": ("{day:%Y}", "POL-{day:%Y}-{n:06d}"),  # insurance policies that bring no number of their own
    "RUN": ("{day:%Y}", "RUN-{day:%Y}-{n:06d}"),  # billing runs
    "DPL": ("{day:%Y}", "DPL-{day:%Y}-{n:06d}"),  # payment plans for debts
    "COL": ("{day:%Y}", "COL-{day:%Y}-{n:06d}"),  # collection cases
    "LOAN": ("{day:%Y}", "LOAN-{day:%Y}-{n:06d}"),
    "OUT": ("{day:%Y}", "OUT-{day:%Y}-{n:06d}"),  # payout batches
    "GLB": ("{day:%Y}", "GLB-{day:%Y}-{n:06d}"),  # batches posted to the general ledger
    "ADJ": ("{day:%Y}", "ADJ-{day:%Y}-{n:06d}"),  # adjustments of the books
    "STM": ("{day:%Y}", "STM-{day:%Y}-{n:08d}"),  # statements of account
    "RFS": ("{day:%Y}", "RFS-{day:%Y}-{n:08d}"),  # refund statements
    "YRP": ("{day:%Y}", "YRP-{day:%Y}-{n:08d}"),  # what families paid in a year
    "ERN": ("{day:%Y}", "ERN-{day:%Y}-{n:08d}"),  # earnings statements
    "YRE": ("{day:%Y}", "YRE-{day:%Y}-{n:08d}"),  # what providers earned in a year
    "GLX": ("{day:%Y}", "GLX-{day:%Y}-{n:06d}"),  # exports of the journal
}


@transaction_required
def take_numbers(organization: Organization, day: date, wanted: dict[str, int]) -> dict[str, list[str]]:
    """Give `wanted[series]` consecutive numbers of each series, in the organization's calendar.

    Locks the counter rows until commit: call it last. One statement for all series.
    """
    rows = sorted((series, FORMATS[series][0].format(day=day), count) for series, count in wanted.items() if count)
    if not rows:
        return {series: [] for series in wanted}
    values = ",".join(["(%s,%s,%s,%s)"] * len(rows))
    params = [item for series, period, count in rows for item in (organization.pk, series, period, count)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO office_numberseries (organization_id, series, period, last) VALUES {values}"
            " ON CONFLICT (organization_id, series, period) DO UPDATE"
            " SET last = office_numberseries.last + excluded.last RETURNING series, last",
            params,
        )
        last = dict(cursor.fetchall())
    return {
        series: [FORMATS[series][1].format(day=day, n=n) for n in range(last[series] - count + 1, last[series] + 1)]
        if count
        else []
        for series, count in wanted.items()
    }


@transaction_required
def hold_series(organization: Organization, day: date, *series: str) -> None:
    """Lock the counters of series before anything is posted, for a service that numbers a document only afterwards.

    Document counters come before the journal's everywhere; taken the other way round, two transactions would wait for
    each other. A series that has given no number yet has nothing to lock.
    """
    periods = [FORMATS[name][0].format(day=day) for name in sorted(series)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM office_numberseries WHERE organization_id = %s AND (series, period) IN"
            " (SELECT unnest(%s::text[]), unnest(%s::text[])) ORDER BY series FOR NO KEY UPDATE",
            [organization.pk, sorted(series), periods],
        )
