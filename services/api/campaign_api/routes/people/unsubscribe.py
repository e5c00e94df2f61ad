"""`/u/{reference}`: the page behind the link in a message, at which its recipient unsubscribes.

GET shows a button and changes nothing: programs that look for dangerous links ask for each of them.
POST acts, whatever its body: that of a form, or `List-Unsubscribe=One-Click` (RFC 8058). The page
is for people, who have no API key: it is HTML, in their language, without a script, and loads
nothing. It says nothing of the person.
"""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, NamedTuple

import structlog
from flask import Flask, Response, request
from markupsafe import Markup

from campaign_api.routes.people.unsubscribe_texts import PageTexts, page_texts
from campaign_api.suppressions.unsubscribing import LinkState, Unsubscribing
from campaign_api.web.http.problems import RETRY_AFTER
from campaign_api.web.routing.view_metadata import open_to_all
from campaign_common.errors import RetryLater
from campaign_common.settings import UnsubscribeSettings

ROUTE = "/u/<reference>"
PATH = "/u/{reference}"
ENDPOINT = "unsubscribe_page"

STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;margin:0}"
    "main{max-width:32rem;margin:10vh auto;padding:0 1rem}"
    "h1{font-size:1.6rem}"
    "button{font:inherit;padding:.7rem 1.4rem;min-width:12rem;cursor:pointer}"
)

POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    f" style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)

_PAGE = Markup(
    "<!doctype html>\n"
    '<html lang="{language}" dir="auto">\n'
    "<head>\n"
    '<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="robots" content="noindex, nofollow">\n'
    "<title>{title}</title>\n"
    "<style>{style}</style>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n"
    "{sender}<h1>{title}</h1>\n"
    '<p role="status">{text}</p>\n'
    "{form}</main>\n"
    "</body>\n"
    "</html>\n"
)
_SENDER = Markup("<p>{sender}</p>\n")
_FORM = Markup('<form method="post"><button type="submit">{button}</button></form>\n')

log = structlog.get_logger(__name__)


class _Said(NamedTuple):
    """The status of a response, and the name of the text that the page shows."""

    status: HTTPStatus
    text: str


LATER = _Said(HTTPStatus.SERVICE_UNAVAILABLE, "later")

_SAID = {
    LinkState.VALID: _Said(HTTPStatus.OK, "question"),
    LinkState.UNSUBSCRIBED: _Said(HTTPStatus.OK, "done"),
    LinkState.TEST: _Said(HTTPStatus.OK, "test"),
    LinkState.GONE: _Said(HTTPStatus.GONE, "gone"),
    LinkState.UNKNOWN: _Said(HTTPStatus.NOT_FOUND, "unknown"),
}


def register(app: Flask, unsubscribing: Unsubscribing, settings: UnsubscribeSettings) -> None:
    """Serve the page."""
    texts = page_texts(settings)

    @open_to_all
    def page(reference: str) -> Response:
        acts = request.method == "POST"
        try:
            state = unsubscribing.unsubscribe(reference) if acts else unsubscribing.look(reference)
        except RetryLater as error:
            log.warning("unsubscribing failed", kind=type(error).__name__, reason=str(error))
            return _response(LATER, settings, texts)
        return _response(_SAID[state], settings, texts)

    app.add_url_rule(ROUTE, ENDPOINT, page, methods=["GET", "POST"])


def _response(
    said: _Said, settings: UnsubscribeSettings, texts: Mapping[str, PageTexts]
) -> Response:
    """Return the page in the language that the browser asks for."""
    language = request.accept_languages.best_match(texts, settings.language) or settings.language
    words = texts[language]
    has_form = said is _SAID[LinkState.VALID] or said is LATER
    html = _PAGE.format(
        language=language,
        title=words.title,
        style=Markup(STYLE),  # noqa: S704 - a constant
        sender=_SENDER.format(sender=settings.sender) if settings.sender else "",
        text=getattr(words, said.text),
        form=_FORM.format(button=words.button) if has_form else "",
    )
    response = Response(html, status=said.status, content_type="text/html; charset=utf-8")
    response.headers["Content-Language"] = language
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Vary"] = "Accept-Language"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    if said is LATER:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def description() -> dict[str, Any]:
    """Return the path item of the OpenAPI document."""
    return {
        "parameters": [
            {
                "in": "path",
                "name": "reference",
                "required": True,
                "description": "Signed reference of a message, from the link in its text.",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{22,31}$"},
            }
        ],
        "get": _operation("Show the page with the button; nothing changes.", "The page."),
        "post": _operation(
            "Unsubscribe the recipient of the message, whatever the body says.",
            "The recipient is unsubscribed: a suppression with the source `unsubscribe` is stored.",
        ),
    }


def _operation(summary: str, success: str) -> dict[str, Any]:
    page = {"content": {"text/html": {"schema": {"type": "string"}}}}
    return {
        "tags": ["unsubscribe"],
        "summary": summary,
        "description": "For the recipients of messages, who need no key.",
        "security": [],
        "responses": {
            "200": {"description": success, **page},
            "404": {"description": "The link is not complete, or none of ours.", **page},
            "410": {"description": "The campaign was purged, or the recipient erased.", **page},
            "503": {"description": "The database is away; the page says to try again.", **page},
        },
    }
