"""Addresses of signing in and of one's own login."""

from django.urls import path

from billing.pages.accounts import account, homes, joining, resetting, signing_in, two_factor

urlpatterns = [
    path("", homes.start, name="start"),
    path("sign-in/", signing_in.sign_in, name="sign_in"),
    path("sign-in/code/", signing_in.sign_in_code, name="sign_in_code"),
    path("sign-out/", signing_in.sign_out, name="sign_out"),
    path("invitation/<str:token>/", joining.invitation, name="invitation"),
    path("password/reset/", resetting.reset, name="password_reset"),
    path("password/<str:token>/", resetting.password_link, name="password_link"),
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="account_password"),
    path("account/email/", account.email, name="account_email"),
    path("account/email/<str:token>/", account.email_link, name="email_link"),
    path("account/sessions/end/", account.end_sessions, name="end_sessions"),
    path("account/two-factor/", two_factor.two_factor, name="two_factor"),
    path("account/two-factor/begin/", two_factor.begin, name="two_factor_begin"),
    path("account/two-factor/set-up/", two_factor.set_up, name="two_factor_set_up"),
    path("account/two-factor/codes/", two_factor.new_codes, name="two_factor_codes"),
    path("account/two-factor/remove/", two_factor.remove, name="two_factor_remove"),
]
