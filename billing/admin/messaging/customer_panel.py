"""The last messages on a customer's page, with what became of them."""

from django.urls import reverse

from billing.admin.base import ConsoleRequest
from billing.admin.messaging.log import said_kind
from billing.admin.panels import Context, panel
from billing.models import Customer, MessagePreference
from billing.office.models import Notice
from billing.office.models.notice import Channel
from billing.office.unreachable import dead_addresses
from billing.selectors.customer_traces import has

LAST = 8


@panel("customer", "console/messaging/of_customer.html", order=80)
def messages_of_customer(request: ConsoleRequest, customer: Customer) -> Context | None:
    """At most three queries."""
    rows = Notice.objects.filter(organization=request.organization, party=customer.pk).order_by("-id")[:LAST]
    told = list(rows) if has(customer, "messages") else []
    found = MessagePreference.objects.filter(customer=customer)
    preference = found.first() if has(customer, "preferences") else None
    ways: list[tuple[str, str]] = [(Channel.EMAIL, customer.email)] if customer.email else []
    if preference is not None and preference.phone_confirmed_at:
        ways += [(Channel.SMS, preference.phone), (Channel.WHATSAPP, preference.phone)]
    dead = dead_addresses(request.organization, ways) if ways and has(customer, "dead_addresses") else set()
    return {
        "rows": [(row, said_kind(row.kind)) for row in told], "preference": preference,
        "dead": sorted({address for _channel, address in dead}),
        "all": f"{reverse('admin:office_notice_changelist')}?party={customer.pk}",
    }  # fmt: skip
