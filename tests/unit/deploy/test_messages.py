"""Languages of the dashboard: every text of a template can be translated, and is."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from messages.__main__ import DASHBOARD
from messages.catalogues import read, texts_of, untranslated, updated

TEMPLATES = sorted((DASHBOARD / "templates").rglob("*.html"))
CATALOGUES = sorted((DASHBOARD / "locales").glob("*.po"))
JINJA = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
SHOWN_ATTRIBUTES = {"alt", "aria-label", "placeholder", "title"}
SAME_IN_EACH_LANGUAGE = {"camp-mgr", "campmgr", "UTC"}


class ShownTexts(HTMLParser):
    """The texts of a page that people see or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in SHOWN_ATTRIBUTES and value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def texts_shown(page: str) -> set[str]:
    parser = ShownTexts()
    parser.feed(page)
    return {text.strip() for text in parser.texts if re.search(r"[A-Za-z]{2}", text)}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_has_no_text_of_one_language(template: Path) -> None:
    written = texts_shown(JINJA.sub("", template.read_text()))
    assert written <= SAME_IN_EACH_LANGUAGE


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_has_each_text(file: Path) -> None:
    catalogue = read(file, file.stem)
    assert updated(catalogue, texts_of(DASHBOARD)) == file.read_bytes(), "make messages"
    assert untranslated(catalogue) == []
