from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError


class PdfUnavailable(DomainError):
    """The machine lacks the libraries that draw PDF; everything else goes on."""

    code = "pdf_unavailable"
    sentence = _("PDF output needs Pango and fonts. Run: {command}")

    def __init__(self) -> None:
        super().__init__(command=INSTALL_COMMAND)


class TamperedDocument(DomainError):
    """What lies in the archive is not what was put there."""

    code = "tampered_document"
    sentence = _("The archived document {sha256} was changed or is missing; it must not be handed out.")


INSTALL_COMMAND = (
    "sudo apt-get install -y libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-cjk"
)
