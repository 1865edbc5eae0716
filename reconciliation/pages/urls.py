"""Addresses of reconciliation outside the console."""

from django.urls import path

from reconciliation.pages import questions

urlpatterns = [path("payment-question/<str:token>/", questions.question, name="payer_question")]
