"""How requests about taxes are read by whoever decides them."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.admin.facts import DEEDS, LABELS, WORDS
from billing.errors import Sentence
from billing.models.tax import ABROAD, TaxKind
from billing.services.taxing.codes import SHOWN_EVERYWHERE

PLACES: dict[str, Sentence] = {SHOWN_EVERYWHERE: _("everywhere else"), ABROAD: _("abroad")}

LABELS.update(
    {
        "part": pgettext_lazy("tax", "Part"), "tax_code": _("Tax code"),
        "tax_name": pgettext_lazy("tax", "Name on invoices"), "tax_kind": _("Kind of tax"),
        "prices_include_it": _("Prices include it"), "tax_place": _("Place"), "holds_from": _("Holds from"),
        "tax_percent": _("Percent"), "tax_parts": _("Made up of"), "tax_percent_now": _("Percent on that day now"),
        "tax_parts_now": _("Made up of, now"), "tax_id": _("Tax id"),
        "exempt_now": _("Exempt now"), "because": _("Why exempt"),
    }
)  # fmt: skip
DEEDS.update(
    {
        "tax_code": _("add a tax code"), "tax_rate": _("add a tax rate"), "tax_exempt": _("exempt from tax"),
        "tax_not_exempt": _("end an exemption from tax"),
    }
)  # fmt: skip
WORDS.update({"tax_place": PLACES, "tax_kind": dict(TaxKind.choices)})
