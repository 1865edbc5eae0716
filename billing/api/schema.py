"""What the OpenAPI description needs to know beyond the views: the token, and the shape of a problem."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import serializers


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "billing.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer qt_…"}


class ProblemError(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Path of the field, for example allocations[0].amount.")
    code = serializers.CharField()
    message = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457. The facts of the refusal stand beside these, for example due_amount."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for people, in the language asked for.")
    code = serializers.CharField(help_text="Stable; programs should look at this.")
    errors = ProblemError(many=True)  # type: ignore[assignment]


PROBLEM_WORDS = {
    400: "The request cannot be read, or a value is wrong.",
    401: "No token, or one that is not valid.",
    403: "The acting user's role does not allow this.",
    404: "There is no such record in this organization.",
    405: "Not offered.",
    409: "It clashes with what is already there.",
    413: "Too large.",
    415: "Not JSON in UTF-8, or compressed.",
    422: "Understood, and refused by the rules.",
    429: "Too many requests; see Retry-After.",
    503: "Busy, or PDF output is off; nothing was saved.",
}


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The refusals an address may give, for extend_schema."""
    return {
        (status, "application/problem+json"): OpenApiResponse(Problem, description=PROBLEM_WORDS[status])
        for status in (*statuses, 401, 403, 429)
    }


def query(name: str, text: str, kind: Any = OpenApiTypes.STR, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, **more)


PAGING = [
    query("page", "From 1.", OpenApiTypes.INT),
    query("page_size", "1 to 200; 50 unless told.", OpenApiTypes.INT),
]
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True,
    description="At most 255 characters; a new one for each request, the same for a retry.",
)  # fmt: skip


class Envelope(serializers.Serializer[Any]):
    """What stands around every list, as paging.page_of makes it; its rows are `results`."""

    count = serializers.IntegerField()
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()
    pages = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class SchemaView(SpectacularAPIView):
    """The OpenAPI 3 description of this API. Open to everyone: it says nothing about anybody."""


class DocsView(SpectacularSwaggerSplitView):
    """The description as pages to read and try. Its styles are files: the security policy takes no others."""

    template_name = "api/docs.html"
    url_name = "api-schema"
