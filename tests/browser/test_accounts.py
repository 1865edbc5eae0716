"""Signing up by invitation, the second factor and one's own login in a real browser, with scripts and without."""

from typing import Any

import pytest

from billing.office.models import Organization
from tests import builders
from tests.billing.pages.accounts.cast import NEW, code_of, link_in, staff
from tests.console_desk import Desk


@pytest.fixture
def school(transactional_db: None) -> Organization:
    return builders.organization(name="Allegro")


@pytest.mark.parametrize(("size", "script"), [("phone", True), ("desk", False)])
def test_a_parent_signs_up_by_invitation_and_sets_up_an_authenticator(
    visit: Any, size: str, script: bool, school: Organization
) -> None:
    lin = builders.customer(school, "Lin Family")
    Desk(staff(school, "clerk", "carl")).post(f"customers/{lin.pk}/invite/", email="mei@example.org")
    visitor = visit(None, size, script=script)
    page = visitor.go(link_in("invitation"))
    visitor.check("invitation")
    page.get_by_label("Your name").fill("Mei Lin")
    page.get_by_label("New password").fill(NEW)
    page.get_by_label("The same again").fill("something else 12")
    visitor.press("Make the login")
    visitor.see("The two passwords differ.")
    visitor.check("invitation-refused")
    page.get_by_label("New password").fill(NEW)
    page.get_by_label("The same again").fill(NEW)
    visitor.press("Make the login")
    visitor.see("Welcome. Your login is mei@example.org.")
    user = lin.users.get()
    visitor.go("/account/two-factor/")
    visitor.check()
    visitor.press("Set up")
    page.get_by_label("Code that the app shows now").fill(code_of(user))
    visitor.check("set-up")
    page.get_by_label("Password").fill(NEW)
    page.keyboard.press("Enter")
    visitor.see("Keep your recovery codes")
    visitor.check("recovery-codes")
    visitor.go("/account/")
    visitor.check()
    visitor.press("Sign out")
    visitor.see("You are signed out.")
    visitor.check("sign-in")
    page.get_by_label("E-mail or user name").fill("mei@example.org")
    page.get_by_label("Password").fill(NEW)
    page.keyboard.press("Enter")
    visitor.see("One more step: your code")
    visitor.check("code")
    page.get_by_label("Code").fill(code_of(user, 1))
    page.keyboard.press("Enter")
    page.wait_for_url("**/family/")


@pytest.mark.parametrize("path", ["password/", "email/", "two-factor/"])
def test_pages_of_ones_login(visit: Any, size: str, school: Organization, path: str) -> None:
    visitor = visit(staff(school, "manager", "mia"), size)
    visitor.go(f"/account/{path}")
    visitor.check()


def test_pages_before_signing_in(visit: Any, size: str, school: Organization) -> None:
    user = staff(school, "clerk", "carl")
    visitor = visit(None, size)
    page = visitor.go("/sign-in/?next=/console/")
    page.get_by_label("E-mail or user name").fill("carl")
    page.get_by_label("Password").fill("wrong wrong wrong")
    visitor.press("Sign in")
    visitor.see("The name or the password is not right.")
    visitor.check("sign-in-refused")
    visitor.press("Forgot the password?", "link")
    visitor.check()
    page.get_by_label("E-mail").fill(user.email)
    visitor.press("Mail me a link")
    visitor.see("Look into your mail")
    visitor.check("reset-sent")
    visitor.go(link_in("password_link"))
    visitor.check("new-password")
    visitor.go("/invitation/unknown/", 404)
    visitor.check("link-over")
