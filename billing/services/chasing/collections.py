"""Working on collection cases: a collector, notes, an agency, how they end (R134, R136)."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.models import CollectionCase, CollectionNote, Customer, DunningCase, Invoice
from billing.models.dunning import CASE_MOVES, COLLECTION_MOVES, CaseState, CollectionState, NoteKind
from billing.office.access import modes_in
from billing.office.models import User
from billing.office.models.user import Mode
from billing.services.chasing.collecting import open_amount_of, open_collections
from billing.services.chasing.timelines import recompute
from billing.services.locking import lock_customers
from billing.states import move, move_many
from billing.transactions import transaction_required

COLLECT = "manage_collections"
OUTCOMES = {
    "paid": _("all is paid"), "plan": _("a debt plan was agreed"), "given_up": _("given up"),
    "recalled": _("taken back to ordinary reminders"),
}  # fmt: skip


@transaction_required
def open_by_hand(
    *, customer: Customer, invoice_ids: Iterable[int], reason: str, now: datetime, by: User
) -> CollectionCase:  # fmt: skip
    """Open a collection case about overdue invoices before their timeline does. Raises BadInput."""
    organization = customer.organization
    lock_customers(organization, [customer.pk])
    today = organization.today(now)
    chosen = Invoice.objects.filter(customer=customer, pk__in=list(invoice_ids)).overdue(today)
    invoices = list(chosen.order_by("id"))
    if not invoices or len(invoices) != len(set(invoice_ids)):
        raise BadInput(_("Choose overdue invoices of this customer."), field="invoices", code="not_overdue_here")
    if len({invoice.currency for invoice in invoices}) > 1:
        raise BadInput(_("Choose invoices of one currency."), field="invoices", code="several_currencies")
    text = clean_text(reason, field="reason", longest=400, required=True)
    recompute(organization=organization, invoice_ids=[invoice.pk for invoice in invoices], now=now, by=by)
    cases = DunningCase.objects.filter(invoice__in=invoices).select_related("invoice", "customer")
    made = open_collections(organization=organization, cases=list(cases), today=today, now=now)[0]
    add_note(case=made, kind=NoteKind.NOTE, text=text, now=now, by=by)
    return made


@transaction_required
def assign(*, case: CollectionCase, collector: User, now: datetime, by: User) -> CollectionCase:
    """Make somebody who may work on collections answer for a case. Raises BadInput."""
    if Mode.DO not in modes_in(collector, case.organization).get(COLLECT, frozenset()):
        raise BadInput(_("Choose somebody who works on collections here."), field="collector", code="not_a_collector")
    case = lock_case(case)
    case.collector = collector
    case.save(update_fields=["collector"])
    return case


@transaction_required
def add_note(
    *, case: CollectionCase, kind: str, text: str, now: datetime, by: User | None, source: str = ""
) -> CollectionNote:  # fmt: skip
    """Write down what was done about a case: a call, a letter, a visit. Raises BadInput."""
    if kind not in NoteKind.values:
        raise BadInput(_("Choose what was done."), field="kind", code="unknown_kind")
    words = clean_text(text, field="text", longest=400, required=True)
    return CollectionNote.objects.create(
        organization=case.organization, case=case, kind=kind, text=words, source=source, made_at=now, made_by=by
    )


@transaction_required
def hand_over(
    *, case: CollectionCase, agency: str, reference: str, now: datetime, by: User
) -> CollectionCase:  # fmt: skip
    """Give a case to an agency. Raises BadInput, IllegalTransition."""
    agency = clean_text(agency, field="agency", longest=80, required=True)
    reference = clean_text(reference, field="reference", longest=60)
    case = lock_case(case)
    move(case, CollectionState.AGENCY, COLLECTION_MOVES, agency=agency, agency_reference=reference)
    add_note(case=case, kind=NoteKind.STATUS, text=f"Handed to {agency}.", now=now, by=by)
    return case


@transaction_required
def take_back(*, case: CollectionCase, now: datetime, by: User) -> CollectionCase:
    """Take a case back from its agency, to work on it here. Raises IllegalTransition."""
    case = lock_case(case)
    move(case, CollectionState.OPEN, COLLECTION_MOVES)
    add_note(case=case, kind=NoteKind.STATUS, text=f"Taken back from {case.agency}.", now=now, by=by)
    return case


@transaction_required
def close_case(*, case: CollectionCase, outcome: str, now: datetime, by: User | None) -> CollectionCase:
    """Close a case. Invoices that are still open go back to their timelines. Raises BadInput, IllegalTransition."""
    if outcome not in OUTCOMES:
        raise BadInput(_("Choose what came of it."), field="outcome", code="unknown_outcome")
    case = lock_case(case)
    if outcome == "paid" and open_amount_of(case):
        raise BadInput(_("Not all of it is paid."), field="outcome", code="not_paid")
    today = case.organization.today(now)
    move(case, CollectionState.CLOSED, COLLECTION_MOVES, outcome=outcome, closed_on=today)
    back = DunningCase.objects.filter(invoice__collection_cases=case, state=CaseState.COLLECTIONS)
    keys = list(back.values_list("pk", flat=True))
    move_many(DunningCase, keys, CaseState.COLLECTIONS, CaseState.CHASING, CASE_MOVES)
    recompute(organization=case.organization, invoice_ids=case.invoices.values_list("pk", flat=True), now=now, by=by)
    return case


def lock_case(case: CollectionCase) -> CollectionCase:
    """The case as it is now, locked after its customer."""
    lock_customers(case.organization, [case.customer_id])
    rows = CollectionCase.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "organization", "customer", "collector"
    )
    return rows.get(pk=case.pk)
