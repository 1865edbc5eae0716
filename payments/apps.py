from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    label = "payments"
    verbose_name = _("Payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing.selectors import covered, forecast, taken_back
        from billing.selectors.books import judging
        from billing.selectors.chasing import money_around, tries
        from billing.services import credit_control, invoicing, moving
        from payments.models.attempt import Operation
        from payments.selectors.disputes import keep_contested, open_dispute_number
        from payments.selectors.given_back import GIVEN_BACK
        from payments.selectors.posted_as import METHODS_OF_ENTRIES
        from payments.selectors.tries import charges_around
        from payments.selectors.uncleared import pending_payments, uncleared_credit_items
        from payments.selectors.vault import covered_by_cheques, papers_in_vault
        from payments.services import (
            calling,
            charging,
            debit_returns,
            inbox_topics,
            mandates,
            refund_outcomes,
            settling,
        )
        from payments.services.methods import adding, micro_deposits, removing, verifying
        from payments.services.recovery import failing, notifying, returned, telling_timelines
        from payments.services.zoho import hearing

        inbox_topics.HANDLERS[("zoho", "")] = hearing.handle_event
        credit_control.UNCLEARED.append(uncleared_credit_items)
        judging.METHODS_OF_ENTRIES.extend(METHODS_OF_ENTRIES)
        covered.COVERED.append(covered_by_cheques)
        forecast.PAPERS.append(papers_in_vault)
        taken_back.SOURCES.append(GIVEN_BACK)
        invoicing.DISPUTE_FILES.append(open_dispute_number)
        moving.KEEPERS.append(keep_contested)
        money_around.MONEY_AROUND.append(pending_payments)
        settling.LATE.append(charging.take_back_late)
        settling.AFTER.setdefault("void", []).extend(
            [charging.void_released, charging.take_back_again, refund_outcomes.refund_follows]
        )
        settling.AFTER.setdefault("refund", []).extend([charging.take_back_again, refund_outcomes.refund_follows])
        for operation, follows in (
            ("store", adding.take_in), ("verify", verifying.verified), ("delete", removing.deleted),
            ("micro_deposits", micro_deposits.started), ("confirm", micro_deposits.confirmed),
        ):  # fmt: skip
            settling.AFTER.setdefault(operation, []).append(follows)
        settling.AFTER.setdefault("sale", []).append(failing.follow_sale)
        debit_returns.FOLLOWS.append(returned.follow_return)
        settling.AFTER.setdefault("mandate", []).append(mandates.take_in)
        calling.CALLS[Operation.NOTIFY] = notifying.give_notice
        tries.CHARGES.append(charges_around)
        tries.TRIES.append(telling_timelines.tries_of)
