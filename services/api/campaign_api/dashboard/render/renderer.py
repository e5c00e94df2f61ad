"""Templates of the pages: what they may call, and the headers of a page."""

from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_hex
from typing import Any

from flask import Response, g, request
from jinja2 import Environment, PackageLoader, StrictUndefined

from campaign_api.dashboard.render import formats, languages, words
from campaign_api.dashboard.render.static_files import StaticFiles
from campaign_api.web.caller import Scope, caller
from campaign_api.web.idempotency.idempotent_requests import FORM_FIELD

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Accept-Language",
}
"""Without a referrer a form of a page would name no origin (Fetch, section 3.2)."""

SEED = "seed"
"""The parameter in which a fragment has the seed of its page."""

SEED_DIGITS = 32


class Renderer:
    """Renderer of the templates of the dashboard."""

    def __init__(self, static: StaticFiles) -> None:
        self._templates = Environment(
            loader=PackageLoader("campaign_api.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.install_gettext_callables(  # type: ignore[attr-defined]
            languages.gettext, languages.ngettext, newstyle=True
        )
        self._templates.globals.update(
            static=static.path_of,
            language=languages.language,
            form_key=form_key,
            form_field=FORM_FIELD,
            seed=page_seed,
            may=may,
            here="",
            utc_now=lambda: datetime.now(UTC),
        )
        self._templates.filters.update(
            number=formats.number,
            share=formats.share,
            amount=formats.amount,
            moment=formats.moment,
            distance=formats.distance,
            word=words.word,
        )

    def add_globals(self, **values: object) -> None:
        """Let every template use further values."""
        self._templates.globals.update(values)

    def respond(self, template: str, status: int = 200, **values: object) -> Response:
        """Return a page, or a fragment of one, in the state that the client has it or again."""
        return self.page(self.text(template, **values), status)

    def text(self, template: str, **values: object) -> str:
        """Return what a template shows."""
        return self._templates.get_template(template).render(**values)

    def page(self, text: str, status: int = 200) -> Response:
        """Return a text as a page, as `respond` does."""
        response = Response(text, status, content_type="text/html; charset=utf-8")
        response.headers.update(HEADERS)
        if status == 200 and request.method in ("GET", "HEAD"):
            response.add_etag()
            response.make_conditional(request)
        return response


def may(scope: str) -> bool:
    """Return whether the visitor's scope allows what needs `scope`."""
    return "caller" in g and caller().scope.allows(Scope(scope))


def page_seed() -> str:
    """Return what the keys of the forms of a page are made of: new for each page."""
    seed: str | None = g.get("page_seed")
    if seed is None:
        given = request.args.get(SEED, "")
        is_seed = len(given) == SEED_DIGITS and all(c in "0123456789abcdef" for c in given)
        seed = g.page_seed = given if is_seed else token_hex(SEED_DIGITS // 2)
    return seed


def form_key(name: str, *parts: Any) -> str:  # noqa: ANN401 - whatever tells one form from another
    """Return the Idempotency-Key of a form.

    A form of a page has another key on the next page. One in a fragment keeps it while `parts`
    are the same, so that a fragment without news is the same text. The seed is a part of it as it
    is, so that a fragment can be rendered for many pages at once.
    """
    return page_seed() + sha256("\0".join(map(str, (name, *parts))).encode()).hexdigest()[:32]
