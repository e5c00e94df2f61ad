"""Suppressions of erased people beside unfinished erasures, and imports that begin."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient

from campaign_api.erased.arrivals import ErasureRegister
from campaign_api.erased.keys import ErasureKeys
from campaign_api.erased.people import SUPPRESSED
from campaign_api.messages.erasing import Eraser
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Cursor, Database
from campaign_common.domain.erasure.erasure_key import ErasureKey, packed
from campaign_common.settings import Settings
from campaign_common.store.recipients.erased_people import hold_erased_people
from campaign_common.store.recipients.erasures import ErasureStep, move_erasure, order_erasure
from campaign_common.store.recipients.recipient_lists import begin_list
from campaign_common.store.recipients.recipients import NewRecipient, insert_recipients
from tests.integration.api.conftest import SHARDS
from tests.integration.api.erased.people import (
    KEY,
    PHONE,
    erase,
)
from tests.integration.api.erased.wishes import (
    HASHED,
    OTHERS,
    SHOP,
    STORED,
    age,
    bring_back,
    erase_suppressed,
    suppress,
)
from tests.integration.api.lists.uploads import upload
from tests.integration.api.stored import change, rows, value


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sender runs here whose views would have to be waited for."""
    monkeypatch.setattr("campaign_api.messages.erasing.FRESH_FOR", 0.0)


@pytest.fixture
def worker() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def left_by_its_request(pool: Database, phone: str = PHONE) -> None:
    """An erasure whose request died once the person was gone from the lists."""
    with pool.transaction() as cursor:
        erasure = order_erasure(cursor, phone, "Eve", ErasureKey(KEY))
        move_erasure(cursor, erasure._replace(step=ErasureStep.REJECTS))
    change(pool, "UPDATE erasures SET requested_at = NOW(6) - INTERVAL 1 DAY")


def resume(pool: Database, settings: Settings, stop: threading.Event | None = None) -> int:
    eraser = Eraser(pool, settings.msg_table_sharding_size, ErasureKeys(settings.erasure))
    return eraser.resume_unfinished(stop or threading.Event())


class StopDuringWaits(threading.Event):
    """A stop that may come while it is waited for; notes the waits."""

    def __init__(self, *, comes: bool) -> None:
        super().__init__()
        self.waits: list[float | None] = []
        self._comes = comes

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        if self._comes:
            self.set()
        return self.is_set()


def test_the_sweep_hashes_what_a_request_has_left(
    client: FlaskClient, pool: Database, settings: Settings
) -> None:
    suppress(client)
    age(pool)
    left_by_its_request(pool)
    assert resume(pool, settings) == 1
    assert (rows(pool, STORED), value(pool, HASHED)) == ([], 1)


def test_one_sweep_waits_once_and_ends_with_a_stop(
    client: FlaskClient, pool: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suppressions stay with their numbers until a sweep that is not stopped."""
    monkeypatch.setattr("campaign_api.messages.erasing.FRESH_FOR", 0.5)
    suppress(client)
    suppress(client, phone=OTHERS[0])
    age(pool)
    for phone in (PHONE, OTHERS[0]):
        left_by_its_request(pool, phone)
    for comes, expected in ((True, (0, 2, 0)), (False, (2, 0, 2))):
        stop = StopDuringWaits(comes=comes)
        done = resume(pool, settings, stop)
        assert stop.waits == [0.5]
        assert (done, len(rows(pool, STORED)), value(pool, HASHED)) == expected


def test_who_has_come_back_meanwhile_keeps_the_number(
    client: FlaskClient, pool: Database, settings: Settings
) -> None:
    suppress(client)
    age(pool)
    left_by_its_request(pool)
    bring_back(client)
    assert resume(pool, settings) == 1
    assert (len(rows(pool, STORED)), value(pool, HASHED)) == (1, 0)


def test_a_batch_that_brings_back_is_waited_for(
    client: FlaskClient, pool: Database, settings: Settings, worker: ThreadPoolExecutor
) -> None:
    """It has seen no hash, so that the number must stay."""
    suppress(client)
    age(pool)
    left_by_its_request(pool)
    with pool.transaction() as cursor:
        hold_erased_people(cursor)
        resuming = worker.submit(resume, pool, settings)
        with pytest.raises(TimeoutError):
            resuming.result(timeout=0.5)
        list_id = begin_list(cursor, "again")
        insert_recipients(cursor, list_id, [NewRecipient(1, PHONE, "Ann", None)])
    assert resuming.result(timeout=10) == 1
    assert (len(rows(pool, STORED)), value(pool, HASHED)) == (1, 0)


def remember_both(pool: Database, client: FlaskClient) -> None:
    """Leave two people under a hash: the one of these tests, and a newer one."""
    erase_suppressed(client, pool)
    body = {"phone": OTHERS[0], "scope": SHOP}
    assert client.post("/v1/suppressions", json=body).status_code == 200
    erase(client, OTHERS[0])
    assert value(pool, HASHED) == 2


def test_an_import_that_begins_takes_nothing_from_others(
    client: FlaskClient,
    pool: Database,
    settings: Settings,
    worker: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The newest hash is lifted, so that it reads all of them while another import looks up."""
    remember_both(pool, client)
    begins, may_end = threading.Event(), threading.Event()
    may_end.set()

    def read(cursor: Cursor, **between: int) -> Mapping[str, Sequence[int]]:
        begins.set()
        assert may_end.wait(10)
        return SUPPRESSED.read(cursor, **between)

    monkeypatch.setattr("campaign_api.erased.arrivals.SUPPRESSED", SUPPRESSED._replace(read=read))
    transactions = RetryingTransactions(pool, 10.0)
    register = ErasureRegister(transactions, ErasureKeys(settings.erasure), SHARDS)
    arrivals = register.begin(reconsented=True)
    lift = f"/v1/suppressions/{OTHERS[0]}?scope={SHOP}"
    assert client.delete(lift).status_code == 204

    @contextmanager
    def while_another_begins() -> Iterator[None]:
        begins.clear()
        may_end.clear()
        beginning = worker.submit(register.begin, reconsented=False)
        assert begins.wait(10)
        yield
        may_end.set()
        beginning.result(timeout=10)

    comes_back = [NewRecipient(1, PHONE, "Ann", None)]
    with pool.transaction() as cursor:
        assert arrivals.split(cursor, comes_back, while_another_begins()).rows == comes_back
    assert rows(pool, STORED) == [(PHONE, SHOP, "stop", "api", None, None)]


def test_ids_that_a_restored_backup_gives_again_are_read(
    client: FlaskClient, pool: Database
) -> None:
    remember_both(pool, client)
    upload(client, "Bob,4917612345679\n")  # the process knows both
    lowest = value(pool, "SELECT MIN(id) FROM suppression_hashes")
    change(pool, "DELETE FROM suppression_hashes")
    insert = (
        "INSERT INTO suppression_hashes (id, key_id, person_hash, scope, reason, source, since)"
        " VALUES (%s, %s, %s, %s, 'stop', 'api', NOW(6))"
    )
    key = ErasureKey(KEY)
    change(pool, insert, lowest, key.id, packed(key.hashes([OTHERS[1]])[0]), SHOP)
    bring_back(client, [OTHERS[1]])
    assert [row[:2] for row in rows(pool, STORED)] == [(OTHERS[1], SHOP)]
