"""What our books, a processor's report and the bank say of each charge and batch, where they do not agree (R151)."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Sum

from billing.ledger.models import JournalLine
from billing.money import ZERO
from payments.models import GatewayAccount
from reconciliation.rules.processor_proof import Batch, Side

# Of what is in our books: a charge, its return, its chargebacks and a void of it are one thing; a refund that the
# processor was asked for is another, because the report has a line of its own for it.
BOOKED = """
  SELECT coalesce('attempt:' || a.id, 'payment:' || p.id) AS subject, a.id AS attempt_id, p.id AS payment_id,
    p.currency, p.amount AS taken, 0 AS back, p.received_on AS day, NULL::date AS back_on, p.method
  FROM payments_payment p LEFT JOIN payments_paymentattempt a ON a.payment_id = p.id
  WHERE p.gateway_account_id = %(account)s AND p.bank_account_id IS NULL AND p.entry_id IS NOT NULL
    AND p.state <> 'voided'
  UNION ALL
  SELECT coalesce('attempt:' || a.id, 'payment:' || p.id), a.id, p.id, p.currency, 0, p.amount, NULL, r.returned_on,
    p.method
  FROM payments_debitreturn r JOIN payments_payment p ON p.id = r.payment_id
  LEFT JOIN payments_paymentattempt a ON a.payment_id = p.id WHERE p.gateway_account_id = %(account)s
  UNION ALL
  SELECT CASE WHEN g.operation = 'refund' THEN 'attempt:' || g.id
              WHEN g.operation = 'void' THEN coalesce('attempt:' || a.id, 'payment:' || p.id)
              ELSE 'refund:' || f.id END,
    CASE WHEN g.operation = 'refund' THEN g.id WHEN g.operation = 'void' THEN a.id END, p.id,
    f.currency, 0, f.paid_amount, NULL, f.processed_on, p.method
  FROM payments_refund f JOIN payments_payment p ON p.id = f.payment_id
  JOIN payments_refundattempt t ON t.refund_id = f.id AND t.state = 'succeeded'
  LEFT JOIN payments_paymentattempt g ON g.id = t.gateway_attempt_id
  LEFT JOIN payments_paymentattempt a ON a.payment_id = p.id
  WHERE p.gateway_account_id = %(account)s AND f.state = 'processed' AND t.method = p.method
    AND t.bank_account_id IS NULL AND p.bank_account_id IS NULL
  UNION ALL
  SELECT coalesce('attempt:' || a.id, 'payment:' || p.id), a.id, p.id, d.currency, 0,
    CASE WHEN d.state IN ('open', 'answered') THEN d.amount ELSE d.lost_amount END, NULL, d.opened_on, p.method
  FROM payments_dispute d JOIN payments_payment p ON p.id = d.payment_id
  LEFT JOIN payments_paymentattempt a ON a.payment_id = p.id
  WHERE p.gateway_account_id = %(account)s AND d.kind = 'chargeback' AND p.bank_account_id IS NULL"""
TOLD = """
  SELECT coalesce('attempt:' || l.attempt_id, 'line:' || l.id) AS subject, s.currency, min(l.attempt_id) AS attempt_id,
    min(l.id) AS line_id, min(s.id) AS settlement_id, min(s.settled_on) AS told_on,
    coalesce(sum(l.amount) FILTER (WHERE l.moved = 'capture'), 0) AS told_taken,
    coalesce(sum(CASE WHEN l.moved IN ('refund', 'return', 'chargeback') THEN l.amount
                      WHEN l.moved = 'chargeback_won' THEN -l.amount END), 0) AS told_back,
    greatest(count(*) FILTER (WHERE l.moved = 'capture'), count(*) FILTER (WHERE l.moved = 'refund')) AS told
  FROM payments_settlementline l JOIN payments_settlement s ON s.id = l.settlement_id
  WHERE s.gateway_account_id = %(account)s
    AND l.moved IN ('capture', 'refund', 'return', 'chargeback', 'chargeback_won')
  GROUP BY 1, 2"""
SIDES = f"""
  WITH booked AS (
    SELECT subject, currency, min(attempt_id) AS attempt_id, min(payment_id) AS payment_id, sum(taken) AS taken,
      sum(back) AS back, min(day) AS day, max(back_on) AS back_on, min(method) AS method
    FROM ({BOOKED}) b GROUP BY 1, 2), told AS ({TOLD})
  SELECT coalesce(b.subject, t.subject) AS subject, coalesce(b.currency, t.currency) AS currency,
    coalesce(b.taken, 0) AS taken, coalesce(b.back, 0) AS back, coalesce(t.told_taken, 0) AS told_taken,
    coalesce(t.told_back, 0) AS told_back, coalesce(t.told, 0) AS told, b.day AS "on", b.back_on, t.told_on,
    coalesce(b.method, '') AS method, coalesce(a.currency, '') AS asked,
    coalesce(b.attempt_id, t.attempt_id) AS attempt_id, b.payment_id, t.line_id, t.settlement_id
  FROM booked b FULL JOIN told t ON t.subject = b.subject AND t.currency = b.currency
  LEFT JOIN payments_paymentattempt a ON a.id = coalesce(b.attempt_id, t.attempt_id)
  WHERE coalesce(b.taken, 0) - coalesce(b.back, 0) <> coalesce(t.told_taken, 0) - coalesce(t.told_back, 0)
    OR t.told > 1 OR a.currency <> coalesce(b.currency, t.currency)
  ORDER BY 1, 2"""
BATCHES = """
  SELECT s.id AS settlement_id, s.currency, s.settled_on AS "on",
    s.gross_amount - s.refunded_amount - s.returned_amount - s.charged_back_amount - s.fee_amount AS net,
    s.gross_amount AS captured, s.fee_amount AS fees,
    (SELECT count(*) FROM payments_settlementline l WHERE l.settlement_id = s.id AND l.moved = 'capture') AS captures
  FROM payments_settlement s WHERE s.gateway_account_id = %(account)s ORDER BY s.settled_on, s.id"""


def sides_of(account: GatewayAccount) -> dict[str, list[Side]]:
    """By currency, only what does not agree. One query over all that the account ever had."""
    found: dict[str, list[Side]] = {}
    for row in _rows(SIDES, {"account": account.pk}):
        found.setdefault(row["currency"], []).append(Side(**row))
    return found


def batches_of(account: GatewayAccount) -> dict[str, list[Batch]]:
    """Settlements by currency. One query."""
    found: dict[str, list[Batch]] = {}
    for row in _rows(BATCHES, {"account": account.pk}):
        found.setdefault(row["currency"], []).append(Batch(**row))
    return found


def balances_of(account: GatewayAccount) -> dict[str, Decimal]:
    """What lies in the clearing account by the journal, by currency. One query."""
    rows = JournalLine.objects.filter(account_id=account.ledger_account_id).order_by()
    sums = rows.values_list("currency").annotate(debits=Sum("debit"), credits=Sum("credit"))
    return {currency: (debits or ZERO) - (credits or ZERO) for currency, debits, credits in sums}


def adjustments_of(account: GatewayAccount) -> list[tuple[int, int, str, Decimal, date]]:
    """(line, settlement, currency, amount, day) of what a processor changed in its own sums. One query."""
    sql = """
      SELECT l.id, s.id AS settlement_id, s.currency, l.amount, s.settled_on FROM payments_settlementline l
      JOIN payments_settlement s ON s.id = l.settlement_id
      WHERE s.gateway_account_id = %(account)s AND l.moved = 'adjustment' ORDER BY l.id"""
    return [tuple(row.values()) for row in _rows(sql, {"account": account.pk})]


def _rows(sql: str, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description]
        for row in cursor.fetchall():
            yield dict(zip(names, row, strict=True))
