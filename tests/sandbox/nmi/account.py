"""The merchant's account: the door to all desks."""

import re

from tests.sandbox.faults import Fault
from tests.sandbox.nmi.collect import Collect
from tests.sandbox.nmi.deeds import Deeds
from tests.sandbox.nmi.query import Query
from tests.sandbox.nmi.words import Refused, said
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request

CHARGES, FOLLOWERS = ("sale", "auth", "validate", "credit"), ("capture", "void", "refund")


class Nmi(Deeds, Query, Collect):
    """Direct Post API, Query API, Collect.js and webhooks of one test account."""

    @route("POST", r"/api/transact\.php")
    def transact(self, request: Request) -> Reply:
        """HTTP 200 whatever becomes of it."""
        form = request.form()
        if not self.is_known(form):
            return self.not_allowed(request)
        if self.is_hurried():
            return said("301", type=form.get("type", ""), orderid=form.get("orderid", ""))
        if self.next_codes and self.next_codes[0][0].startswith("30"):
            code, _is_taken = self.next_codes.pop(0)
            return said(code, type=form.get("type", ""), orderid=form.get("orderid", ""))
        try:
            return self._work(form)
        except Refused as wrong:
            return self.refusal(wrong, form)

    def _work(self, form: dict[str, str]) -> Reply:
        kind = form.get("type", "")
        if kind in CHARGES:
            return self.charge(form)
        if kind in FOLLOWERS:
            return self.follow(form)
        if not kind and form.get("customer_vault"):
            return self.vault_deed(form)
        raise Refused("Invalid Transaction Type")

    def not_allowed(self, request: Request) -> Reply:
        if request.path.endswith("query.php"):
            return self.report_error("Invalid Security Key")
        form = request.form()
        return said("300", "Authentication Failed", type=form.get("type", ""), orderid=form.get("orderid", ""))

    def lie(self, reply: Reply, fault: Fault) -> Reply:
        """A report names another amount; an approval says that another amount was authorised."""
        text = reply.body.decode()
        if reply.content_type.startswith("text/xml"):
            text = re.sub(r"<amount>(-?)\d+", r"<amount>\g<1>99999", text)
        elif text.startswith("response=1"):
            text = re.sub(r"&amount_authorized=[^&]*", "", text) + "&amount_authorized=99999.00"
        return Reply(reply.status, text.encode(), reply.content_type, reply.headers)
