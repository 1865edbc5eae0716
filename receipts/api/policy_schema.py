"""The answers about policies and schedules, as the OpenAPI description tells them."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from receipts.api.schema import POLICY_STATUSES, Money

UPCOMING, DUE, OVERDUE, LAPSED = "Upcoming", "Due", "Overdue", "Lapsed"
STATE_WORDS = {"paid": "Paid", "part_paid": "Part Paid", "in_grace": "In Grace"}
SCHEDULE_STATUSES = [*STATE_WORDS.values(), UPCOMING, DUE, OVERDUE, LAPSED]
FREQUENCIES = ["Weekly", "Fortnightly", "Monthly", "Quarterly", "Half-Yearly", "Annual", "Once"]

POLICY_NUMBER = OpenApiParameter(
    "number", OpenApiTypes.STR, OpenApiParameter.PATH, description="The policy number, as printed on the policy."
)


@extend_schema_serializer(component_name="Installment")
class InstallmentShape(serializers.Serializer[Any]):
    installment_number = serializers.IntegerField()
    due_date = serializers.DateField()
    amount = Money()
    status = serializers.ChoiceField(choices=SCHEDULE_STATUSES)
    paid_date = serializers.DateField(required=False, allow_null=True, help_text="Of a paid one.")
    receipt_number = serializers.CharField(required=False, allow_null=True, help_text="Of a paid one.")
    days_to_due = serializers.IntegerField(required=False, help_text="Of one not paid; below 0 when it is late.")


class ScheduleShape(serializers.Serializer[Any]):
    payment_frequency = serializers.ChoiceField(choices=FREQUENCIES)
    total_installments = serializers.IntegerField()
    paid_installments = serializers.IntegerField()
    pending_installments = serializers.IntegerField()
    schedule = InstallmentShape(many=True)


class PolicySchedule(ScheduleShape):
    policy_number = serializers.CharField()


class AgreementSchedule(ScheduleShape):
    agreement = serializers.CharField()


@extend_schema_serializer(component_name="AmountDue")
class DueShape(serializers.Serializer[Any]):
    premium = Money(help_text="Of the latest premium that is due, before tax and discount.")
    gst = Money(help_text="Its tax.")
    late_fee = Money()
    outstanding = Money(help_text="Whatever else is due.")
    discount = Money()
    total = Money(help_text="premium + gst + late_fee + outstanding - discount.")
    due_date = serializers.DateField(allow_null=True, help_text="The first day anything of it was due.")
    period = serializers.CharField(allow_null=True, help_text="The days that the premiums in it cover.")
    invoices = serializers.ListField(child=serializers.CharField())


@extend_schema_serializer(component_name="Revival")
class RevivalShape(serializers.Serializer[Any]):
    until = serializers.DateField(help_text="The last day it may be revived.")
    premiums = serializers.IntegerField(help_text="How many premiums are late.")
    amount = Money(help_text="What revives it today.")


@extend_schema_serializer(component_name="PolicyLoan")
class LoanShape(serializers.Serializer[Any]):
    loan = serializers.CharField()
    lent_on = serializers.DateField()
    principal = Money()
    billed_back = Money()
    interest_until = serializers.DateField(help_text="The day up to which interest was billed.")


@extend_schema_serializer(component_name="Policy")
class PolicyPage(serializers.Serializer[Any]):
    policy_number = serializers.CharField()
    agreement = serializers.CharField()
    customer = serializers.CharField()
    customer_name = serializers.CharField()
    product = serializers.CharField()
    insured_name = serializers.CharField()
    sum_assured = Money(allow_null=True)
    currency = serializers.CharField()
    payment_frequency = serializers.ChoiceField(choices=FREQUENCIES)
    policy_status = serializers.ChoiceField(choices=POLICY_STATUSES)
    grace_until = serializers.DateField(allow_null=True, help_text="Last day of grace of its earliest late premium.")
    lapsed_on = serializers.DateField(allow_null=True)
    revived_on = serializers.DateField(allow_null=True)
    as_of = serializers.DateField()
    due = DueShape()
    next_due_date = serializers.DateField(allow_null=True)
    next_due_amount = Money(allow_null=True)
    revival = RevivalShape(allow_null=True)
    loans = LoanShape(many=True)
