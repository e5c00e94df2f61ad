"""Suppressions of one person, changed by several at once: rows are locked in one order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Cursor, Database
from campaign_common.domain.erasure.erasure_key import ErasureKey, packed
from campaign_common.store.suppressions.hashed_suppressions import (
    HashedPerson,
    hash_suppressions,
)
from campaign_common.store.suppressions.suppressions import Suppression, put_suppression
from tests.integration.api.erased.people import KEY, PHONE
from tests.integration.api.stored import change, rows
from tests.support.waiting import wait_until

EVERYTHING, SHOP = "*", "sender:shop"

PERSON = HashedPerson(ErasureKey(KEY).id, packed(ErasureKey(KEY).hashes([PHONE])[0]))

ADD_HASH = (
    "INSERT INTO suppression_hashes (key_id, person_hash, scope, reason, source, since)"
    " VALUES (%s, %s, %s, 'stop', 'api', NOW(6))"
)
LOCK_HASHES = "SELECT id FROM suppression_hashes FOR UPDATE"
LOCK_SCOPE = "SELECT scope FROM suppressions WHERE phone = %s AND scope = %s FOR UPDATE"
WAITING = "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"

REFRESHED = 0.25
"""Seconds between two looks: innodb_trx is not read again within 0.1 s of the one before."""


@pytest.fixture
def worker() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture(autouse=True)
def _hash(pool: Database) -> None:
    change(pool, ADD_HASH, *PERSON, SHOP)


def add(pool: Database, scope: str) -> None:
    one = Suppression(PHONE, scope, "stop", "api")
    pool.run(lambda cursor: put_suppression(cursor, one, "Eve"))


def is_free(cursor: Cursor, scope: str) -> bool:
    """Lock a suppression, unless another transaction has it (NOWAIT fails then)."""
    cursor.execute(f"{LOCK_SCOPE} NOWAIT", (PHONE, scope))
    return True


def test_an_erasure_locks_hashes_first(pool: Database, worker: ThreadPoolExecutor) -> None:
    add(pool, SHOP)
    with pool.transaction() as cursor:
        cursor.execute(LOCK_HASHES)
        erasing = worker.submit(pool.run, lambda other: hash_suppressions(other, PHONE, PERSON))
        wait_until(lambda: rows(pool, WAITING), timeout=20, interval=REFRESHED)
        assert is_free(cursor, SHOP)
    erasing.result(timeout=10)
    assert rows(pool, "SELECT scope FROM suppressions") == []


def test_what_comes_back_is_locked_by_scope(
    client: FlaskClient, pool: Database, worker: ThreadPoolExecutor
) -> None:
    """Also beside the one that is added, which may come before it."""
    add(pool, EVERYTHING)
    with pool.transaction() as cursor:
        cursor.execute(LOCK_SCOPE, (PHONE, EVERYTHING))
        body = {"phone": PHONE, "scope": EVERYTHING, "until": "2036-01-31T09:30:00Z"}
        adding = worker.submit(client.post, "/v1/suppressions", json=body)
        wait_until(lambda: rows(pool, WAITING), timeout=20, interval=REFRESHED)
        assert is_free(cursor, SHOP)
    assert adding.result(timeout=10).status_code == 200
    ends = rows(pool, "SELECT scope, until IS NULL FROM suppressions ORDER BY scope")
    assert ends == [(EVERYTHING, 0), (SHOP, 1)]
    changes = rows(pool, "SELECT scope FROM suppression_changes WHERE actor = 'api'")
    assert changes == [(SHOP,), (EVERYTHING,)]
