"""Addresses of the pages for parents, and of those for teachers and agents."""

from django.urls import path

from billing.pages import choosing, invoices, message_hooks, messages, plan_requests, teaching

urlpatterns = [
    path("family/invoices/", invoices.invoices, name="family_invoices"),
    path("family/agreements/<int:pk>/", choosing.choose, name="family_choose"),
    path("family/plan-requests/", plan_requests.plan_requests, name="family_plan_requests"),
    path("family/plan-requests/new/", plan_requests.plan_request_new, name="family_plan_request_new"),
    path("family/plan-requests/<int:pk>/", plan_requests.plan_request, name="family_plan_request"),
    path("family/plan-requests/<int:pk>/withdraw/", plan_requests.withdraw, name="family_plan_request_withdraw"),
    path("teacher/", teaching.teacher, name="teacher"),
    path("teacher/earnings/", teaching.earnings, name="teacher_earnings"),
    path("family/messages/", messages.preferences, name="family_messages"),
    path("family/messages/<int:pk>/phone/", messages.phone, name="family_messages_phone"),
    path("family/messages/<int:pk>/code/", messages.code, name="family_messages_code"),
    path("family/messages/<int:pk>/address/", messages.address, name="family_messages_address"),
    path("family/messages/read/<int:pk>/", messages.message, name="family_message"),
    path("messages/stop/<str:token>/", message_hooks.stop, name="message_stop"),
    path("webhooks/messages/<slug:carrier>/", message_hooks.receive, name="message_webhooks"),
]
