"""GET /v1/campaigns/{id}/samples."""

from flask.testing import FlaskClient

from campaign_common.database import Database
from campaign_common.domain.message import Status
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, add_list, record
from tests.integration.api.stored import change

PATH = f"/v1/campaigns/{CAMPAIGN}/samples"
KEPT = """
INSERT INTO kept_samples VALUES (%s, NOW(6) - INTERVAL 5 SECOND, 5, 3, 4, 1, 0, 0, 0, 0, 0)
"""


def test_samples_go_from_the_start_to_now(client: FlaskClient, pool: Database) -> None:
    add_list(pool, range(1, 11))
    add_campaign(pool)
    change(pool, KEPT, CAMPAIGN)
    change(pool, KEPT, CAMPAIGN + 1)
    record(pool, dict.fromkeys(range(1, 9), Status.SENT) | {9: Status.FAILED})
    answer = client.get(PATH).get_json()
    first, kept, last = answer["samples"]
    nobody = {status.word: 0 for status in Status if status is not Status.NOT_STARTED}
    assert first.pop("at") < kept.pop("at") < last.pop("at")
    assert first == {"counts": nobody, "pending": 10, "lag": 0, "rate": None}
    assert kept == {
        "counts": nobody | {"sent": 4, "failed": 1},
        "pending": 5,
        "lag": 3,
        "rate": kept["rate"],
    }
    assert (last["counts"]["sent"], last["pending"], last["lag"]) == (8, 1, 1)
    assert 0.9 <= kept["rate"] <= 1.1


def test_a_campaign_that_has_not_started_has_none(client: FlaskClient, pool: Database) -> None:
    add_list(pool, range(1, 3))
    add_campaign(pool, state="draft", shards=None)
    assert client.get(PATH).get_json() == {"samples": []}


def test_an_unknown_campaign_has_none(client: FlaskClient, pool: Database) -> None:
    assert client.get(PATH).status_code == 404
