"""Looking a person up reads a handful of rows, however many there are."""

import pytest

from campaign_api.messages.recipient_history import LARGEST_ID, LATEST
from campaign_common.database import Cursor, Cursors, Database
from campaign_common.domain.message import Status
from campaign_common.store.recipients.recipient_history import messages_of
from tests.integration.api.conftest import SHARDS
from tests.integration.api.messages_seed import LIST, add_campaign, add_list, phone_of

PEOPLE = 2_000
LISTS = 3

INSERT_OUTCOMES = """
INSERT INTO messages_{shard} (campaign_id, seq, status, generation, try_number, attempts, sent_at)
SELECT c.id, r.seq, 1, 0, 1, 1, NOW(6) FROM campaigns c JOIN recipients r ON r.list_id = c.list_id
WHERE CRC32(r.phone) %% %s = {shard}
"""


def questions(cursor: Cursor) -> int:
    """Statements that the session has sent, this one included."""
    cursor.execute("SHOW SESSION STATUS LIKE 'Questions'")
    ((_, n),) = cursor.fetchall()
    return int(n)


def rows_read(cursor: Cursor) -> int:
    """Rows that the session's statements have fetched since the counters were set back."""
    cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
    return sum(int(n) for _, n in cursor.fetchall())


@pytest.mark.parametrize(
    ("shards", "statements"),
    [
        pytest.param(SHARDS, 1, id="as many shards as the campaigns have"),
        pytest.param(SHARDS - 1, 3, id="another number of them"),
    ],
)
def test_a_look_up_reads_few_rows_of_many(pool: Database, shards: int, statements: int) -> None:
    for number in range(LISTS):
        add_list(pool, range(1, PEOPLE + 1), LIST + number)
        for campaign_id in (2 * number + 1, 2 * number + 2):
            add_campaign(pool, campaign_id, list_id=LIST + number)
    with pool.transaction() as cursor:
        for shard in range(SHARDS):
            cursor.execute(INSERT_OUTCOMES.format(shard=shard), (SHARDS,))
        for table in ("recipients", "campaigns", "recipient_lists", "messages_0", "messages_1"):
            cursor.execute(f"ANALYZE TABLE {table}")
            cursor.fetchall()
    with pool.reading() as cursor:
        cursor.execute("FLUSH STATUS")
        before, asked_before = rows_read(cursor), questions(cursor)
        phone = phone_of(PEOPLE // 2)
        found = messages_of(Cursors((cursor,)), phone, shards, (LATEST, LARGEST_ID), 100)
        asked = questions(cursor) - asked_before - 1
        read = rows_read(cursor) - before
    assert {one.campaign_id for one in found} == set(range(1, 2 * LISTS + 1))
    assert [one.outcome and one.outcome.status for one in found] == [Status.SENT] * len(found)
    assert read < 100
    assert asked == statements
