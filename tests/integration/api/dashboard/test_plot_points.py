"""Points of a campaign's plots, which its page asks for as they come."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from campaign_api.dashboard.screens.campaigns.plots import MOST_ROWS, points_of, thinned
from campaign_common.database import Database
from campaign_common.domain.message import FINAL, Status
from tests.integration.api.dashboard.visitor import Visitor
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, add_list, record
from tests.integration.api.stored import change
from tests.support.servers.databases import DatabaseServers, SchemaServer

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
KEPT = """
INSERT INTO kept_samples VALUES (%s, NOW(6) - INTERVAL %s SECOND, 5, 3, 4, 1, 0, 0, 0, 0, 0)
"""


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: what a page shows does not depend on it."""
    return database_servers.get("mariadb")


def sample(seconds: float, rate: float | None = 1.0) -> dict[str, object]:
    nobody = {status.word: 0 for status in FINAL}
    at = NOON + timedelta(seconds=seconds)
    return {"at": at, "counts": nobody, "pending": 0, "lag": 0, "rate": rate}


@pytest.mark.parametrize(
    ("seconds", "last"),
    [([0, 5, 5.5], None), ([0, 5, 7], 1.0), ([0, 0.5], 1.0)],
    ids=["a moment after a sample", "two seconds after", "a short campaign"],
)
def test_a_rate_over_a_moment_is_not_plotted(seconds: list[float], last: float | None) -> None:
    assert points_of([sample(each) for each in seconds])[-1].rate == last


@pytest.mark.parametrize("number", [0, 1, MOST_ROWS, MOST_ROWS + 1, 400])
def test_the_table_is_short_and_has_both_ends(number: int) -> None:
    points = points_of([sample(second * 5) for second in range(number)])
    rows = thinned(points, MOST_ROWS)
    assert len(rows) <= MOST_ROWS
    assert rows[:1] == points[:1]
    assert rows[-1:] == points[-1:]


def test_a_page_asks_for_what_is_new(visitor: Visitor, pool: Database) -> None:
    add_list(pool, range(1, 11))
    add_campaign(pool, started_ago=200)
    for ago in range(195, 5, -5):
        change(pool, KEPT, CAMPAIGN, ago)
    record(pool, dict.fromkeys(range(1, 9), Status.SENT) | {9: Status.FAILED})
    page = visitor.open(f"/campaigns/{CAMPAIGN}")
    (given,) = re.findall(r'data-points="(\[[^"]*\])"', page.text)
    points = json.loads(given)
    assert len(points) == 40
    assert points[-1][2:] == [1, 8, 1, 0, 0, 0, 0]
    path = f"/campaigns/{CAMPAIGN}/points?after="
    some = visitor.open(f"{path}{points[9][0]}")
    found = [json.loads(each) for each in re.findall(r'data-point="([^"]+)"', some.text)]
    assert found == points[10:22]
    assert len(some.data) < 5_000
    assert "data-point" not in visitor.open(f"{path}9{points[-1][0]}").text
    for wrong in ("", "x", "-1", "9" * 400, "²"):
        assert visitor.open(f"{path}{wrong}").status_code == 200


def test_a_campaign_that_has_not_begun_has_no_plots(visitor: Visitor, pool: Database) -> None:
    add_list(pool, range(1, 3))
    add_campaign(pool, state="draft", shards=None)
    page = visitor.open(f"/campaigns/{CAMPAIGN}")
    assert "There is nothing to plot yet." in page.text
    assert 'data-points="[]"' in page.text
    assert visitor.open("/campaigns/77/points").status_code == 404
