"""Bodies of callbacks, decoded as the mapping says. Nothing is decompressed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from campaign_common.errors import SettingsError
from campaign_providers.callbacks.facts import CallbackRequest, form_fields, is_form
from campaign_providers.callbacks.mappings.documents import BodyForm
from campaign_providers.callbacks.mappings.places import ReportPath, scalar_text, value_at

DEEPEST = 32
"""Objects and lists inside each other; a document that is deeper is not decoded."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)
"""A string, also one without an end, or a bracket. No character is looked at twice."""

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """The place of a document in a request."""

    forms: tuple[BodyForm, ...]
    nested: tuple[str, ...] = ()

    @classmethod
    def of(cls, forms: BodyForm | Sequence[BodyForm], nested: str | None) -> "DocumentSource":
        """Compile what a mapping writes of it.

        Raises:
            SettingsError: there is no form, or `nested` is no path.
        """
        each = (forms,) if isinstance(forms, str) else tuple(forms)
        if not each:
            raise SettingsError("mapping of callbacks: expected at least one form of the body")
        return cls(each, ReportPath.of(nested).steps if nested else ())

    def decode(self, request: CallbackRequest) -> object:
        """Return the document of a request; None where it has none in a form that is expected."""
        document = _decoded(request, _form_of(request, self.forms))
        if self.nested and document is not None:
            text = scalar_text(value_at(document, self.nested)) or ""
            return decoded_json(text.encode("utf-8", "surrogatepass"))
        return document


def _decoded(request: CallbackRequest, form: BodyForm) -> object:
    if form == "query":
        return form_fields(request.query)
    if form == "json":
        return decoded_json(request.body)
    return form_fields(request.body.decode("utf-8", "replace")) if is_form(request.body) else None


def decoded_json(body: bytes) -> object:
    """Return a JSON document; None where it is none, `null`, or deeper than `DEEPEST`."""
    if _is_deep(body):
        return None
    try:
        document: object = msgspec.json.decode(body.removeprefix(_MARK))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document


def _form_of(request: CallbackRequest, forms: Sequence[BodyForm]) -> BodyForm:
    """Return the form of a body; where several are expected, method and content type decide."""
    if len(forms) == 1:
        return forms[0]
    if "query" in forms and (request.method == "GET" or not request.body):
        return "query"
    content_type = request.header("content-type").lower()
    if "json" in forms and ("json" in content_type or "form" not in forms):
        return "json"
    return "form"


def _is_deep(body: bytes) -> bool:
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for token in _TOKEN.finditer(body):
        if token[1]:
            depth += 1
            if depth > DEEPEST:
                return True
        elif token[2]:
            depth -= 1
    return False
