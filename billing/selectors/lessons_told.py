"""Lessons told of in periods that are not billed yet, for the estimate of what these come to (R55)."""

from collections.abc import Iterable

from django.db import connection

from billing.models import Agreement, Basis
from billing.office.models import Organization
from billing.rules.estimates import ToldLesson

TOLD = """
SELECT s.agreement_id, d.day, coalesce(sum(c.net_amount), 0), coalesce(sum(c.tax_amount), 0)
FROM billing_installment i
JOIN billing_lessonseat s ON s.agreement_id = i.agreement_id JOIN billing_lesson l ON l.id = s.lesson_id
CROSS JOIN LATERAL (SELECT (l.starts_at AT TIME ZONE %(zone)s)::date AS day) d
JOIN billing_attendance a ON a.seat_id = s.id
LEFT JOIN billing_charge c ON c.id = a.charge_id AND c.state <> 'cancelled'
WHERE i.agreement_id = ANY(%(agreements)s) AND i.is_estimate AND i.state = 'planned'
  AND d.day BETWEEN i.period_start AND i.period_end
GROUP BY s.id, s.agreement_id, d.day ORDER BY d.day, s.id"""


def lessons_told(organization: Organization, agreements: Iterable[Agreement]) -> dict[int, list[ToldLesson]]:
    """Of those billed by attendance; by agreement. One query, none where there is no such agreement."""
    ids = [agreement.pk for agreement in agreements if agreement.basis == Basis.ATTENDANCE]
    found: dict[int, list[ToldLesson]] = {}
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(TOLD, {"agreements": ids, "zone": organization.time_zone})
            for key, day, net, tax in cursor.fetchall():
                found.setdefault(key, []).append(ToldLesson(day, net, tax))
    return found
