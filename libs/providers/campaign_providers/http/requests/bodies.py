"""Bodies of requests, and queries, by the type that the configuration names."""

from collections.abc import Callable, Mapping

from campaign_common.settings import HttpRequestSettings
from campaign_common.settings.fields.templates import TextTemplate
from campaign_providers.contract import OutboundMessage
from campaign_providers.http.requests.compiling import CompiledText, Piece, pieces_of
from campaign_providers.http.requests.escaping import as_text, in_url, in_xml
from campaign_providers.http.requests.json_body import json_body
from campaign_providers.http.requests.values import GetValue, Values

GetBody = Callable[[OutboundMessage], bytes]

_Optional = tuple[bytes, GetValue]
"""Name of a field that some messages do not have, and the function that returns its value."""

CONTENT_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "application/xml; charset=utf-8",
}


def body_of(settings: HttpRequestSettings, values: Values) -> GetBody | None:
    """Compile the body; None where requests have none."""
    match settings.body.type:
        case "json":
            return json_body(settings.body.json, values)
        case "form":
            return fields_of(settings.body.form, values)
        case "xml" if settings.body.xml is not None:
            return CompiledText(pieces_of(settings.body.xml, values, in_xml, as_text)).render
    return None


def fields_of(fields: Mapping[str, TextTemplate], values: Values) -> GetBody:
    """Compile fields in the form of application/x-www-form-urlencoded, which queries have, too.

    A blank is %20, which all parsers read. A field without a value is left out.
    """
    compiled: list[CompiledText | _Optional] = []
    pieces: list[Piece] = []
    for name, text in fields.items():
        start = in_url(name) + b"="
        if text.alone and values.is_optional(text.alone):
            if pieces:
                compiled.append(CompiledText(pieces))
            pieces = []
            compiled.append((start, values.function(text.alone)))
        else:
            pieces += [b"&" * bool(pieces) + start, *pieces_of(text, values, in_url, in_url)]
    if pieces or not compiled:
        compiled.append(CompiledText(pieces))
    match compiled:
        case [CompiledText() as only]:
            return only.render
    return lambda message: b"&".join(_present(compiled, message))


def _present(compiled: list[CompiledText | _Optional], message: OutboundMessage) -> list[bytes]:
    present = []
    for made in compiled:
        if isinstance(made, CompiledText):
            present.append(made.render(message))
        elif (value := made[1](message)) is not None:
            present.append(made[0] + in_url(value))
    return present
