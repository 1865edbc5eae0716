"""What a test asks of the comparison with Zoho."""

from datetime import timedelta

from payments.models import ZohoInvoice, ZohoSubscription
from reconciliation.models import ZohoComparison, ZohoDiscrepancy
from reconciliation.services.zoho.comparing import compare_due
from tests.payments.zoho.cast import Scene


def compared(scene: Scene, minutes: float = 0) -> ZohoComparison:
    """The job, so many minutes later, on its day: what it made of it."""
    scene.clock.advance(minutes=minutes)
    ZohoComparison.objects.filter(as_of=scene.school.today(scene.now)).update(next_at=scene.now)
    compare_due(now=scene.now)
    return ZohoComparison.objects.latest("as_of")


def open_ones(scene: Scene) -> list[tuple[str, str]]:
    """After a quarter of an hour: (kind, state) of what stands."""
    compared(scene)
    compared(scene, 15)
    return standing()


def standing() -> list[tuple[str, str]]:
    rows = ZohoDiscrepancy.objects.exclude(state="resolved").order_by("kind", "pk")
    return [(row.kind, row.state) for row in rows]


def the_one() -> ZohoDiscrepancy:
    rows = ZohoDiscrepancy.objects.select_related("organization", "subscription", "gateway_account", "customer")
    return rows.exclude(state="resolved").get()


def untold(scene: Scene, link: ZohoSubscription) -> None:
    """Nobody reads the subscription by itself for a while, so that what is not told stays unknown here."""
    ZohoSubscription.objects.filter(pk=link.pk).update(due_at=scene.now + timedelta(days=30))


def remote(bill: int = 0) -> str:
    return ZohoInvoice.objects.order_by("pk")[bill].remote_id
