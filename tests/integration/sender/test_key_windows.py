"""Refusals after doubt, at a provider that knows idempotency keys for a day."""

from collections.abc import Callable

import pytest

from campaign_common.database.cursors import Cursors
from campaign_common.domain.message import Status
from campaign_common.domain.partition_map import TopicDescription
from campaign_common.store.core.possible_duplicates import count_possible_duplicates
from campaign_common.store.shards.partition_map import insert_first_map
from campaign_providers.contract import SendResult, SendStatus
from tests.integration.sender.scene import MAP, SHARDS, Scene
from tests.unit.sender.messages import CAMPAIGN, message

DAY = 86_400.0
KNOWN, FORGOTTEN = 23, 25
"""Hours since a send."""


class Doubted:
    """One message of a campaign, and its sends."""

    def __init__(self, gateway: "Gateway", seq: int) -> None:
        self.seq = seq
        self._gateway = gateway
        self._tries = 1

    def pass_hours(self, hours: int) -> None:
        """Let time pass since what is noted of the message."""
        for table in ("possibly_sent", "message_retries_0"):
            self._gateway.change(
                f"UPDATE {table} SET sent_after = sent_after - INTERVAL {hours} HOUR"
                f" WHERE seq = {self.seq}"
            )
        self._gateway.change(
            f"UPDATE message_retries_0 SET aged_from = aged_from - INTERVAL {hours} HOUR,"
            f" rests_since = rests_since - INTERVAL {hours} HOUR WHERE seq = {self.seq}"
        )

    def forget(self, table: str) -> None:
        """Forget what a sender of 0.2.0 would not have noted."""
        self._gateway.change(f"UPDATE {table} SET sent_after = NULL WHERE seq = {self.seq}")

    def lose(self) -> None:
        """Hand the message to its provider, and lose the sender."""
        self._gateway.send(self.seq, self._tries)
        self._gateway.scene.lose_to_another(0)

    def answer(self, status: SendStatus) -> Status:
        """Hand the message to its provider, which answers; return its status in the ledger."""
        scene = self._gateway.scene
        self._gateway.send(self.seq, self._tries)
        sent = scene.provider.submitted[-1]
        scene.buffer.add_results([SendResult(sent, status, None, "code")])
        scene.cycle()
        self._tries += 1
        return Status(dict(scene.rows("seq, status"))[self.seq])


class Gateway:
    """A campaign that was started three days ago, at a provider that knows keys for a day."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._admitter = scene.admitter()
        self._seq = self._offset = 10
        topic = TopicDescription(MAP.topic_id, SHARDS)
        scene.change(lambda cursor: insert_first_map(cursor, MAP.topic, topic))
        scene.provider.idempotent, scene.provider.window = True, DAY
        self.started(72)
        scene.cycle()
        scene.answer(*scene.provider.submitted)
        scene.cycle()

    def change(self, statement: str) -> None:
        self.scene.change(lambda cursor: cursor.execute(statement))

    def started(self, hours: int) -> None:
        self.change(f"UPDATE campaigns SET started_at = NOW(6) - INTERVAL {hours} HOUR")

    def message(self) -> Doubted:
        self._seq += 1
        return Doubted(self, self._seq)

    def send(self, seq: int, try_number: int) -> None:
        """Fetch, admit and claim a message, and hand it to its provider."""
        self._offset += 1
        fetched = message(seq, offset=self._offset, try_number=try_number)
        owned = self.scene.buffer.owned(0)
        assert owned is not None
        fetched.epoch = owned.epoch
        self._admitter.enqueue([fetched], {0: owned})
        self._admitter.admit()
        self.scene.guard.refresh()
        self.scene.cycle()
        assert self.scene.provider.submitted[-1] is fetched


@pytest.fixture
def gateway(scene: Scene) -> Gateway:
    return Gateway(scene)


def lost_sender(one: Doubted, hours: int) -> None:
    one.lose()
    one.pass_hours(hours)


def unclear_answer(one: Doubted, hours: int) -> None:
    one.answer(SendStatus.AMBIGUOUS)
    one.pass_hours(hours)


def unclear_answer_and_a_rest(one: Doubted, hours: int) -> None:
    """The rest counts, other than into the age of the message: it is tried again after it."""
    one.answer(SendStatus.AMBIGUOUS)
    one.answer(SendStatus.LIMITED)
    one.pass_hours(hours)
    assert one.answer(SendStatus.RETRYABLE) is Status.WAITING


def lost_sender_after_a_proof(one: Doubted, hours: int) -> None:
    """A provider may count from the first use of a key, whatever it answered then."""
    one.answer(SendStatus.RETRYABLE)
    one.pass_hours(hours)
    one.lose()


def unclear_answer_after_a_proof_and_a_rest(one: Doubted, hours: int) -> None:
    one.answer(SendStatus.RETRYABLE)
    one.answer(SendStatus.LIMITED)
    one.pass_hours(hours)
    one.answer(SendStatus.AMBIGUOUS)


def unclear_answer_after_a_lost_sender(one: Doubted, hours: int) -> None:
    one.lose()
    one.pass_hours(hours)
    one.answer(SendStatus.AMBIGUOUS)


def lost_sender_after_a_rest(one: Doubted, hours: int) -> None:
    """Before the first send nothing counts."""
    one.answer(SendStatus.LIMITED)
    one.pass_hours(hours)
    one.lose()


Doubt = Callable[[Doubted, int], None]
FROM_THE_FIRST_SEND: tuple[Doubt, ...] = (
    lost_sender,
    unclear_answer,
    unclear_answer_and_a_rest,
    lost_sender_after_a_proof,
    unclear_answer_after_a_proof_and_a_rest,
    unclear_answer_after_a_lost_sender,
)


def test_a_window_counts_from_the_first_send(gateway: Gateway) -> None:
    """By how the doubt came about, and how old it is: the outcome of a refusal."""
    cases: list[tuple[Doubt, int]] = [(doubt, KNOWN) for doubt in FROM_THE_FIRST_SEND]
    cases += [(doubt, FORGOTTEN) for doubt in FROM_THE_FIRST_SEND]
    cases.append((lost_sender_after_a_rest, FORGOTTEN))
    ended = {}
    for doubt, hours in cases:
        one = gateway.message()
        doubt(one, hours)
        ended[doubt.__name__, hours] = one.answer(SendStatus.PERMANENT)
    expected = {(doubt.__name__, KNOWN): Status.FAILED for doubt in FROM_THE_FIRST_SEND}
    expected |= {(doubt.__name__, FORGOTTEN): Status.UNKNOWN for doubt in FROM_THE_FIRST_SEND}
    expected[lost_sender_after_a_rest.__name__, FORGOTTEN] = Status.FAILED
    assert ended == expected


def test_what_an_older_sender_left_counts_from_the_start(gateway: Gateway) -> None:
    """Of the campaign: 0.2.0 notes nothing, and leaves what is noted as it was."""
    ended = {}
    for hours in (KNOWN, FORGOTTEN):
        gateway.started(hours)
        claimed, recorded = gateway.message(), gateway.message()
        claimed.lose()
        claimed.forget("possibly_sent")
        recorded.answer(SendStatus.AMBIGUOUS)
        recorded.forget("message_retries_0")
        for name, one in (("claimed", claimed), ("recorded", recorded)):
            assert one.answer(SendStatus.AMBIGUOUS) is Status.WAITING
            ended[name, hours] = one.answer(SendStatus.PERMANENT)
    assert ended == {
        ("claimed", KNOWN): Status.FAILED,
        ("recorded", KNOWN): Status.FAILED,
        ("claimed", FORGOTTEN): Status.UNKNOWN,
        ("recorded", FORGOTTEN): Status.UNKNOWN,
    }


def test_lost_commits_leave_a_key_unknown(gateway: Gateway) -> None:
    """However late the campaign was started: its first start may have been lost, too."""
    gateway.started(0)
    owned = gateway.scene.buffer.owned(0)
    assert owned is not None
    owned.possibly_sent_below = 1_000
    assert gateway.message().answer(SendStatus.PERMANENT) is Status.UNKNOWN


def test_a_repetition_of_a_forgotten_key_may_be_a_duplicate(gateway: Gateway) -> None:
    counted = {}
    for hours in (KNOWN, FORGOTTEN):
        one = gateway.message()
        lost_sender(one, hours)
        assert one.answer(SendStatus.ACCEPTED) is Status.SENT
        with gateway.scene.database.reading() as cursor:
            counted[hours] = count_possible_duplicates(Cursors((cursor,)), CAMPAIGN)
    assert counted == {KNOWN: 0, FORGOTTEN: 1}
