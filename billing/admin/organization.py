"""The organization itself: what is printed on its papers, and what may no longer change."""

import io
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from PIL import Image
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.registrations import MasterDataForm
from billing.office.models import Organization
from billing.office.models.user import Mode

LARGEST_LOGO = 1_000_000
LARGEST_SIDE = 2000
PRINTED = ("name", "local_name", "address", "local_address", "tax_id", "phone", "email", "website")


class OrganizationForm(MasterDataForm):
    logo = forms.ImageField(
        label=gettext_lazy("Logo"), required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".png,.jpg,.jpeg"}),
        help_text=gettext_lazy("PNG or JPEG, at most 1 MB and 2000 × 2000 pixels."),
    )  # fmt: skip

    class Meta:
        model = Organization
        fields = (*PRINTED, "logo")
        widgets = {
            **{name: UnfoldAdminTextInputWidget() for name in ("name", "local_name", "tax_id", "phone", "website")},
            **{name: UnfoldAdminTextareaWidget(attrs={"rows": 3}) for name in ("address", "local_address")},
            "email": UnfoldAdminEmailInputWidget(),
        }

    def clean_logo(self) -> Any:
        """A new logo is drawn again from its pixels, under a name of our own: what else the file held is gone."""
        logo = self.cleaned_data.get("logo")
        if not logo or "logo" not in self.changed_data:
            return logo
        if logo.size > LARGEST_LOGO:
            raise ValidationError(_("The file is larger than 1 MB."), code="too_large")
        if logo.image.format not in ("PNG", "JPEG") or max(logo.image.size) > LARGEST_SIDE:
            raise ValidationError(_("A PNG or JPEG of at most 2000 × 2000 pixels is needed."), code="bad_image")
        logo.seek(0)
        drawn = io.BytesIO()
        Image.open(logo).convert("RGBA").save(drawn, "PNG")
        return ContentFile(drawn.getvalue(), name=f"{self.instance.code}.png")


def may_edit(request: ConsoleRequest) -> bool:
    """A school admin or a manager: names and addresses, not money."""
    return may_here(request, "set_prices", Mode.MAKE, Mode.CHECK)


@console_path("organization-details/", "organization_details", "see_reports")
def details(request: ConsoleRequest) -> HttpResponse:
    allowed = may_edit(request)
    if request.method == "POST" and not allowed:
        raise PermissionDenied
    organization = Organization.objects.get(pk=request.organization.pk)
    form = OrganizationForm(
        request.POST if request.method == "POST" else None, request.FILES or None, instance=organization
    )
    if request.method == "POST" and form.is_valid():
        if form.changed_data:
            form.instance.save(update_fields=form.changed_data)
        messages.success(request, _("Saved. New papers show it; those already issued stay as they are."))
        return redirect("admin:organization_details")
    context = console_context(request, _("Organization"), form=form, may_edit=allowed, printed=_shown(organization))
    return render(request, "console/office/organization.html", context, status=422 if form.errors else 200)


def _shown(organization: Organization) -> list[tuple[Any, str]]:
    return [(Organization._meta.get_field(name).verbose_name, getattr(organization, name)) for name in PRINTED]  # type: ignore[union-attr]


@console_path("organization-details/logo/", "organization_logo", "see_reports")
def logo(request: ConsoleRequest) -> HttpResponse:
    """The logo of the organization worked in, as the image it was checked to be."""
    if not request.organization.logo:
        raise Http404
    try:
        with request.organization.logo.open("rb") as image:
            return HttpResponse(image.read(), content_type="image/png")
    except OSError:
        raise Http404 from None
