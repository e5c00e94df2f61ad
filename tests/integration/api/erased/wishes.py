"""People who are suppressed, erased and brought back."""

from flask.testing import FlaskClient

from campaign_common.database import Database
from tests.integration.api.erased.people import PHONE, erase
from tests.integration.api.lists.uploads import upload
from tests.integration.api.stored import change

OTHERS = [str(13961467500 + n) for n in range(250)]
"""More than two batches."""

SHOP = "sender:shop"
SINCE = "2026-01-31T09:30:00Z"

STORED = "SELECT phone, scope, reason, source, until, note FROM suppressions"
HASHED = "SELECT COUNT(*) FROM suppression_hashes"
CHANGES = "SELECT phone, scope, is_added, actor FROM suppression_changes ORDER BY id"


def suppress(client: FlaskClient, scope: str = SHOP, **more: object) -> None:
    body = {"phone": PHONE, "scope": scope, "reason": "stop", "since": SINCE, **more}
    answer = client.post("/v1/suppressions", json=body)
    assert answer.status_code == 200, answer.text


def age(pool: Database) -> None:
    """Make the changes so old that no sender needs their numbers."""
    change(pool, "UPDATE suppression_changes SET changed_at = NOW(6) - INTERVAL 1 DAY")


def erase_suppressed(client: FlaskClient, pool: Database) -> None:
    suppress(client)
    age(pool)
    assert erase(client)["remaining_steps"] == ["dead_letters"]


def bring_back(client: FlaskClient, phones: list[str] | None = None) -> None:
    text = "".join(f"Ann,{phone}\n" for phone in phones or [PHONE])
    answer = upload(client, text, reconsented="true")
    assert answer.status_code == 201, answer.text
