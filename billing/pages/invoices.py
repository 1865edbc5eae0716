"""A family's invoices: looked for, narrowed, added up, page by page (R156)."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing.office import clock
from billing.pages.listing import child_of, one_of, own_of, page_of, typed_text, year_of
from billing.pages.own import user_of
from billing.selectors.family_invoices import STATES, Wanted, children_of, own_invoices, totals_of, years_of


@require_GET
@login_required
def invoices(request: HttpRequest) -> HttpResponse:
    """?q= &state= &school= &child= &year= &page=, of own accounts; a value that is none of theirs does not exist."""
    own = own_of(user_of(request), clock.now())
    children, years = children_of(own.customer_ids), years_of(own.customer_ids)
    wanted = Wanted(
        typed_text(request), one_of(request, "state", STATES),
        one_of(request, "school", (one.code for one in own.organizations)), child_of(request, children),
        year_of(request, years),
    )  # fmt: skip
    rows = own_invoices(own.customer_ids, wanted, own.days)
    totals = totals_of(rows)
    page = page_of(
        request, rows.select_related("organization", "agreement__student", "agreement__plan"),
        sum(total.invoices for total in totals),
    )  # fmt: skip
    context = {
        "page": page, "totals": totals, "wanted": wanted, "schools": own.organizations, "children": children,
        "years": years, "rows": [(invoice, own.days[invoice.organization_id]) for invoice in page.rows],
        "is_narrowed": wanted != Wanted(),
    }  # fmt: skip
    return render(request, "pages/invoices.html", context)
