"""Cheques taken before they had a life of their own: in hand, with the facts of the payment they came with."""

from django.db import migrations

SQL = """
ALTER TABLE payments_cheque DISABLE TRIGGER frozen;
UPDATE payments_cheque c SET customer_id = p.customer_id, currency = p.currency, amount = p.amount,
  received_on = p.received_on, recorded_at = p.recorded_at, recorded_by_id = p.recorded_by_id,
  matures_on = greatest(c.cheque_date, p.received_on),
  state = CASE c.state WHEN 'received' THEN 'due' ELSE c.state END
FROM payments_payment p WHERE p.id = c.payment_id;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE payments_cheque ENABLE TRIGGER frozen;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_cheques_cash_refunds")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
