"""Plain forms in the theme's clothes, and refusals of services beside the fields they are about."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from billing.errors import DomainError, Refusals
from billing.transactions import in_transaction

T = TypeVar("T")


def text(label: Any, longest: int = 200, *, required: bool = True, help_text: Any = "") -> forms.CharField:
    widget = UnfoldAdminTextInputWidget()
    return forms.CharField(label=label, max_length=longest, required=required, help_text=help_text, widget=widget)


def area(label: Any, longest: int = 2000, *, required: bool = False, help_text: Any = "") -> forms.CharField:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})
    return forms.CharField(label=label, max_length=longest, required=required, help_text=help_text, widget=widget)


def email(label: Any, *, required: bool = True) -> forms.EmailField:
    return forms.EmailField(label=label, required=required, widget=UnfoldAdminEmailInputWidget())


def choice(label: Any, choices: Any, *, required: bool = True, help_text: Any = "") -> forms.ChoiceField:
    widget = UnfoldAdminSelectWidget()
    return forms.ChoiceField(label=label, choices=choices, required=required, help_text=help_text, widget=widget)


def several(label: Any, choices: Any, *, help_text: Any = "") -> forms.MultipleChoiceField:
    widget = UnfoldAdminCheckboxSelectMultipleWidget()
    return forms.MultipleChoiceField(label=label, choices=choices, required=False, help_text=help_text, widget=widget)


def day(label: Any, *, required: bool = True, help_text: Any = "") -> forms.DateField:
    """The browser's own picker, which gives ISO days whatever the language."""
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": " ".join(INPUT_CLASSES)})
    return forms.DateField(label=label, required=required, help_text=help_text, widget=widget)


def reason_field(help_text: Any = "") -> forms.CharField:
    return text(_("Reason"), 400, help_text=help_text or _("The other person and the audit trail will read it."))


def carry(form: forms.BaseForm, work: Callable[[], T]) -> T | None:
    """Run a service in a transaction of its own; a refusal stands in the form, and None comes back."""
    try:
        return in_transaction(work)
    except DomainError as refusal:
        for part in refusal.refusals if isinstance(refusal, Refusals) else [refusal]:
            form.add_error(part.field if part.field in form.fields else None, str(part))
        return None
