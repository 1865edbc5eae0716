"""Whether a payment is matched to the bank."""

from payments.models import Payment, PaymentReconciliation


def find_match(payment: Payment) -> PaymentReconciliation | None:
    """The match that stands. One query."""
    return PaymentReconciliation.objects.filter(payment=payment, opened_at__isnull=True).first()


def matches_of(payment: Payment) -> list[PaymentReconciliation]:
    """All matches, opened ones too, the latest first. One query."""
    rows = PaymentReconciliation.objects.filter(payment=payment)
    return list(rows.select_related("made_by", "opened_by").order_by("-id"))
