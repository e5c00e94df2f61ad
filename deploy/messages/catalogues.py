"""Catalogues of texts, of the sources and of languages (GNU gettext, PO)."""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

METHODS = [("**/*.html", "jinja2"), ("**/*.py", "python")]
OPTIONS = {"**/*.html": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}
HEADER = r"""msgid ""
msgstr ""
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: {plural_forms}\n"

"""
"""Without dates and names of tools, which would be other lines each time."""
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def texts_of(folder: Path) -> Catalog:
    """Gather the texts of the templates and modules below a folder, without line numbers."""
    texts = Catalog(charset="utf-8")
    found = extract_from_dir(folder, METHODS, OPTIONS, KEYWORDS, comment_tags=("translators:",))
    for file, _, text, comments, context in sorted(found, key=lambda each: each[:2]):
        texts.add(text, None, [(file, None)], auto_comments=comments, context=context)
    return texts


def read(file: Path, language: str) -> Catalog:
    """Read the texts in a language; an empty catalogue where there is no file yet."""
    if not file.exists():
        return Catalog(locale=language, charset="utf-8")
    with file.open("rb") as opened:
        return read_po(opened, locale=language)


def updated(translated: Catalog, texts: Catalog) -> bytes:
    """Return the file of a language with the present texts; those that are new have none in it."""
    translated.update(texts, no_fuzzy_matching=True, update_creation_date=False)
    written = BytesIO()
    write_po(
        written,
        translated,
        width=100,
        omit_header=True,
        sort_by_file=True,
        ignore_obsolete=True,
        include_lineno=False,
    )
    header = HEADER.format(language=translated.locale, plural_forms=translated.plural_forms)
    return header.encode() + written.getvalue()


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the texts that have no translation, or one that does not fit their placeholders."""
    return [_first(message) for message in catalogue if message.id and not _is_whole(message)]


def _is_whole(message: Message) -> bool:
    forms = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    return all(forms) and not message.fuzzy and not list(message.check())


def _first(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]
