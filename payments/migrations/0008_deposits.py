"""The total of a deposit is the database's own sum: it is not there yet when the guard looks, and follows anyway."""

from django.db import migrations

GUARD = """
DROP TRIGGER frozen ON payments_deposit;
DROP TRIGGER frozen_whole ON payments_deposit;
SELECT office_protect_frozen('payments_deposit', 'state', 'deposited_on', 'slip_reference', 'deposited_at',
  'deposited_by_id', 'entry_id', 'total_amount');
"""
UNDO = """
DROP TRIGGER frozen ON payments_deposit;
DROP TRIGGER frozen_whole ON payments_deposit;
SELECT office_protect_frozen('payments_deposit', 'state', 'deposited_on', 'slip_reference', 'deposited_at',
  'deposited_by_id', 'entry_id');
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_vault")]
    operations = [migrations.RunSQL(GUARD, UNDO)]
