"""What is a cheque's own on the receive screen: its kind, its words, its pictures, and the ways out of a refusal."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.admin.working import Field, Form
from billing.errors import BadInput
from billing.models import Customer
from billing.office.documents import keep_document
from billing.office.models import User
from payments.admin.vault_rejecting import rejection_url
from payments.models import Method
from payments.models.cheque import ChequeKind
from payments.services.orders import ChequeOrder
from receipts.admin.receive_reading import Reading
from receipts.services.counter import Taken

PHOTOS = {"cheque_front": "front", "cheque_back": "back"}
POST_DATED = "post_dated"
# What was typed and may not be kept anywhere, an address included.
KEPT_NOWHERE = {"card_number", "bank_account_number"}
# Refusals that only another piece of paper can answer, besides those beside the cheque's own inputs.
OF_THE_PAPER = {"past_limit", "too_many_bounces", "stale_cheque", "duplicate_cheque"}


def words_win(reading: Reading, figures: Decimal | None, currency: str) -> tuple[Decimal | None, Decimal | None]:
    """(what counts, what the figures say if the words say otherwise). The words were typed beside it, or not (R110)."""
    text = reading.posted.get("words_amount", "")
    if not text.strip():
        return figures, None
    words = reading.amount(text, "words_amount", currency)
    if words is None or words == figures:
        return figures, None
    return words, figures


def read_cheque(reading: Reading, figures: Decimal | None) -> ChequeOrder | None:
    """Each part that is missing is named (R110). figures: what they say, where the words win."""
    number = reading.text("cheque_number", 30, required=True, free=False)
    bank, branch = reading.text("cheque_bank", 80, required=True), reading.text("cheque_branch", 80)
    drawer, day = reading.text("cheque_drawer", 160), reading.day("cheque_date")
    kind = reading.posted.get("cheque_kind", "") or ChequeKind.PERSONAL
    if kind not in ChequeKind.values:
        reading.refuse(BadInput(_("There is no such kind of cheque."), field="cheque_kind", code="unknown_kind"))
        kind = ChequeKind.PERSONAL
    if not number or not bank or day is None:
        return None
    return ChequeOrder(
        number=number, bank=bank, cheque_date=day, drawer=drawer, branch=branch, kind=kind, figures_amount=figures
    )


def keep_photos(taken: Taken, files: Mapping[str, "UploadedFile[Any]"], now: datetime, by: User) -> None:
    """Keep what was photographed with the cheque that the payment brought. Raises BadInput at its input."""
    sent = Form([Field(name, name, "file", required=False) for name in PHOTOS]).read({}, files)
    cheque = getattr(taken.payment, "cheque", None)
    if cheque is None:
        return
    for name, kind in PHOTOS.items():
        upload = sent.uploaded(name)
        if upload is not None:
            keep_document(
                organization=cheque.organization, subject=f"cheque:{cheque.pk}", kind=kind, name=upload[0],
                data=upload[1], now=now, by=by, field=name,
            )  # fmt: skip


def ways_out(
    customer: Customer, posted: Mapping[str, str], errors: Iterable[Mapping[str, str]]
) -> list[dict[str, str]]:
    """Where a refused cheque goes with what was typed: into the vault, or back to the customer with a slip.

    Nowhere with the number of a card or account: these are addresses, which browsers and logs keep.
    """
    wrong = [error for error in errors if error["code"] != "required"]
    if posted.get("method") != Method.CHEQUE or any(error["code"] in KEPT_NOWHERE for error in wrong):
        return []
    if any(error["code"] == POST_DATED for error in wrong):
        return [{"url": _vault_url(customer, posted), "words": _("Take it into the vault, with what was typed")}]
    paper = [e for e in wrong if e["field"].startswith("cheque_") or e["code"] in OF_THE_PAPER]
    if not paper:
        return []
    url = rejection_url(
        customer, codes=[error["code"] for error in paper], number=posted.get("cheque_number", ""),
        bank=posted.get("cheque_bank", ""), drawer=posted.get("cheque_drawer", ""),
        cheque_date=posted.get("cheque_date", ""), currency=posted.get("currency", ""),
        amount=posted.get("words_amount", "") or posted.get("amount", ""),
    )  # fmt: skip
    return [{"url": url, "words": _("Hand the cheque back with a slip")}]


def _vault_url(customer: Customer, posted: Mapping[str, str]) -> str:
    names = (
        "cheque_number", "cheque_bank", "cheque_branch", "cheque_drawer", "cheque_date", "cheque_kind", "amount",
        "words_amount", "currency", "reference", "note",
    )  # fmt: skip
    typed = {name: posted[name] for name in names if posted.get(name)}
    return f"{reverse('admin:vault_take_in')}?{urlencode({'customer': customer.code, **typed})}"
