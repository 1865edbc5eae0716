"""What matching rules post by themselves was tried and let by a second person (invariants 43, 45; R144)."""

from billing.selectors.invariants.office import guards_missing
from billing.selectors.proof import Rule, mine
from reconciliation.selectors.rule_trials import ENOUGH

RULES = [
    Rule(
        3, "rule_guards_in_place", "Trials of matching rules are guarded against change.",
        guards_missing(("reconciliation_ruletrial",), (), {}),
    ),
    Rule(
        43, "rule_acts_on_its_trial",
        "A matching rule acts by itself since a trial of what it says now had nothing against it and enough for it.",
        f"""
        SELECT r.id AS matching_rule_id, r.version, r.let_act_at
        FROM reconciliation_matchingrule r
        WHERE {mine("r.organization_id")} AND r.state = 'acts' AND r.deed <> 'person'
          AND NOT EXISTS (SELECT FROM reconciliation_ruletrial t WHERE t.rule_id = r.id AND t.version = r.version
            AND t.against = 0 AND t.agreed >= {ENOUGH}
            AND t.ran_at = r.let_act_at AND t.ran_by_id = r.let_act_by_id)""",
    ),
    Rule(
        43, "rule_let_act_by_another", "A matching rule acts by itself because another person than its writer let it.",
        f"""
        SELECT r.id AS matching_rule_id, r.changed_by_id, r.let_act_by_id
        FROM reconciliation_matchingrule r
        WHERE {mine("r.organization_id")} AND r.state = 'acts' AND r.deed <> 'person'
          AND (r.let_act_by_id IS NULL OR r.let_act_by_id = r.changed_by_id)""",
    ),
    Rule(
        43, "match_is_as_its_rule", "What a matching rule posted by itself is what it says, as long as it says so.",
        f"""
        SELECT m.id AS match_id, m.rule_id, m.rule_version, m.kind
        FROM reconciliation_match m JOIN reconciliation_matchingrule r ON r.id = m.rule_id
        WHERE {mine("m.organization_id")} AND m.is_automatic AND (m.rule_version > r.version
          OR m.rule_version = r.version AND CASE r.deed
            WHEN 'item' THEN m.kind <> 'bank_item' OR m.ledger_account_id <> r.ledger_account_id
            WHEN 'payment' THEN m.kind <> 'payment' OR m.customer_id <> r.customer_id
            WHEN 'suspense' THEN m.kind <> 'suspense' ELSE true END)""",
    ),
    Rule(
        45, "rule_same_organization", "A matching rule, what it names, its trials and matches are of one organization.",
        f"""
        SELECT 'rule' AS what, r.id AS row_id FROM reconciliation_matchingrule r
        LEFT JOIN payments_bankaccount b ON b.id = r.bank_account_id
        LEFT JOIN ledger_ledgeraccount a ON a.id = r.ledger_account_id
        LEFT JOIN billing_customer c ON c.id = r.customer_id
        WHERE {mine("r.organization_id")} AND (r.organization_id <> b.organization_id
          OR r.organization_id <> a.organization_id OR r.organization_id <> c.organization_id)
        UNION ALL SELECT 'trial', t.id FROM reconciliation_ruletrial t
        JOIN reconciliation_matchingrule r ON r.id = t.rule_id
        WHERE {mine("t.organization_id")} AND t.organization_id <> r.organization_id
        UNION ALL SELECT 'match', m.id FROM reconciliation_match m
        JOIN reconciliation_matchingrule r ON r.id = m.rule_id
        WHERE {mine("m.organization_id")} AND m.organization_id <> r.organization_id""",
    ),
]  # fmt: skip
