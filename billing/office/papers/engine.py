"""HTML to PDF/A with WeasyPrint, kept quick, small and away from the network."""

import gc
import hashlib
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from django.conf import settings
from django.contrib.staticfiles import finders

from billing.bulk import collector_at_rest
from billing.office.papers.compact import compact_fonts
from billing.office.papers.errors import PdfUnavailable

STYLESHEET = "receipts/receipt.css"
VARIANT = "pdf/a-2b"
LETTER_COUNTRIES = frozenset(("US", "CA", "MX"))

# Note [One font configuration for each thread]
# A new FontConfiguration per document is never given back: memory grows by a quarter of a megabyte a receipt. One
# shared by threads crashes inside Pango or hangs for good. So each thread keeps its own, with the stylesheet parsed
# against it, and the first receipt of a thread is the slow one.
_own = threading.local()

# Note [What a drawn paper leaves behind]
# Boxes, fonts and pages hang together in circles: several megabytes a paper, which lie there until the garbage
# collector next looks at everything this process has, six papers later or more. So it rests while a paper is drawn,
# and looks at what was made meanwhile alone. Drawing is a fifth quicker by it.


def html_to_pdf(html: str, *, more: str = "") -> bytes:
    """A PDF/A file, the same bytes for the same HTML. more: a stylesheet besides that of all papers.

    Raises PdfUnavailable without Pango.
    """
    weasyprint, css, fonts, fetcher = _engine(more)
    identifier = hashlib.sha256(html.encode()).digest()[:16]
    with collector_at_rest():
        document = weasyprint.HTML(string=html, url_fetcher=fetcher).render(stylesheets=css, font_config=fonts)
        pdf: bytes = document.write_pdf(pdf_variant=VARIANT, pdf_identifier=identifier, dpi=300, finisher=compact_fonts)
        del document
    gc.collect(0)
    return pdf


def _engine(more: str) -> tuple[Any, list[Any], Any, Any]:
    """WeasyPrint is imported on the first paper: half a second that no other page should pay."""
    engines: dict[str, tuple[Any, list[Any], Any, Any]] = _own.__dict__.setdefault("engines", {})
    if more not in engines:
        try:
            import weasyprint
            from weasyprint.text.fonts import FontConfiguration
        except OSError as missing:
            raise PdfUnavailable() from missing
        fonts, fetcher = FontConfiguration(), _local_fetcher()
        sheets = [stylesheet(name) for name in (STYLESHEET, more) if name]
        css = [weasyprint.CSS(filename=sheet, font_config=fonts, url_fetcher=fetcher) for sheet in sheets]
        engines[more] = weasyprint, css, fonts, fetcher
    return engines[more]


def stylesheet(name: str = STYLESHEET) -> str:
    found = finders.find(name)
    assert isinstance(found, str), f"{name} is missing"
    return found


def paper_size(country: str) -> str:
    """ "letter" where it is the custom, else "A4"."""
    return "letter" if country in LETTER_COUNTRIES else "A4"


def may_fetch(url: str) -> bool:
    """Only what is in the paper or below our own folders, so that no text on it makes this server call out."""
    parts = urlsplit(url)
    if parts.scheme == "data":
        return True
    if parts.scheme != "file" or parts.netloc:
        return False
    path = Path(url2pathname(parts.path)).resolve()
    homes = [settings.STATIC_ROOT, settings.MEDIA_ROOT, *settings.STATICFILES_DIRS]
    return any(path.is_relative_to(Path(home).resolve()) for home in homes)


def _local_fetcher() -> Any:
    from weasyprint.urls import URLFetcher

    class LocalFetcher(URLFetcher):
        def fetch(self, url: str, headers: Any = None) -> Any:
            if not may_fetch(url):
                raise ValueError(f"papers do not fetch {urlsplit(url).scheme} addresses")
            return super().fetch(url, headers)

    return LocalFetcher(allowed_protocols=("data", "file"), allow_redirects=False)
