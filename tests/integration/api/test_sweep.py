import threading
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from campaign_api import sweep
from campaign_api.erased.keys import ErasureKeys
from campaign_api.messages.erasing import Eraser
from campaign_api.sweep import Sweeper, sweep_abandoned_lists
from campaign_common.database import Database, named_lock
from campaign_common.settings import ErasureSettings, InboundSettings
from tests.integration.api.conftest import SHARDS
from tests.integration.api.stored import change, create, list_of, rows, value
from tests.support.waiting import wait_until

IMPORTING = """
INSERT INTO recipient_lists (name, state, created_at, progressed_at)
VALUES ('dead', 'importing', NOW(6), NOW(6) - INTERVAL %s SECOND)
"""


@pytest.fixture(autouse=True)
def file(csv_root: Path) -> Path:
    file = csv_root / "recipients.csv"
    file.write_text("".join(f"user{n},{13961467500 + n}\n" for n in range(250)) + "bad\n")
    return file


def test_dead_imports_and_replaced_lists_go_and_the_rest_stays(
    client: FlaskClient, pool: Database, file: Path
) -> None:
    create(client)
    file.write_text("Ann,13961467500\n")
    create(client)  # replaces the list of 250
    change(pool, IMPORTING, 601)
    change(pool, IMPORTING, 30)
    used = list_of(pool, 1000000000)

    assert sweep_abandoned_lists(pool, threading.Event()) == 2
    assert rows(pool, "SELECT id, state FROM recipient_lists ORDER BY id") == [
        (used.id, "ready"),
        (used.id + 2, "importing"),
    ]
    assert value(pool, "SELECT COUNT(*) FROM recipients") == used.totals.accepted == 1
    assert value(pool, "SELECT COUNT(*) FROM recipient_rejects") == 0


def test_large_list_is_deleted_in_small_transactions(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "ROWS_AT_ONCE", 100)
    create(client)
    change(pool, "UPDATE campaigns SET list_id = 0")
    change(pool, "UPDATE recipient_lists SET state = 'discarded'")
    assert sweep_abandoned_lists(pool, threading.Event()) == 1
    assert value(pool, "SELECT COUNT(*) FROM recipients") == 0


def test_only_one_process_sweeps(client: FlaskClient, pool: Database) -> None:
    change(pool, IMPORTING, 601)
    with named_lock(pool, "sweep", wait=1):
        assert sweep_abandoned_lists(pool, threading.Event()) == 0
    assert sweep_abandoned_lists(pool, threading.Event()) == 1


def test_sweeper_sweeps_at_its_start(pool: Database) -> None:
    change(pool, IMPORTING, 601)
    sweeper = Sweeper(pool, Eraser(pool, SHARDS, ErasureKeys(ErasureSettings())))
    sweeper.start()
    wait_until(lambda: not rows(pool, "SELECT 1 FROM recipient_lists"))
    sweeper.stop()


def test_the_sweep_deletes_when_people_were_last_answered(pool: Database) -> None:
    """After the interval within which they are not answered again."""
    note = (
        "INSERT INTO answered_keywords (phone, keyword, answered_at)"
        " VALUES (%s, 'help', NOW(6) - INTERVAL %s HOUR)"
    )
    for phone, hours in (("491510000001", 25), ("491510000002", 23)):
        change(pool, note, phone, hours)
    eraser = Eraser(pool, SHARDS, ErasureKeys(ErasureSettings()))
    sweeper = Sweeper(pool, eraser, inbound=InboundSettings())
    sweeper.start()
    wait_until(lambda: rows(pool, "SELECT phone FROM answered_keywords") == [("491510000002",)])
    sweeper.stop()
