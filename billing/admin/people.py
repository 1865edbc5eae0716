"""Users and roles of the organization: who works here, new logins, roles given and withdrawn (R167, R173)."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.http import require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.columns import screen_url
from billing.admin.deeds import deed
from billing.admin.forms import carry, choice, email, reason_field, text
from billing.errors import Sentence
from billing.office import access, clock, staffing
from billing.office.accounts import switching
from billing.office.models import ApprovalRequest, Membership, User
from billing.office.models.approval import ApprovalState
from billing.office.models.user import STAFF_ROLES, Mode, Role

ROLE_CHOICES = [(role.value, role.label) for role in Role if role in STAFF_ROLES]


@console_path("people/", "people", "manage_users")
def people(request: ConsoleRequest) -> HttpResponse:
    """Who works here, with their roles. Four queries."""
    rows: dict[User, list[Membership]] = {}
    held = Membership.objects.filter(organization=request.organization, withdrawn_at__isnull=True)
    for membership in held.select_related("user").order_by("user__username", "role"):
        rows.setdefault(membership.user, []).append(membership)
    waiting = ApprovalRequest.objects.filter(
        organization=request.organization, action=staffing.ACTION, state=ApprovalState.REQUESTED,
        expires_at__gt=clock.now(),
    ).select_related("requested_by")  # fmt: skip
    context = console_context(
        request, _("Users and roles"), rows=list(rows.items()), waiting=waiting, inbox=screen_url("approvals"),
        may_make=may_here(request, staffing.ACTION, Mode.MAKE),
    )  # fmt: skip
    return render(request, "console/office/people.html", context)


class NewUserForm(forms.Form):
    username = text(gettext_lazy("User name"), 150)
    first_name = text(gettext_lazy("First name"), 150)
    last_name = text(gettext_lazy("Last name"), 150, required=False)
    email = email(gettext_lazy("E-mail"))
    phone = text(gettext_lazy("Telephone"), 40, required=False)
    language = choice(gettext_lazy("Language"), settings.LANGUAGES)
    role = choice(gettext_lazy("Role"), ROLE_CHOICES)
    reason = text(
        gettext_lazy("Reason"), 400, required=False,
        help_text=gettext_lazy("Needed for manager, finance manager, platform admin: another person approves these."),
    )  # fmt: skip


@console_path("people/new/", "person_new", "manage_users", Mode.MAKE)
def new_person(request: ConsoleRequest) -> HttpResponse:
    """A new login with its first role; the owner sets the password by a link."""
    form = NewUserForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        made = carry(form, lambda: _make(request, dict(form.cleaned_data)))
        if made is not None:
            user, outcome = made
            _say_what_became(request, outcome)
            send_welcome(request, user)
            return redirect("admin:people")
    context = console_context(request, _("New user"), form=form, button=_("Add the user"), back=screen_url("people"))
    return render(request, "console/office/form.html", context, status=422 if form.errors else 200)


def _make(request: ConsoleRequest, given: dict[str, Any]) -> tuple[User, Membership | ApprovalRequest]:
    role, reason = given.pop("role"), given.pop("reason")
    user = staffing.create_staff_user(**given)
    outcome = staffing.give_role(
        user=user, organization=request.organization, role=role, reason=reason, by=request.user, now=clock.now()
    )
    return user, outcome


def _say_what_became(request: ConsoleRequest, outcome: Membership | ApprovalRequest) -> None:
    if isinstance(outcome, Membership):
        messages.success(request, _("%(membership)s: from the next page on.") % {"membership": outcome})
    else:
        messages.success(request, _("Asked for. The role is given once another person has approved."))


def send_welcome(request: ConsoleRequest, user: User) -> None:
    """Mail the link by which the owner sets a password. It is in no list and no log: whoever has it, is the user."""
    key = urlsafe_base64_encode(force_bytes(user.pk))
    link = screen_url("welcome", key, default_token_generator.make_token(user))
    with override(user.language):
        body = _("Set your password for %(organization)s here: %(link)s\nThe link works once, for three days.") % {
            "organization": request.organization.shown_name, "link": request.build_absolute_uri(link),
        }  # fmt: skip
        mail = EmailMessage(
            _("Your login at %(name)s") % {"name": request.organization.shown_name}, body, to=[user.email]
        )
    try:
        mail.send()
    except OSError:
        messages.error(request, _("The link could not be mailed; open the user and send it again."))
    else:
        messages.info(request, _("A link to set the password was mailed to %(email)s.") % {"email": user.email})


class RoleForm(forms.Form):
    role = choice(gettext_lazy("Role"), [("", "–"), *ROLE_CHOICES])
    reason = text(
        gettext_lazy("Reason"), 400, required=False,
        help_text=gettext_lazy("Needed for manager, finance manager, platform admin: another person approves these."),
    )  # fmt: skip


def _person(request: ConsoleRequest, pk: int) -> User:
    """Somebody who works or worked here, or whose role here waits for approval; else 404."""
    if Membership.objects.filter(organization=request.organization, user=pk).exists():
        return get_object_or_404(User, pk=pk)
    asked = ApprovalRequest.objects.filter(
        organization=request.organization, action=staffing.ACTION, subject__startswith=f"role:{pk}:"
    )
    if not asked.exists():
        raise Http404
    return get_object_or_404(User, pk=pk)


def _login(request: ConsoleRequest, pk: int) -> User:
    """Those, and who pays or teaches here; else 404."""
    here = Q(customers__organization=request.organization) | Q(providers__organization=request.organization)
    return User.objects.filter(here, pk=pk).first() or _person(request, pk)


@console_path("people/<int:pk>/", "person", "manage_users")
def person(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One user: roles held and had; giving another. Five queries to read."""
    user = _login(request, pk)
    may_make = may_here(request, staffing.ACTION, Mode.MAKE)
    form = RoleForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and may_make and form.is_valid():
        given = form.cleaned_data
        outcome = carry(
            form,
            lambda: staffing.give_role(
                user=user, organization=request.organization, role=given["role"], reason=given["reason"],
                by=request.user, now=clock.now(),
            ),
        )  # fmt: skip
        if outcome is not None:
            _say_what_became(request, outcome)
            return redirect("admin:person", pk)
    held = Membership.objects.filter(organization=request.organization, user=user).select_related("granted_by")
    context = console_context(
        request, str(user), person=user, form=form, may_make=may_make, roles=held.order_by("withdrawn_at", "-id"),
        button=_("Give the role"), is_self=user.pk == request.user.pk,
    )  # fmt: skip
    return render(request, "console/office/person.html", context, status=422 if form.errors else 200)


@console_path("people/<int:pk>/withdraw/<int:membership>/", "role_withdraw", "manage_users", Mode.MAKE)
@require_POST
def withdraw(request: ConsoleRequest, pk: int, membership: int) -> HttpResponse:
    """End a role: it counts from the person's next page on. A second time changes nothing."""
    row = get_object_or_404(Membership, pk=membership, user=pk, organization=request.organization)
    with transaction.atomic():
        access.withdraw_role(membership=row, now=clock.now())
    messages.success(request, _("%(who)s is no longer %(role)s.") % {"who": row.user, "role": row.get_role_display()})
    return redirect("admin:person", pk)


class SwitchForm(forms.Form):
    reason = reason_field()


@console_path("people/<int:pk>/off/", "person_off", "manage_users", Mode.MAKE)
def switch_off(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Nobody is signed in as this user any more, nor can be. A second time changes nothing."""
    user, now = _login(request, pk), clock.now()
    help_text = _(
        "Every session of {who} ends at once, mailed links are void, tokens that act as this login are refused. Roles "
        "stay. The audit trail shows your reason."
    ).format(who=user)
    return _switch(
        request, user, title=_("Switch the login {who} off").format(who=user), help_text=help_text,
        button=_("Switch off"), done=_("The login {who} is off.").format(who=user),
        deed=lambda reason: switching.switch_off(
            user=user, organization=request.organization, reason=reason, now=now, by=request.user
        ),
    )  # fmt: skip


@console_path("people/<int:pk>/on/", "person_on", "manage_users", Mode.MAKE)
def switch_on(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The user may sign in again. A second time changes nothing."""
    user = _login(request, pk)
    return _switch(
        request, user, title=_("Switch the login {who} on").format(who=user), button=_("Switch on"),
        help_text=_("The password and the roles are those there were. The audit trail shows your reason."),
        done=_("{who} may sign in again.").format(who=user),
        deed=lambda reason: switching.switch_on(
            user=user, organization=request.organization, reason=reason, by=request.user
        ),
    )  # fmt: skip


def _switch(
    request: ConsoleRequest, user: User, *, title: str, help_text: str, button: str, done: str,
    deed: Callable[[str], bool],
) -> HttpResponse:  # fmt: skip
    form = SwitchForm(request.POST if request.method == "POST" else None)
    form.fields["reason"].help_text = help_text
    if request.method == "POST" and form.is_valid():
        changed = carry(form, lambda: deed(form.cleaned_data["reason"]))
        if changed is not None:
            messages.success(request, done if changed else _("It was so already; nothing was changed."))
            return redirect("admin:person", user.pk)
    context = console_context(request, title, form=form, button=button, back=screen_url("person", user.pk))
    return render(request, "console/office/form.html", context, status=422 if form.errors else 200)


@console_path("people/<int:pk>/link/", "person_link", "manage_users", Mode.MAKE)
@require_POST
def send_link(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Mail the password link again. Only its owner reads it; nobody here sets another's password."""
    user = _login(request, pk)
    if not user.email:
        messages.error(request, _("There is no e-mail address to send the link to."))
    else:
        send_welcome(request, user)
    return redirect("admin:person", pk)


@deed(staffing.ACTION, staffing.DEED, label=gettext_lazy("Give the role"), facts=staffing.facts_now)
def carry_out_role(request: ApprovalRequest, by: User, now: Any) -> Sentence:
    return str(staffing.carry_out_role(request=request, now=now))
