"""Languages of the pages: texts by gettext catalogues, numbers and times by Babel.

The language is one that the browser asks for and that there is a catalogue of, else English, in
which the texts are written.
"""

from functools import lru_cache
from gettext import NullTranslations
from importlib import resources
from io import BytesIO

from babel import Locale, negotiate_locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import g, has_request_context, request

WRITTEN_IN = "en"


def known_languages() -> tuple[str, ...]:
    """Return the languages that there are texts in."""
    folder = resources.files("campaign_api.dashboard").joinpath("locales")
    names = (entry.name for entry in folder.iterdir())
    return (WRITTEN_IN, *sorted(name.removesuffix(".po") for name in names))


@lru_cache(maxsize=16)
def catalogue(language: str) -> NullTranslations:
    """Return the texts in a language; an empty catalogue for the one they are written in."""
    if language == WRITTEN_IN:
        return NullTranslations()
    folder = resources.files("campaign_api.dashboard").joinpath("locales")
    with folder.joinpath(f"{language}.po").open("rb") as file:
        return translations(read_po(file, locale=language))


def translations(texts: Catalog) -> Translations:
    """Return a catalogue as gettext asks it; a text that it lacks is shown as it is written."""
    compiled = BytesIO()
    write_mo(compiled, texts)
    compiled.seek(0)
    return Translations(compiled)


@lru_cache(maxsize=1)
def _choices() -> tuple[str, ...]:
    return known_languages()


def language() -> str:
    """Return the language of the current request."""
    if not has_request_context():
        return WRITTEN_IN
    found: str | None = g.get("language")
    if found is None:
        wanted = list(request.accept_languages.values())
        found = negotiate_locale(wanted, _choices(), sep="-") or WRITTEN_IN
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
