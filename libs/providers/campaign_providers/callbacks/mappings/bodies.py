"""Bodies of callbacks, decoded as the mapping says. Nothing is decompressed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

from campaign_common.errors import SettingsError
from campaign_providers.callbacks.facts import CallbackRequest, form_fields, is_form
from campaign_providers.callbacks.mappings.documents import BodyForm
from campaign_providers.callbacks.mappings.places import ReportPath, scalar_text, value_at

DEEPEST = 32
"""Objects and lists inside each other; a deeper document is not read. The decoder itself ends with
a RecursionError before the stack does."""

Items = list[object]
"""A list of JSON."""

_MARK = b"\xef\xbb\xbf"
_CONTAINERS = frozenset({dict, list})


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
    try:
        document: object = msgspec.json.decode(body.removeprefix(_MARK))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if _is_deep(body, document) else document


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


def _is_deep(body: bytes, document: object) -> bool:
    """Return whether a document has more levels than are read, from the outermost level inwards."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    level = [document]
    for _ in range(DEEPEST):
        level = [
            inside
            for around in level
            for inside in (around.values() if type(around) is dict else cast("Items", around))
            if type(inside) in _CONTAINERS
        ]
        if not level:
            return False
    return True
