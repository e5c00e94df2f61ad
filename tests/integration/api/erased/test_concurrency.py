"""An import that runs while a person is erased: whatever comes first, the person is gone."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import RawIOBase

import pytest
from flask.testing import FlaskClient

from campaign_api.erased.keys import ErasureKeys
from campaign_api.messages.erasing import Eraser
from campaign_common.database import Database
from campaign_common.domain.erasure.erasure_key import ErasureKey
from campaign_common.settings import Settings
from campaign_common.store.recipients.erased_people import hold_erased_people
from campaign_common.store.recipients.erasures import ErasureStep, move_erasure, order_erasure
from campaign_common.store.recipients.recipient_lists import begin_list
from campaign_common.store.recipients.recipients import NewRecipient, insert_recipients
from tests.integration.api.erased.people import KEY, PHONE, client_of, erase, stored_phones
from tests.integration.api.lists.uploads import URL, upload
from tests.integration.api.stored import rows, value
from tests.support.waiting import wait_until

OTHERS = [str(13961467500 + n) for n in range(2_500)]
"""Many batches, and with long names more than two blocks that the importer reads."""

LONG_NAME = "Ann " * 60


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


class Interrupted(RawIOBase):
    """A body that does something once half of it was read."""

    def __init__(self, phones: list[str], then: Callable[[], object]) -> None:
        lines = [f"{LONG_NAME},{phone}\n".encode() for phone in phones]
        half = len(lines) // 2
        self._parts = [b"".join(lines[:half]), b"".join(lines[half:])]
        self._then: Callable[[], object] | None = then
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._rest and self._parts:
            if len(self._parts) == 1 and self._then is not None:
                self._then()
                self._then = None
            self._rest = self._parts.pop(0)
        size = len(self._rest) if size < 0 else size
        block, self._rest = self._rest[:size], self._rest[size:]
        return block


def upload_interrupted(
    client: FlaskClient, phones: list[str], then: Callable[[], object], **query: str
) -> None:
    answer = client.post(
        URL,
        query_string={"name": "interrupted", **query},
        content_type="text/csv",
        environ_overrides={
            "wsgi.input": Interrupted(phones, then),
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": "",
        },
    )
    assert answer.status_code == 201, answer.text
    assert answer.json is not None
    assert answer.json["accepted"] in (len(phones), len(phones) - 1)


def test_rows_before_the_erasure_are_found_by_it(
    pool: Database, settings: Settings, workers: ThreadPoolExecutor
) -> None:
    """An erasure waits for a transaction that has not seen it, and finds the person there."""
    client = client_of(settings, pool)
    with pool.transaction() as cursor:
        list_id = begin_list(cursor, "first")
        hold_erased_people(cursor)
        erasing = workers.submit(erase, client)
        insert_recipients(cursor, list_id, [NewRecipient(1, PHONE, "Ann", None)])
        with pytest.raises(TimeoutError):
            erasing.result(timeout=0.5)
        assert rows(pool, "SELECT * FROM erased_people") == []
    assert erasing.result(timeout=10)["leaves_hash"]
    assert PHONE not in stored_phones(pool)
    assert value(pool, "SELECT COUNT(*) FROM recipients") == 1


def test_rows_after_the_erasure_are_left_out(
    pool: Database, settings: Settings, workers: ThreadPoolExecutor
) -> None:
    """An import waits for an erasure that is about to be committed, and knows it then."""
    client = client_of(settings, pool)
    upload(client, "Bob,4917612345679\n")  # what the process knows is from before
    with pool.transaction() as cursor:
        order_erasure(cursor, PHONE, "Eve", ErasureKey(KEY))
        importing = workers.submit(upload, client, f"Ann,{PHONE}\n")
        with pytest.raises(TimeoutError):
            importing.result(timeout=0.5)
    assert importing.result(timeout=10).status_code == 201
    assert PHONE not in stored_phones(pool)
    assert value(pool, "SELECT COUNT(*) FROM recipients") == 2


@pytest.mark.parametrize("place", [0, 2_499], ids=["early row", "late row"])
@pytest.mark.parametrize("reconsented", ["false", "true"])
def test_a_person_is_erased_in_the_middle_of_an_import(
    pool: Database, settings: Settings, place: int, reconsented: str
) -> None:
    """Also of a list that may bring back who was erased before it began."""
    client, other = client_of(settings, pool), client_of(settings, pool)
    erase(other)
    phones = [*OTHERS[:place], PHONE, *OTHERS[place:]]

    def erase_again() -> None:
        wait_until(lambda: OTHERS[100] in stored_phones(pool))
        assert OTHERS[-1] not in stored_phones(pool)
        erase(other)

    upload_interrupted(client, phones, erase_again, reconsented=reconsented)
    assert PHONE not in stored_phones(pool)
    assert value(pool, "SELECT COUNT(*) FROM recipients") == len(phones)


def test_a_list_is_checked_once_more_when_it_is_ready(pool: Database, settings: Settings) -> None:
    """An erasure whose process died before it looked at any list lets nobody into a ready one."""

    def die_at_once() -> None:
        wait_until(lambda: PHONE in stored_phones(pool))
        pool.run(lambda cursor: order_erasure(cursor, PHONE, "Eve", ErasureKey(KEY)))

    upload_interrupted(client_of(settings, pool), [PHONE, *OTHERS], die_at_once)
    assert rows(pool, "SELECT state FROM recipient_lists") == [("ready",)]
    assert PHONE not in stored_phones(pool)


def test_an_older_erasure_does_not_touch_a_later_list(pool: Database, settings: Settings) -> None:
    """An erasure that waits keeps nobody out of a list whose people have consented since."""
    with pool.transaction() as cursor:
        erasure = order_erasure(cursor, PHONE, "Eve", ErasureKey(KEY))
        move_erasure(cursor, erasure._replace(step=ErasureStep.RECIPIENTS))
    client = client_of(settings, pool)
    assert upload(client, f"Ann,{PHONE}\n", reconsented="true").status_code == 201
    assert stored_phones(pool) == {PHONE}


def test_many_imports_beside_many_erasures(
    pool: Database, settings: Settings, workers: ThreadPoolExecutor
) -> None:
    """Two processes import and erase the same people in any order; nobody erased is left."""
    people = [str(4917612300000 + n) for n in range(30)]
    clients = [client_of(settings, pool) for _ in range(2)]
    erased = threading.Event()
    order = random.Random(17)  # noqa: S311 - any order will do

    def imports(client: FlaskClient) -> int:
        done = 0
        while not erased.is_set() or done == 0:
            phones = order.sample(people, 10) + order.sample(OTHERS[:300], order.choice((5, 250)))
            order.shuffle(phones)
            answer = upload(client, "".join(f"Ann,{phone}\n" for phone in phones))
            assert answer.status_code == 201, answer.text
            done += 1
        return done

    running = [workers.submit(imports, client) for client in clients]
    eraser = Eraser(pool, settings.msg_table_sharding_size, ErasureKeys(settings.erasure))
    for phone in people:
        eraser.erase(phone, "Eve")
    erased.set()
    assert min(each.result(timeout=60) for each in running) > 0
    assert stored_phones(pool).isdisjoint(people)
