"""By which way somebody came to pay: signed in, or by a pay link that can pay and do nothing else."""

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404
from django.urls import reverse

from billing.models import Customer, PayLink
from billing.office.models import User
from billing.services.pay_links import token_of
from payments.models import PaymentAttempt
from payments.models.attempt import Operation
from payments.pages.own import own_attempt
from payments.services.methods.paying import Till, narrowed, tills_for

OWN_PAGES = {"_result": "family_paid", "_going": "family_going"}
BASES = ("pages/methods/base.html", "pages/pay/link_base.html")


@dataclass(frozen=True)
class Door:
    """Either of the two is given. What is paid for is the user's own, or what the link was made for."""

    user: User | None = None
    link: PayLink | None = None

    @property
    def is_link(self) -> bool:
        return self.link is not None

    @property
    def base(self) -> str:
        """The template that its pages extend: a link's has no way anywhere else."""
        return BASES[self.is_link]

    @property
    def link_id(self) -> int:
        return self.link.pk if self.link else 0

    @property
    def home(self) -> str:
        """The page that shows what may be paid."""
        return self._address("")

    def till(self, customer: Customer, currency: str) -> str:
        args = [currency] if self.is_link else [customer.pk, currency]
        return self._address("_till", *args)

    def result(self, attempt: PaymentAttempt) -> str:
        return self._address("_result", attempt.pk)

    def going(self, attempt: PaymentAttempt) -> str:
        return self._address("_going", attempt.pk)

    def storing(self, attempt: PaymentAttempt) -> str:
        return self._address("_card", attempt.pk)

    def _address(self, part: str, *args: object) -> str:
        if self.link is not None:
            return reverse(f"pay_link{part}", args=[token_of(self.link), *args])
        return reverse(OWN_PAGES.get(part, f"family_pay{part}"), args=args)

    def find_till(self, customer: Customer, currency: str, now: datetime) -> Till | None:
        """What may be paid by this door of one customer in one currency; None where nothing is open."""
        found = next((one for one in tills_for([customer], now) if one.currency == currency), None)
        return narrowed(found, self.link) if found is not None and self.link is not None else found

    def attempt(self, pk: int, *operations: str) -> PaymentAttempt:
        """One that was made by this door. Raises Http404."""
        if self.user is not None:
            return own_attempt(self.user, pk, *operations)
        rows = PaymentAttempt.objects.filter(pk=pk, decision__link=self.link_id, operation__in=operations)
        found = rows.select_related("customer__organization", "method", "payment", "gateway_account").first()
        if found is None:
            raise Http404
        return found


TAKES = (Operation.SALE, Operation.AUTH, Operation.CAPTURE)


def door_of(attempt: PaymentAttempt) -> Door:
    """Where somebody whose browser comes back from their bank, without a session, is shown how it stands."""
    link = PayLink.objects.filter(pk=attempt.decision.get("link") or 0).first()
    return Door(link=link)
