"""The recorder against a real database that loses answers, goes away, or changes owners."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

import pytest
from pymysql.cursors import Cursor

from campaign_common.claim import decode_claim
from campaign_common.database import Database
from campaign_common.dsn import parse_dsn
from campaign_common.errors import CommitUnknown, DatabaseUnavailable
from campaign_common.message import Status
from campaign_common.partition_map import MapState, PartitionMap
from campaign_common.schema import migrate
from campaign_common.settings import MysqlSettings, RetrySettings
from campaign_common.store.claims import read_claims
from campaign_sender.breaker import Breaker, BreakerPolicy
from campaign_sender.delivery import Delivery
from campaign_sender.desk import Desk
from campaign_sender.lookout import Lookout
from campaign_sender.message import Message
from campaign_sender.providers.contract import Answer, Result
from campaign_sender.recorder import Recorder
from campaign_sender.takeover import take_over
from tests.unit.sender.messages import CAMPAIGN, EPOCH, message

SHARDS = 2
MAP = PartitionMap("Sync-Msg-T", "topic-id", 1, SHARDS, MapState.ACTIVE)

INSERT_CAMPAIGN = """
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, epoch, created_at)
VALUES (%s, '', '', 1, 'at_least_once', 'collected', 'running', %s, NOW(6))
"""


class FaultyDatabase(Database):
    """A database whose next transactions end as `faults` says, one after the other."""

    faults: list[str]

    @contextmanager
    def transaction(self, *, timeout: float | None = None) -> Iterator[Cursor]:
        fault = self.faults.pop(0) if self.faults else "none"
        if fault == "away":
            raise DatabaseUnavailable("away")
        try:
            with super().transaction(timeout=timeout) as cursor:
                yield cursor
                if fault == "answer lost, rolled back":
                    raise _RolledBack
        except _RolledBack:
            raise CommitUnknown("no answer") from None
        if fault == "answer lost, committed":
            raise CommitUnknown("no answer")


class _RolledBack(Exception):
    pass


class CollectingProvider:
    """Takes calls and answers when the test says so."""

    name = "collected"

    def __init__(self) -> None:
        self.calls: list[Message] = []

    def submit(self, messages: Sequence[Message]) -> None:
        self.calls.extend(messages)

    def close(self) -> None:
        pass


class Scene:
    """A recorder whose cycles the test runs by hand."""

    def __init__(self, database: FaultyDatabase) -> None:
        self.database = database
        self.desk = Desk(in_flight=100, batch_size=100)
        self.provider = CollectingProvider()
        lookout = Lookout(database, "Sync-Msg-T", self.desk)
        self.delivery = Delivery(self.desk, lookout)
        self.delivery.add(
            self.provider.name, Breaker(BreakerPolicy(), monotonic), lambda *_: self.provider
        )
        self.recorder = Recorder(database, self.desk, self.delivery, lookout, RetrySettings())
        for shard in range(SHARDS):
            self.take_over(shard)
        self.fetch(message(1), message(2, shard=1, partition=1))
        lookout.look()

    def take_over(self, shard: int) -> None:
        with Database.transaction(self.database) as cursor:
            owned = take_over(cursor, shard, MAP, owner_token=b"token of a test!", owner_name="t")
        self.desk.add_shard(owned)

    def fetch(self, *messages: Message) -> None:
        for fetched in messages:
            owned = self.desk.owned(fetched.record.shard)
            assert owned is not None
            fetched.epoch = owned.epoch
            self.desk.begin(owned, [fetched.offset])
        self.desk.admit(messages, [], [])

    def cycle(self) -> None:
        self.delivery.hand_over(self.recorder._run_once())

    def answer(self, *messages: Message) -> None:
        self.desk.report([Result(m, Answer.ACCEPTED, "id") for m in messages])

    def called(self) -> list[int]:
        return sorted(m.record.seq for m in self.provider.calls)

    def claimed(self) -> list[int]:
        with self.database.reading() as cursor:
            rows = read_claims(cursor).values()
        return sorted(c.seq for row in rows for c in decode_claim(row.claimed))

    def recorded(self) -> dict[int, int]:
        tables = " UNION ALL ".join(f"SELECT seq, status FROM messages_{n}" for n in range(SHARDS))
        with self.database.reading() as cursor:
            cursor.execute(tables)
            return dict(cursor.fetchall())

    def counted(self) -> int:
        with self.database.reading() as cursor:
            cursor.execute("SELECT COALESCE(SUM(n), 0) FROM campaign_counters")
            ((n,),) = cursor.fetchall()
        return int(n)


@pytest.fixture
def scene(database: str) -> Iterator[Scene]:
    faulty = FaultyDatabase(MysqlSettings(dsn=parse_dsn(database)))
    faulty.faults = []
    migrate(faulty, SHARDS)
    with faulty.transaction() as cursor:
        cursor.execute(INSERT_CAMPAIGN, (CAMPAIGN, EPOCH))
    yield Scene(faulty)
    faulty.close()


def test_a_message_is_called_only_after_its_claim_is_committed(scene: Scene) -> None:
    scene.database.faults = ["away"]
    scene.cycle()
    assert (scene.called(), scene.claimed()) == ([], [])
    scene.cycle()
    assert (scene.called(), scene.claimed()) == ([1, 2], [1, 2])


@pytest.mark.parametrize("fault", ["answer lost, committed", "answer lost, rolled back"])
@pytest.mark.parametrize("outage", [0, 3])
def test_a_lost_answer_to_commit_changes_nothing(scene: Scene, fault: str, outage: int) -> None:
    scene.cycle()
    scene.answer(*scene.provider.calls)
    scene.fetch(message(3))
    scene.database.faults = [fault, *["away"] * outage]
    for _ in range(outage + 3):
        scene.cycle()
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT}
    assert scene.counted() == 2
    assert (scene.called(), scene.claimed()) == ([1, 2, 3], [3])
    assert scene.recorder.take_fenced() == set()


def test_two_lost_answers_in_a_row_lose_nothing(scene: Scene) -> None:
    scene.cycle()
    scene.answer(*scene.provider.calls)
    scene.fetch(message(3))
    scene.database.faults = ["answer lost, committed", "none", "answer lost, committed"]
    scene.cycle()
    scene.fetch(message(4))
    for _ in range(4):
        scene.cycle()
        scene.answer(*scene.provider.calls[2:])
    assert sorted(scene.recorded()) == [1, 2, 3, 4]
    assert (scene.counted(), scene.called()) == (4, [1, 2, 3, 4])


def test_a_shard_with_another_owner_is_left_out_and_the_others_go_on(scene: Scene) -> None:
    scene.cycle()
    with Database.transaction(scene.database) as cursor:
        take_over(cursor, 0, MAP, owner_token=b"another's token!", owner_name="u")
    scene.answer(*scene.provider.calls)
    scene.cycle()
    assert scene.recorded() == {2: Status.SENT}
    assert scene.recorder.take_fenced() == {0}
    assert scene.desk.owned(0) is None
    scene.cycle()
    with scene.database.reading() as cursor:
        cursor.execute("SELECT seq, status FROM late_results")
        assert cursor.fetchall() == ((1, Status.SENT),)
        cursor.execute("SELECT seq FROM suspects")
        assert cursor.fetchall() == ((1,),)


def test_an_outcome_that_is_there_already_is_neither_written_nor_counted_again(
    scene: Scene,
) -> None:
    scene.cycle()
    with Database.transaction(scene.database) as cursor:
        cursor.execute(
            "INSERT INTO messages_0 VALUES (%s, 1, 1, 0, 1, 1, 'first', NULL, NOW(6), 0)",
            (CAMPAIGN,),
        )
    scene.answer(*scene.provider.calls)
    scene.cycle()
    scene.cycle()
    assert scene.recorded() == {1: Status.SENT, 2: Status.SENT}
    assert scene.counted() == 1
    assert scene.claimed() == []


def test_a_suspect_that_nobody_answers_clearly_is_kept_in_doubt(scene: Scene) -> None:
    with Database.transaction(scene.database) as cursor:
        cursor.execute(
            "INSERT INTO suspects (campaign_id, seq, try_number, generation, shard)"
            " VALUES (%s, 1, 1, 0, 0)",
            (CAMPAIGN,),
        )
    scene.cycle()
    scene.desk.report([Result(m, Answer.RETRYABLE) for m in scene.provider.calls])
    scene.cycle()
    tables = " UNION ALL ".join(f"SELECT seq, in_doubt FROM messages_{n}" for n in range(SHARDS))
    with scene.database.reading() as cursor:
        cursor.execute(tables)
        assert dict(cursor.fetchall()) == {1: 1, 2: 0}


def test_a_doubt_about_an_earlier_ownership_leaves_the_shard_taken_anew_alone(
    scene: Scene,
) -> None:
    scene.cycle()
    scene.answer(*scene.provider.calls)
    scene.database.faults = ["answer lost, committed", "away"]
    scene.cycle()
    scene.cycle()
    earlier = scene.desk.owned(0)
    assert earlier is not None
    scene.desk.drop_shard(earlier)
    with Database.transaction(scene.database) as cursor:
        again = take_over(cursor, 0, MAP, owner_token=b"the next token!!", owner_name="t")
    scene.desk.add_shard(again)
    scene.cycle()
    assert scene.desk.owned(0) is again
    assert scene.recorder.take_fenced() == set()
