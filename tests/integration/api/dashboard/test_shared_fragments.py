"""The fragment of a campaign live is rendered once for many, and is of each page all the same."""

import re

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from tests.integration.api.dashboard.visitor import PAGE, Visitor
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, add_list
from tests.support.keys import make_key
from tests.support.servers.databases import DatabaseServers, SchemaServer

LIVE = f"/campaigns/{CAMPAIGN}/live?seed="
FORM = re.compile(r'action="([^"]+)".*?value="([^"]+)"', re.DOTALL)
KEY = re.compile(r'name="idempotency_key" value="([^"]+)"')


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: what a page shows does not depend on it."""
    return database_servers.get("mariadb")


def test_each_page_has_its_keys_and_its_address(visitor: Visitor, pool: Database) -> None:
    add_list(pool, range(1, 3))
    add_campaign(pool)
    one, other = (visitor.open(LIVE + digit * 32).text for digit in "ab")
    assert one.replace("a" * 32, "b" * 32) == other
    keys = [set(KEY.findall(text)) for text in (one, other)]
    assert len(keys[0]) == 1
    assert not keys[0] & keys[1]
    assert f'data-live="{LIVE}{"a" * 32}"' in one
    page = visitor.open(f"/campaigns/{CAMPAIGN}")
    (seed,) = re.findall(r"live\?seed=(\w+)", page.text)
    pressed = dict(re.findall(r'action="([^"]+)".*?value="([^"]+)"', page.text, re.DOTALL))
    again = dict(
        re.findall(r'action="([^"]+)".*?value="([^"]+)"', visitor.open(LIVE + seed).text, re.DOTALL)
    )
    pause = f"/campaigns/{CAMPAIGN}/pause"
    assert pressed[pause] == again[pause]


def test_what_a_scope_may_not_do_is_not_shared(client: FlaskClient, pool: Database) -> None:
    add_list(pool, range(1, 3))
    add_campaign(pool)
    writer, reader = Visitor(client), Visitor(client)
    writer.sign_in(make_key(pool, Scope.WRITE))
    assert "Pause" in writer.open(LIVE + "a" * 32).text
    reader.sign_in(make_key(pool, Scope.READ))
    assert "Pause" not in reader.open(LIVE + "a" * 32).text
    german = {**PAGE, "Accept-Language": "de"}
    assert client.get(LIVE + "a" * 32, headers=german).status_code == 200


def test_polls_are_no_lines_of_the_log(visitor: Visitor, pool: Database) -> None:
    add_list(pool, range(1, 3))
    add_campaign(pool)
    with capture_logs() as logged:
        visitor.open(LIVE)
        visitor.open("/campaigns/77/live")
        visitor.open(f"/campaigns/{CAMPAIGN}")
    levels = [(line["status"], line["log_level"]) for line in logged if line["event"] == "request"]
    assert levels == [(200, "debug"), (404, "info"), (200, "info")]
