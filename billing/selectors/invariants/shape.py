"""What every table of ours must keep, asked of the models themselves, so that a new table is in by itself."""

from collections.abc import Iterator

from django.apps import apps
from django.db import models

from billing.money import AmountField, CurrencyField
from billing.office.models import Organization
from billing.selectors.invariants.filled import filled
from billing.selectors.proof import Rule, mine

OURS = ("office", "ledger", "billing", "payments", "receipts", "reconciliation")


def amounts_that_do_not_fit() -> str:
    return " UNION ALL ".join(
        f"SELECT '{table}' AS of_table, id AS row_id, '{amount}' AS of_column, {amount} AS amount, currency"
        f" FROM {table} WHERE NOT money_fits({amount}, currency) AND {owner}"
        for table, amount, owner in _amounts()
    )


def children_of_other_organizations() -> str:
    references = list(_references(owned=True))
    there = filled(child for child, _column, _parent in references)
    return " UNION ALL ".join(
        f"SELECT '{child}' AS of_table, c.id AS row_id, '{column}' AS of_column, c.organization_id,"
        f" p.organization_id AS parent_organization_id FROM {child} c JOIN {parent} p ON p.id = c.{column}"
        f" WHERE c.organization_id <> p.organization_id AND {mine('c.organization_id')}"
        for child, column, parent in references
        if child in there
    )


def references_to_nothing() -> str:
    return " UNION ALL ".join(
        f"SELECT '{child}' AS of_table, c.id AS row_id, '{column}' AS of_column, c.{column} AS value"
        f" FROM {child} c LEFT JOIN {parent} p ON p.id = c.{column} WHERE c.{column} IS NOT NULL AND p.id IS NULL"
        for child, column, parent in _references(owned=False)
    )


def _models() -> Iterator[type[models.Model]]:
    for label in OURS:
        yield from apps.get_app_config(label).get_models()


def _amounts() -> Iterator[tuple[str, str, str]]:
    for model in _models():
        fields = {field.name: field for field in model._meta.concrete_fields}
        if not isinstance(fields.get("currency"), CurrencyField):
            continue
        owner = mine("organization_id") if "organization" in fields else "true"
        for field in fields.values():
            if isinstance(field, AmountField):
                yield model._meta.db_table, field.attname, owner


def _references(*, owned: bool) -> Iterator[tuple[str, str, str]]:
    """(table, column, table referred to); owned: both have an organization; else: no constraint of the database."""
    for model in _models():
        for field in model._meta.concrete_fields:
            if not isinstance(field, models.ForeignKey) or field.name == "organization":
                continue
            both = _has_organization(model) and _has_organization(field.related_model)
            loose = not field.db_constraint  # type: ignore[attr-defined]
            if both if owned else loose:
                yield model._meta.db_table, field.column, field.related_model._meta.db_table


def _has_organization(model: type[models.Model]) -> bool:
    return any(
        isinstance(field, models.ForeignKey) and field.related_model is Organization and field.name == "organization"
        for field in model._meta.concrete_fields
    )


RULES = [
    Rule(
        2, "amounts_fit_currency", "Every amount is a whole number of its currency's smallest unit.",
        amounts_that_do_not_fit,
    ),
    Rule(
        45, "same_organization", "Every row has the organization of the rows it refers to.",
        children_of_other_organizations,
    ),
    Rule(45, "references_exist", "Every row that another refers to is there.", references_to_nothing),
]  # fmt: skip
