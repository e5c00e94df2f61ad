from campaign_api.lists.importer.heartbeat import heartbeat
from campaign_common.database import Database
from campaign_common.store.recipients.recipient_lists import begin_list
from tests.integration.api.stored import change, value
from tests.support.waiting import wait_until

AGE = "SELECT TIMESTAMPDIFF(SECOND, progressed_at, NOW(6)) FROM recipient_lists"
GROW_OLD = "UPDATE recipient_lists SET progressed_at = NOW(6) - INTERVAL 1 HOUR"


def test_import_shows_that_it_lives_until_it_ends(pool: Database) -> None:
    list_id = pool.run(lambda cursor: begin_list(cursor, "slow"))
    change(pool, GROW_OLD)
    with heartbeat(pool, list_id, interval=0.02):
        wait_until(lambda: value(pool, AGE) < 3000)
    change(pool, GROW_OLD)
    assert value(pool, AGE) >= 3600


def test_beats_do_not_bring_back_what_was_given_up(pool: Database) -> None:
    list_id = pool.run(lambda cursor: begin_list(cursor, "slow"))
    change(pool, "UPDATE recipient_lists SET state = 'discarded'")
    change(pool, GROW_OLD)
    other = pool.run(lambda cursor: begin_list(cursor, "other"))
    with heartbeat(pool, list_id, interval=0.02):
        change(pool, GROW_OLD)
        with heartbeat(pool, other, interval=0.02):
            wait_until(lambda: value(pool, f"{AGE} WHERE id = {other}") < 3000)
    assert value(pool, f"{AGE} WHERE id = {list_id}") >= 3600
