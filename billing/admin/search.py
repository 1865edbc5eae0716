"""Customer lookup for the screens that need one: JSON, as typed."""

from django.http import HttpResponse, JsonResponse

from billing.admin.base import ConsoleRequest, console_path
from billing.errors import BadInput
from billing.inputs import clean_text
from billing.money import format_money
from billing.office import clock
from billing.selectors.search import LONGEST, FoundCustomer, find_customers


@console_path("customers/find/", "find-customers", "see_receivables")
def find(request: ConsoleRequest) -> HttpResponse:
    """GET ?q=…: {"count", "results": [{"code", "name", "other_name", "phone", "why", "open", "overdue", …}]}."""
    try:
        text = clean_text(request.GET.get("q", ""), field="q", longest=LONGEST, free=False)
    except BadInput as refusal:
        return JsonResponse({"errors": [{"field": "q", "code": refusal.code, "message": str(refusal)}]}, status=400)
    organization = request.organization
    rows = find_customers(organization, text, on=organization.today(clock.now()))
    return JsonResponse({"count": len(rows), "results": [as_json(row, organization.currency) for row in rows]})


def as_json(row: FoundCustomer, currency: str) -> dict[str, object]:
    other = row.name if row.shown_name != row.name else row.latin_name
    return {
        "id": row.id, "code": row.code, "name": row.shown_name, "other_name": "" if other == row.shown_name else other,
        "phone": row.phone, "why": str(row.why_words), "is_active": row.is_active, "is_on_hold": row.is_on_hold,
        "open": format_money(row.open_amount, currency) if row.open_amount else "–",
        "overdue": format_money(row.overdue_amount, currency) if row.overdue_amount else "",
    }  # fmt: skip
