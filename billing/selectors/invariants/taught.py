"""Lessons, attendance, packages and lesson credits: what must always hold."""

from billing.selectors.proof import Rule, mine

# What was told last of each seat.
HEADS = "SELECT a.* FROM billing_attendance a WHERE NOT EXISTS" \
    " (SELECT 1 FROM billing_attendance n WHERE n.replaces_id = a.id)"  # fmt: skip

RULES = [
    Rule(
        5, "attendance_charge_is_its_own",
        "A charge of an attendance names it, is of its agreement and currency, and of a first telling has its amount.",
        f"""
        SELECT a.id AS attendance_id, a.ordinal, a.amount, c.id AS charge_id, c.source, c.net_amount
        FROM billing_attendance a JOIN billing_lessonseat s ON s.id = a.seat_id
        JOIN billing_charge c ON c.id = a.charge_id
        WHERE {mine("a.organization_id")} AND (c.source <> 'attendance:' || a.id OR c.agreement_id <> s.agreement_id
          OR c.currency <> a.currency OR (a.ordinal = 1 AND (a.paid_by <> 'charge' OR c.net_amount <> a.amount)))""",
    ),
    Rule(
        5, "charge_has_attendance", "Every charge for a lesson belongs to exactly one attendance.",
        f"""
        SELECT c.id AS charge_id, c.source, c.kind FROM billing_charge c
        LEFT JOIN billing_attendance a ON a.charge_id = c.id
        WHERE {mine("c.organization_id")} AND (a.id IS NULL) = (c.source LIKE 'attendance:%%')""",
    ),
    Rule(
        22, "corrections_add_up",
        "The charges of a seat add up to what was told last, with money that was given back and is charged again.",
        f"""
        SELECT h.id AS attendance_id, h.seat_id, h.paid_by, h.amount, coalesce(c.net, 0) AS charged,
          coalesce(m.net, 0) AS given_back
        FROM ({HEADS}) h
        LEFT JOIN (SELECT a.seat_id, sum(c.net_amount) AS net FROM billing_attendance a
                   JOIN billing_charge c ON c.id = a.charge_id AND c.state <> 'cancelled' GROUP BY 1) c
          ON c.seat_id = h.seat_id
        LEFT JOIN (SELECT a.seat_id, sum(m.net_amount) AS net FROM billing_lessoncredit l
                   JOIN billing_attendance a ON a.id = l.attendance_id
                   JOIN billing_creditmemo m ON m.id = l.credit_memo_id
                   WHERE l.withdrawn_on IS NOT NULL GROUP BY 1) m ON m.seat_id = h.seat_id
        WHERE {mine("h.organization_id")} AND coalesce(c.net, 0) <>
          CASE WHEN h.paid_by = 'charge' THEN h.amount ELSE 0 END + coalesce(m.net, 0)""",
    ),
    Rule(
        22, "attendance_is_a_chain",
        "What was told of a seat is one chain: each replaces the one before, none is missing.",
        f"""
        SELECT a.id AS attendance_id, a.seat_id, a.ordinal, a.replaces_id FROM billing_attendance a
        LEFT JOIN billing_attendance p ON p.id = a.replaces_id
        WHERE {mine("a.organization_id")} AND a.ordinal > 1
          AND (p.seat_id IS DISTINCT FROM a.seat_id OR p.ordinal IS DISTINCT FROM a.ordinal - 1)""",
    ),
    Rule(
        22, "package_used_is_its_uses",
        "Lessons taken of a package are the sum of its uses, and never more than it has.",
        f"""
        SELECT g.id AS agreement_id, g.number, g.package_size, g.package_used, coalesce(u.lessons, 0) AS uses
        FROM billing_agreement g
        LEFT JOIN (SELECT agreement_id, sum(lessons) AS lessons FROM billing_packageuse GROUP BY 1) u
          ON u.agreement_id = g.id
        WHERE {mine("g.organization_id")}
          AND (g.package_used <> coalesce(u.lessons, 0) OR g.package_used > g.package_size OR g.package_used < 0)""",
    ),
    Rule(
        22, "package_pays_for_a_lesson",
        "A seat told last as paid by the package took one lesson of it, any other none.",
        f"""
        SELECT h.id AS attendance_id, h.seat_id, h.paid_by, coalesce(u.lessons, 0) AS lessons
        FROM ({HEADS}) h
        LEFT JOIN (SELECT a.seat_id, sum(p.lessons) AS lessons FROM billing_packageuse p
                   JOIN billing_attendance a ON a.id = p.attendance_id GROUP BY 1) u ON u.seat_id = h.seat_id
        WHERE {mine("h.organization_id")}
          AND coalesce(u.lessons, 0) <> CASE WHEN h.paid_by = 'package' THEN 1 ELSE 0 END""",
    ),
    Rule(
        22, "lesson_credit_used_is_its_uses",
        "What was used of a lesson credit is the sum of its uses, within what was granted.",
        f"""
        SELECT l.id AS lesson_credit_id, l.kind, l.granted, l.used, coalesce(u.quantity, 0) AS uses
        FROM billing_lessoncredit l
        LEFT JOIN (SELECT credit_id, sum(quantity) AS quantity FROM billing_lessoncredituse GROUP BY 1) u
          ON u.credit_id = l.id
        WHERE {mine("l.organization_id")} AND (l.used <> coalesce(u.quantity, 0) OR l.used < 0 OR l.used > l.granted
          OR (l.kind = 'money' AND l.used <> 0))""",
    ),
    Rule(
        15, "lesson_credit_is_its_memo",
        "A lesson credit in money is its credit memo: the same customer, currency and amount.",
        f"""
        SELECT l.id AS lesson_credit_id, l.granted, m.number, c.amount FROM billing_lessoncredit l
        LEFT JOIN billing_creditmemo m ON m.id = l.credit_memo_id
        LEFT JOIN billing_credititem c ON c.id = m.credit_item_id
        WHERE {mine("l.organization_id")} AND ((l.kind = 'money') <> (m.id IS NOT NULL)
          OR m.id IS NOT NULL AND (c.amount, c.customer_id, c.currency) <> (l.granted, l.customer_id, l.currency))""",
    ),
    Rule(
        15, "lesson_credit_lapses_after_its_day", "No lesson credit lapses before its last day is over.",
        f"""
        SELECT l.id AS lesson_credit_id, l.kind, l.expires_on, l.expired_on FROM billing_lessoncredit l
        WHERE {mine("l.organization_id")} AND l.expired_on IS NOT NULL
          AND (l.expires_on IS NULL OR l.expired_on <= l.expires_on)""",
    ),
    Rule(
        45, "attendance_within_agreement",
        "Attendance is of the agreement's student and of days on which it ran, as far as was known when it was told.",
        f"""
        SELECT a.id AS attendance_id, g.number, d.day, g.starts_on, g.ends_on, g.student_id, s.student_id AS seated
        FROM billing_attendance a JOIN billing_lessonseat s ON s.id = a.seat_id
        JOIN billing_lesson l ON l.id = s.lesson_id JOIN billing_agreement g ON g.id = s.agreement_id
        JOIN office_organization o ON o.id = a.organization_id
        CROSS JOIN LATERAL (SELECT (l.starts_at AT TIME ZONE o.time_zone)::date AS day) d
        WHERE {mine("a.organization_id")} AND (d.day < g.starts_on OR g.student_id <> s.student_id
          OR g.kind NOT IN ('lessons', 'package', 'subscription')
          OR g.state IN ('cancelled', 'ended') AND d.day > g.ends_on AND EXISTS (
            SELECT 1 FROM billing_agreementchange c WHERE c.agreement_id = g.id
              AND c.kind IN ('cancelled', 'ended') AND c.made_at < a.recorded_at))""",
    ),
]  # fmt: skip
