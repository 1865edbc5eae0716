"""Every address of the site that carries an id, and how to find a record for it: the registry of the isolation probe.

An address is known by what stands before its first id, "console/customers/<int:pk>", so that a new screen below a
known record is probed by itself. One line of RECORDS makes the first address of a new kind of record known.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from config.console.third_party import PlatformAdmin

# What stands before the first id → the record that the id names: "app.Model", "app.Model.field" where the address does
# not carry the key. Pages of people outside the office first, then the API, then the console.
RECORDS = {
    "family/agreements/<int:pk>": "billing.Agreement",
    "family/methods/add/<int:customer_pk>": "billing.Customer",
    "family/methods/adding/<int:pk>": "payments.PaymentAttempt",
    "family/methods/<int:pk>": "payments.PaymentMethod",
    "family/autopay/<int:pk>": "billing.Agreement",
    "family/pay/of/<int:customer_pk>": "billing.Customer",
    "family/pay/bank/<int:customer_pk>": "billing.Customer",
    "family/pay/going/<int:pk>": "payments.PaymentAttempt",
    "family/pay/card/<int:pk>": "payments.PaymentAttempt",
    "family/pay/result/<int:pk>": "payments.PaymentAttempt",
    "family/messages/<int:pk>": "billing.Customer",
    "family/messages/read/<int:pk>": "office.Notice",
    "family/retry/<int:pk>": "payments.RetryDecision",
    "family/zoho/<int:pk>": "payments.ZohoSubscription",
    "family/credits/use/<int:customer_pk>": "billing.Customer",
    "family/disputes/<int:pk>": "payments.Dispute",
    "family/plan-requests/<int:pk>": "billing.PlanRequest",
    "family/refunds/<int:pk>": "payments.Refund",
    "family/data/<int:pk>": "receipts.DataExport",
    "family/data/erase/<int:customer_pk>": "billing.Customer",
    "family/invoices/<int:pk>": "billing.Invoice",
    "family/receipts/<int:pk>": "receipts.Receipt",
    "family/papers/<int:pk>": "receipts.IssuedPaper",
    "family/papers/receipts/<int:pk>": "receipts.Receipt",
    "family/papers/refunds/<int:pk>": "receipts.RefundReceipt",
    "family/papers/invoices/<int:pk>": "billing.Invoice",
    "api/v1/payments/<str:reference>": "payments.Payment.number",
    "api/v1/policies/<str:number>": "billing.Agreement.number",
    "api/v1/agreements/<str:number>": "billing.Agreement.number",
    "api/v1/customers/<str:code>": "billing.Customer.code",
    "console/agreements/<int:pk>": "billing.Agreement",
    "console/agreements/discounts/<int:pk>": "billing.AgreementDiscount",
    "console/allocations/<int:pk>": "billing.Allocation",
    "console/api-clients/<int:pk>": "office.ApiClient",
    "console/approvals/<int:pk>": "office.ApprovalRequest",
    "console/attempts/<int:pk>": "payments.PaymentAttempt",
    "console/bank-accounts/<int:pk>": "payments.BankAccount",
    "console/bank-files/<int:pk>": "reconciliation.BankFile",
    "console/bank-lines/<int:pk>": "reconciliation.StatementLine",
    "console/books/proofs/<int:position>": "reconciliation.BooksProof.position",
    "console/cash/drawers/<int:pk>": "payments.DrawerSession",
    "console/cash/points/<int:pk>": "payments.CashPoint",
    "console/cash/safe/<int:pk>": "payments.CashCount",
    "console/charges/<int:pk>": "billing.Charge",
    "console/cheques/<int:pk>": "payments.Cheque",
    "console/collections/<int:pk>": "billing.CollectionCase",
    "console/credits/<int:pk>": "billing.CreditItem",
    "console/credit-memos/<int:pk>": "billing.CreditMemo",
    "console/customers/<int:pk>": "billing.Customer",
    "console/debt-plans/<int:pk>": "billing.DebtPlan",
    "console/deposits/<int:pk>": "payments.Deposit",
    "console/differences/<slug:kind>/<int:pk>": "reconciliation.ProcessorDiscrepancy",
    "console/disputes/<int:pk>": "payments.Dispute",
    "console/documents/<int:pk>": "office.KeptDocument",
    "console/failed-charges/<int:pk>": "payments.RetryDecision",
    "console/gateways/<int:pk>": "payments.GatewayAccount",
    "console/installments/<int:pk>": "billing.Installment",
    "console/invitations/<int:pk>": "billing.Invitation",
    "console/invoices/<int:pk>": "billing.Invoice",
    "console/late-fees/<int:pk>": "billing.LateFee",
    "console/ledger/accounts/<int:pk>": "ledger.LedgerAccount",
    "console/ledger/adjustments/<int:pk>": "ledger.AdjustmentEntry",
    "console/ledger/batches/<int:pk>": "ledger.GlBatch",
    "console/ledger/exports/<int:pk>": "ledger.GlExport",
    "console/lessons/<int:pk>": "billing.Lesson",
    "console/matches/<int:pk>": "reconciliation.Match",
    "console/matching-rules/<int:pk>": "reconciliation.MatchingRule",
    "console/messages/<int:pk>": "office.Notice",
    "console/messages/addresses/<int:pk>": "office.DeadAddress",
    "console/pauses/<int:pk>": "billing.DunningPause",
    "console/paper-runs/<int:pk>": "receipts.PaperRun",
    "console/papers/<int:pk>": "receipts.IssuedPaper",
    "console/payments/<int:pk>": "payments.Payment",
    "console/payouts/<int:pk>": "billing.PayoutBatch",
    "console/people/<int:pk>": "office.Membership.user_id",
    "console/plan-requests/<int:pk>": "billing.PlanRequest",
    "console/plans/<int:pk>": "billing.Plan",
    "console/policy-loans/<int:pk>": "billing.PolicyLoan",
    "console/processors/<int:pk>": "payments.GatewayAccount",
    "console/processors/differences/<int:pk>": "reconciliation.ProcessorDiscrepancy",
    "console/providers/<int:pk>": "billing.Provider",
    "console/receipts/<int:pk>": "receipts.Receipt",
    "console/reconciliations/<int:pk>": "payments.BankAccount",
    "console/reconciliations/differences/<int:pk>": "reconciliation.Variance",
    "console/reconciliations/frozen/<int:pk>": "reconciliation.BankReconciliation",
    "console/refunds/<int:pk>": "payments.Refund",
    "console/refunds/class/<int:pk>": "payments.RefundBatch",
    "console/regenerations/<int:pk>": "billing.ScheduleRegeneration",
    "console/runs/<int:pk>": "billing.BillingRun",
    "console/settlements/<int:pk>": "payments.Settlement",
    "console/taxes/<int:pk>": "billing.TaxCode",
    "console/timelines/<int:pk>": "billing.DunningCase.invoice_id",
    "console/vault/count/<int:pk>": "payments.VaultCount",
    "console/vault/handed-back/<int:pk>": "payments.ChequeRejection",
    "console/webhooks/<int:pk>": "payments.WebhookEvent",
    "console/zoho/differences/<int:pk>": "reconciliation.ZohoDiscrepancy",
    "console/zoho/errands/<int:pk>": "payments.ZohoErrand",
}
# What else an address carries. Names that are not here are keys of rows that belong to the record.
WORDS = {
    "action": "close", "currency": "USD", "instrument": "card", "key": "letter", "kind": "processor",
    "verb": "suspense", "what": "cleared",
}  # fmt: skip
PARTS = {
    "account_pk": "payments.BankAccount", "document_pk": "office.KeptDocument", "event": "payments.DisputeEvent",
    "export": "receipts.DataExport", "item": "billing.BillingRunItem", "membership": "office.Membership",
}  # fmt: skip

# Addresses whose parameter names nobody's record, each with the reason.
NO_RECORD = {
    "webhooks/<slug:configuration>": "the name of a processor; who calls proves it by a signature",
    "webhooks/messages/<slug:carrier>": "the name of a carrier; who calls proves it by a signature",
    "console/wordings/<slug:kind>": "the name of a kind of messages; the words are one's own organization's",
    "family/pay/back/<slug:configuration>": "the name of a processor; the attempt is read from what it signed",
    "api/v1/<path:rest>": "answers that there is no such address",
    "console/books/days/<str:day>": "a day of one's own organization",
    "console/books/months/<str:month>": "a month of one's own organization",
    "console/periods/<str:month>": "a month of one's own organization",
    "console/forecast/<str:week>": "a week of one's own organization",
    "console/policies/<str:key>": "the name of a setting",
    "console/r/<path:content_type_id>": "Django's way to a page that no model has",
    "console/^(?P<app_label>": "the name of an application",
    "console/(?P<url>": "answers that there is no such address",
}
# Addresses that open for whoever holds a secret; what they show of whom is tested where they are made.
SECRETS = {
    "messages/stop/<str:token>": "a signed link that stops one topic for one family",
    "pay/<str:token>": "a signed pay link, which shows what its customer owes and no more",
    "payment-question/<str:token>": "a signed question to one payer",
    "invitation/<str:token>": "a link mailed to who is invited",
    "password/<str:token>": "a link mailed to who forgot the password",
    "account/email/<str:token>": "a link mailed to a new address",
    "verify/<path:mark>": "the number and the check code of a paper",
    "console/welcome/<uidb64>": "the signed invitation of a new user",
}
# Screens that open for a record in a certain state only, which a skeleton is not in. Strangers are compared all the
# same; that the owner finds the record is tested where the screen is made.
NEEDS_A_STATE = {
    "console/papers/<int:pk>/mail/",
    "console/agreements/<int:pk>/policy/", "console/agreements/<int:pk>/revive/",
    "console/agreements/<int:pk>/rider/", "console/agreements/<int:pk>/additional-premium/",
    "console/agreements/<int:pk>/lend/", "console/policy-loans/<int:pk>/bill/", "console/cash/safe/<int:pk>/explain/",
    "console/webhooks/<int:pk>/", "console/webhooks/<int:pk>/replay/", "console/webhooks/<int:pk>/set-aside/",
    "console/zoho/errands/<int:pk>/again/", "console/reconciliations/frozen/<int:pk>/paper.pdf",
    "console/refunds/<int:pk>/receipt/page/", "family/methods/adding/<int:pk>/", "family/methods/<int:pk>/place/",
    "family/pay/bank/<int:customer_pk>/<str:currency>/<int:account_pk>/", "family/pay/going/<int:pk>/",
    "api/v1/policies/<str:number>/", "api/v1/policies/<str:number>/schedule/",
    "family/pay/result/<int:pk>/", "family/pay/card/<int:pk>/", "family/zoho/<int:pk>/",
    "family/refunds/<int:pk>/documents/<int:document_pk>/", "family/disputes/<int:pk>/documents/<int:document_pk>/",
    "family/refunds/<int:pk>/receipt/", "family/data/<int:pk>/file/", "family/messages/read/<int:pk>/",
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    """route: the whole pattern. start: up to the end of the first id. names: of its parameters, in order."""

    route: str
    names: tuple[str, ...]
    pattern: URLPattern

    @property
    def start(self) -> str:
        """Of the registry's lines the longest that fits; else what stands before the first parameter, with it."""
        known = [start for start in (*RECORDS, *NO_RECORD, *SECRETS) if self.route.startswith(start)]
        return max(known, key=len, default=self.route.partition(">")[0] + ">")

    @property
    def record(self) -> str:
        """Where the record is found; empty for what is in no registry."""
        return RECORDS.get(self.start, "") or _tables().get(self.route.partition("/<")[0], "")

    @property
    def key(self) -> str:
        """The parameter that names the record."""
        return next(name for name in self.names if name not in WORDS or self.start.endswith(f":{name}>"))

    def path(self, values: dict[str, Any]) -> str:
        text = self.route
        for name in self.names:
            before, _open, rest = text.partition("<")
            text = before + str(values[name]) + rest.partition(">")[2]
        return "/" + text


def addresses() -> list[Address]:
    """All that carry a parameter, in the order of the URL table."""
    return [Address(route, _names(pattern), pattern) for route, pattern in _walk(get_resolver(), "") if "<" in route]


def plain_routes() -> list[str]:
    """Addresses without a parameter."""
    return [route for route, _pattern in _walk(get_resolver(), "") if not re.search(r"[<^(]", route)]


def unknown() -> list[str]:
    """Addresses that no registry knows: each needs a line here."""
    return sorted(
        one.route for one in addresses() if not one.record and one.start not in NO_RECORD and one.start not in SECRETS
    )


def of_platform(address: Address) -> bool:
    """Tables of the packages we use, which are of no organization."""
    theirs = [m._meta for m, page in admin.site._registry.items() if isinstance(page, PlatformAdmin)]
    return address.route.startswith(tuple(f"console/{m.app_label}/{m.model_name}/" for m in theirs))


def _walk(resolver: Any, before: str) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, route)
        else:
            yield route, entry


def _names(pattern: URLPattern) -> tuple[str, ...]:
    converters = getattr(pattern.pattern, "converters", {})
    return tuple(converters) or tuple(pattern.pattern.regex.groupindex)


def _tables() -> dict[str, str]:
    """The console's tables by themselves: "console/billing/invoice" → "billing.Invoice"."""
    tables = [model._meta for model in admin.site._registry]
    return {f"console/{meta.app_label}/{meta.model_name}": meta.label for meta in tables}
