"""Where money of a credit item was moved to, and on from there."""

from collections.abc import Iterable, Sequence

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from billing.models import CreditItem, CreditTransfer, Customer
from billing.selectors.timeline import FactKind, Rows, facts, timeline_source


def standing_transfers(credit_items: Iterable[int]) -> Sequence[CreditTransfer]:
    """Transfers out of credit items that were not taken back, the earliest first. One query."""
    rows = CreditTransfer.objects.filter(from_item__in=list(credit_items), undone_on__isnull=True)
    return list(rows.select_related("to_item", "to_item__customer", "from_item", "entry").order_by("id"))


def customers_touched(credit_item: CreditItem) -> set[int]:
    """The customer of a credit item, and all whom money of it was moved to and on. One query a step."""
    found = {credit_item.customer_id}
    items = {credit_item.pk}
    while items:
        transfers = standing_transfers(items)
        items = {transfer.to_item_id for transfer in transfers}
        found |= {transfer.to_item.customer_id for transfer in transfers}
    return found


def chain_of(credit_item: CreditItem) -> list[CreditTransfer]:
    """Every standing transfer of a credit item, those of whom it was moved on first. One query a step."""
    found: list[CreditTransfer] = []
    for transfer in standing_transfers([credit_item.pk]):
        found += [*chain_of(transfer.to_item), transfer]
    return found


def transfers_of(credit_item: CreditItem) -> list[CreditTransfer]:
    """All transfers out of a credit item, and the one that made it, with what was taken back. One query."""
    rows = CreditTransfer.objects.filter(Q(from_item=credit_item) | Q(to_item=credit_item))
    related = ("from_item", "from_item__customer", "to_item", "to_item__customer", "made_by", "approval")
    return list(rows.select_related(*related).order_by("id"))


@timeline_source(
    {
        "money_moved_out": FactKind(_("Money moved to another customer"), "credit"),
        "money_moved_in": FactKind(_("Money moved here from another customer"), "credit"),
        "money_fetched_back": FactKind(_("Moved money fetched back"), "credit"),
    }
)
def _moves(customer: Customer) -> list[Rows]:
    """For both: when it moved and when it was fetched back."""
    out = CreditTransfer.objects.filter(from_item__customer=customer)
    here = CreditTransfer.objects.filter(to_item__customer=customer)
    money = {"amount": "amount", "currency": "currency"}
    both = Concat(F("from_item__number"), Value(" → "), F("number"), output_field=CharField())
    rows = [
        facts(out, "money_moved_out", at="made_at", key="from_item_id", number=both, who="made_by",
              detail=Concat(F("to_item__customer__name"), Value(": "), F("consent"), output_field=CharField()),
              **money),
        facts(here, "money_moved_in", at="made_at", key="to_item_id", number=both, who="made_by",
              detail=Concat(F("from_item__customer__name"), Value(": "), F("reason"), output_field=CharField()),
              **money),
    ]  # fmt: skip
    for found, key in ((out, "from_item_id"), (here, "to_item_id")):
        undone = found.filter(undo_entry__isnull=False)
        told = facts(undone, "money_fetched_back", at="undo_entry__posted_at", key=key, number=both,
                     detail=F("undo_entry__reason"), who="undo_entry__posted_by", **money)  # fmt: skip
        rows.append(told)
    return rows
