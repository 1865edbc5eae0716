"""Addresses of payments outside the console: what outsiders tell, and the pages on which families pay."""

from django.urls import path

from payments.pages import adding, autopay, going, home, listing, method, paying, retrying, webhooks, zoho

urlpatterns = [
    path("webhooks/<slug:configuration>/", webhooks.receive, name="webhooks"),
    path("family/", home.family, name="family"),
    path("family/methods/", listing.methods, name="family_methods"),
    path("family/methods/add/<int:customer_pk>/<str:instrument>/", adding.add, name="family_method_add"),
    path("family/methods/adding/<int:pk>/", adding.adding, name="family_method_adding"),
    path("family/methods/<int:pk>/", method.method, name="family_method"),
    path("family/methods/<int:pk>/place/", method.place, name="family_method_place"),
    path("family/methods/<int:pk>/another/", method.another, name="family_method_another"),
    path("family/methods/<int:pk>/code/", method.code, name="family_method_code"),
    path("family/methods/<int:pk>/amounts/", method.amounts, name="family_method_amounts"),
    path("family/methods/<int:pk>/remove/", method.remove, name="family_method_remove"),
    path("family/autopay/<int:pk>/", autopay.autopay, name="family_autopay"),
    path("family/pay/", paying.pay, name="family_pay"),
    path("family/pay/of/<int:customer_pk>/<str:currency>/", paying.pay_till, name="family_pay_till"),
    path("family/pay/bank/<int:customer_pk>/<str:currency>/<int:account_pk>/", going.at_bank, name="family_pay_bank"),
    path("family/pay/going/<int:pk>/", going.going, name="family_going"),
    path("family/pay/back/<slug:configuration>/", going.back, name="family_pay_back"),
    path("family/pay/result/<int:pk>/", paying.paid, name="family_paid"),
    path("family/retry/<int:pk>/", retrying.retry, name="family_retry"),
    path("family/zoho/<int:pk>/", zoho.card, name="family_zoho"),
]
