"""Languages: each text of a page is asked of the catalogue of the visitor's language."""

import re
from html.parser import HTMLParser

import pytest
from babel.messages.catalog import Catalog

from campaign_api.dashboard.render import languages
from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from messages.__main__ import DASHBOARD
from messages.catalogues import texts_of
from tests.integration.api.dashboard.test_screens import make_campaign
from tests.integration.api.dashboard.visitor import PAGE, Visitor
from tests.support.servers.databases import DatabaseServers, SchemaServer

PLACEHOLDER = re.compile(r"(%\(\w+\)s)")
ACCENTS = str.maketrans("aceinostuyACEIOSU", "áçéíñóšťúýÁÇÉÍÓŠÚ")


class TextNodes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_data(self, data: str) -> None:
        self.found.add(" ".join(data.split()))


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: what a page shows does not depend on it."""
    return database_servers.get("mariadb")


def accented(text: str) -> str:
    """A text that is still readable, and that nobody wrote."""
    parts = PLACEHOLDER.split(text)
    return "".join(part if part.startswith("%(") else part.translate(ACCENTS) for part in parts)


def pseudo_locale() -> tuple[Catalog, set[str]]:
    """A catalogue of accented texts, and the texts that differ in it."""
    catalogue, written = Catalog(locale="de"), set()
    for message in texts_of(DASHBOARD):
        if isinstance(message.id, str):
            catalogue.add(message.id, accented(message.id))
            written.add(message.id)
        else:
            catalogue.add(message.id, tuple(map(accented, message.id)))
    return catalogue, {text for text in written if accented(text) != text}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The texts as they are written, of which a page in the pseudo-locale shows none."""
    catalogue, written = pseudo_locale()
    compiled = languages.translations(catalogue)
    monkeypatch.setattr(languages, "catalogue", lambda _: compiled)
    return written


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/campaigns",
        "/campaigns/{id}",
        "/campaigns/{id}/cancel",
        "/campaigns/new",
        "/campaigns/{id}/messages",
        "/campaigns/{id}/errors",
        "/calendar",
        "/lists",
        "/lists/1",
        "/lists/1/rejects",
        "/lists/upload",
        "/people",
        "/people/13961467500",
        "/inbound",
        "/suppressions",
        "/suppressions/add",
        "/providers",
        "/providers/simulated",
        "/api-keys",
        "/webhooks",
        "/audit",
        "/nowhere",
    ],
)
def test_a_page_shows_no_text_as_it_is_written(
    visitor: Visitor, pool: Database, written: set[str], path: str
) -> None:
    campaign_id = make_campaign(visitor.client, pool, "0000")
    nodes = TextNodes()
    nodes.feed(visitor.open(path.format(id=campaign_id)).text)
    assert not nodes.found & written - set(Scope)
    assert any(accented(text) in nodes.found for text in written)


@pytest.mark.parametrize(
    ("asked", "language", "heading"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Kampagnen"),
        ("en-GB,de;q=0.5", "en", "Campaigns"),
        ("fr", "en", "Campaigns"),
        ("", "en", "Campaigns"),
    ],
)
def test_the_browser_chooses_the_language(
    visitor: Visitor, asked: str, language: str, heading: str
) -> None:
    page = visitor.client.get("/campaigns", headers=PAGE | {"Accept-Language": asked})
    assert f'<html lang="{language}"' in page.text
    assert f"<h1>{heading}</h1>" in page.text
    assert "Accept-Language" in page.headers["Vary"]


def test_numbers_are_those_of_the_language(visitor: Visitor) -> None:
    with visitor.client.application.test_request_context(headers={"Accept-Language": "de"}):
        assert languages.locale().number_symbols["latn"]["group"] == "."
        assert languages.ngettext("%(n)s segment", "%(n)s segments", 2) == "%(n)s Segmente"
