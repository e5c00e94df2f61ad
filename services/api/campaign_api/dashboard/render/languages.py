"""Languages of the pages: texts by gettext catalogues, numbers and times by Babel.

The language is one that the browser asks for and that there is a catalogue of, else English, in
which the texts are written.
"""

from functools import lru_cache
from gettext import NullTranslations
from importlib import resources

from babel import Locale
from babel.support import Translations
from flask import g, has_request_context, request

WRITTEN_IN = "en"

DOMAIN = "dashboard"


def known_languages() -> tuple[str, ...]:
    """Return the languages that there are texts in."""
    folder = resources.files("campaign_api.dashboard").joinpath("locales")
    others = [entry.name for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []
    return (WRITTEN_IN, *sorted(others))


@lru_cache(maxsize=16)
def catalogue(language: str) -> NullTranslations:
    """Return the texts in a language; an empty catalogue for the one they are written in."""
    if language == WRITTEN_IN:
        return NullTranslations()
    folder = resources.files("campaign_api.dashboard").joinpath("locales", language)
    with folder.joinpath(f"{DOMAIN}.mo").open("rb") as file:
        return Translations(file, domain=DOMAIN)


@lru_cache(maxsize=1)
def _choices() -> tuple[str, ...]:
    return known_languages()


def language() -> str:
    """Return the language of the current request."""
    if not has_request_context():
        return WRITTEN_IN
    found: str | None = g.get("language")
    if found is None:
        found = request.accept_languages.best_match(_choices(), WRITTEN_IN) or WRITTEN_IN
        g.language = found
    return found


def locale() -> Locale:
    """Return the locale of the current request, for numbers and times."""
    return Locale.parse(language(), sep="-")


def gettext(text: str) -> str:
    """Return a text in the language of the current request."""
    return catalogue(language()).gettext(text)


def ngettext(one: str, many: str, n: int) -> str:
    """Return the text for a number, in the language of the current request."""
    return catalogue(language()).ngettext(one, many, n)
