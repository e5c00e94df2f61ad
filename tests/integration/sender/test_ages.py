"""Age of a message: the time since its own first send, without rests."""

import pytest

from campaign_common.domain.message import Status
from campaign_common.store.messages.retry_publication import Stamp, due_retries, stamp_published
from campaign_providers.contract import SendResult, SendStatus
from tests.integration.sender.scene import Scene
from tests.unit.sender.messages import CAMPAIGN, EPOCH, message

SEQ = 3
OLD = "INTERVAL 25 HOUR"
"""More than `Retry.MaxAge`."""


class Retried:
    """One message of a campaign that was started long ago, and its tries."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._tries = 0
        self.change("UPDATE campaigns SET started_at = NOW(6) - INTERVAL 3 DAY")

    def change(self, statement: str) -> None:
        self._scene.change(lambda cursor: cursor.execute(statement))

    def sent(self, status: SendStatus) -> Status:
        """Send the message once more with this result; return its status in the ledger."""
        self._tries += 1
        one = message(SEQ, offset=10 + self._tries, try_number=self._tries)
        one.replaces = self._tries > 1
        self._scene.fetch(one)
        self._scene.cycle()
        self._scene.buffer.add_results([SendResult(one, status)])
        self._scene.cycle()
        return Status(dict(self._scene.rows("seq, status"))[SEQ])

    def grow_old(self, column: str = "aged_from") -> None:
        """Let time pass since a moment that the row of the retry has."""
        self.change(f"UPDATE message_retries_0 SET {column} = {column} - {OLD}")


@pytest.fixture
def retried(scene: Scene) -> Retried:
    return Retried(scene)


def test_age_counts_from_the_own_first_send(retried: Retried) -> None:
    """However long ago the campaign started, and however long the message waited to be sent."""
    assert retried.sent(SendStatus.RESTING) is Status.WAITING
    retried.grow_old("rests_since")
    assert retried.sent(SendStatus.RETRYABLE) is Status.WAITING
    assert retried.sent(SendStatus.RETRYABLE) is Status.WAITING
    retried.grow_old()
    assert retried.sent(SendStatus.THROTTLED) is Status.FAILED


@pytest.mark.parametrize("rest", [SendStatus.CIRCUIT_OPEN, SendStatus.RESTING, SendStatus.ACCOUNT])
def test_a_rest_does_not_count(retried: Retried, rest: SendStatus) -> None:
    """Neither while it lasts nor later, and what was before it goes on to count."""
    retried.sent(SendStatus.RETRYABLE)
    retried.sent(rest)
    retried.grow_old()
    retried.grow_old("rests_since")
    assert retried.sent(SendStatus.RETRYABLE) is Status.WAITING
    assert retried.sent(SendStatus.RETRYABLE) is Status.WAITING
    retried.grow_old()
    assert retried.sent(SendStatus.AMBIGUOUS) is Status.UNKNOWN


@pytest.mark.parametrize(("late", "status"), [("26", Status.WAITING), ("0", Status.FAILED)])
def test_what_holds_a_due_retry_back_does_not_count(
    retried: Retried, scene: Scene, late: str, status: Status
) -> None:
    """A retry that was published as soon as it was due has aged, and one that was held back not."""
    retried.sent(SendStatus.RETRYABLE)
    retried.grow_old()
    retried.change(f"UPDATE message_retries_0 SET due_at = NOW(6) - INTERVAL {late} HOUR")
    with scene.database.transaction() as cursor:
        (due,) = due_retries(cursor, 0, {CAMPAIGN: EPOCH}, 10)
        stamp = Stamp(CAMPAIGN, SEQ, 0, 2, EPOCH, 0, 5, due.held_back)
        stamp_published(cursor, 0, [stamp], "topic-id")
    assert retried.sent(SendStatus.RETRYABLE) is status
