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
    if not any(text.alone and values.is_optional(text.alone) for text in fields.values()):
        pieces: list[Piece] = []
        for n, (name, text) in enumerate(fields.items()):
            pieces += [b"&" * (n > 0), in_url(name), b"="]
            pieces += pieces_of(text, values, in_url, in_url)
        return CompiledText(pieces).render
    compiled: list[tuple[bytes, GetValue | CompiledText]] = [
        (
            in_url(name) + b"=",
            values.function(text.alone)
            if text.alone and values.is_optional(text.alone)
            else CompiledText(pieces_of(text, values, in_url, in_url)),
        )
        for name, text in fields.items()
    ]
    return lambda message: b"&".join(_present(compiled, message))


def _present(
    compiled: list[tuple[bytes, GetValue | CompiledText]], message: OutboundMessage
) -> list[bytes]:
    present = []
    for name, made in compiled:
        if isinstance(made, CompiledText):
            present.append(name + made.render(message))
        elif (value := made(message)) is not None:
            present.append(name + in_url(value))
    return present
