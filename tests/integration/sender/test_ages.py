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
        self.tries = 0
        self.change("UPDATE campaigns SET started_at = NOW(6) - INTERVAL 3 DAY")

    def change(self, statement: str) -> None:
        self._scene.change(lambda cursor: cursor.execute(statement))

    def sent(
        self,
        status: SendStatus,
        *,
        retry_after: float | None = None,
        of_recipient: bool = False,
        has_waited: bool = False,
    ) -> Status:
        """Send the message once more with this result; return its status in the ledger."""
        self.tries += 1
        one = message(SEQ, offset=10 + self.tries, try_number=self.tries)
        one.replaces = self.tries > 1
        self._scene.fetch(one)
        self._scene.cycle()
        one.rate_until = 1.0 if has_waited else 0.0
        result = SendResult(one, status, retry_after=retry_after, of_recipient=of_recipient)
        self._scene.buffer.add_results([result])
        self._scene.cycle()
        return Status(dict(self._scene.rows("seq, status"))[SEQ])

    def grow_old(self, *columns: str) -> None:
        """Let time pass since moments that the row of the retry has."""
        for column in columns or ["aged_from"]:
            self.change(f"UPDATE message_retries_0 SET {column} = {column} - {OLD}")

    def publish(self, late: str = "0") -> None:
        """Publish the retry, so many hours after it was due."""
        self.change(f"UPDATE message_retries_0 SET due_at = NOW(6) - INTERVAL {late} HOUR")
        with self._scene.database.transaction() as cursor:
            (due,) = due_retries(cursor, 0, {CAMPAIGN: EPOCH}, 10)
            stamp = Stamp(CAMPAIGN, SEQ, 0, self.tries + 1, EPOCH, 0, 5, due.held_back)
            stamp_published(cursor, 0, [stamp], "topic-id")


@pytest.fixture
def retried(scene: Scene) -> Retried:
    return Retried(scene)


def test_age_counts_from_the_own_first_send(retried: Retried) -> None:
    """However long ago the campaign started, and however long the message waited to be sent."""
    assert retried.sent(SendStatus.LIMITED) is Status.WAITING
    retried.grow_old("rests_since")
    assert retried.sent(SendStatus.RETRYABLE) is Status.WAITING
    assert retried.sent(SendStatus.RETRYABLE) is Status.WAITING
    retried.grow_old()
    assert retried.sent(SendStatus.THROTTLED) is Status.FAILED


@pytest.mark.parametrize("rest", [SendStatus.CIRCUIT_OPEN, SendStatus.LIMITED, SendStatus.ACCOUNT])
def test_a_rest_does_not_count(retried: Retried, rest: SendStatus) -> None:
    """Neither while it lasts nor later, and what was before it goes on to count."""
    retried.sent(SendStatus.RETRYABLE)
    retried.sent(rest)
    retried.grow_old("aged_from", "rests_since")
    assert retried.sent(SendStatus.RETRYABLE) is Status.WAITING
    assert retried.sent(SendStatus.RETRYABLE) is Status.WAITING
    retried.grow_old()
    assert retried.sent(SendStatus.AMBIGUOUS) is Status.UNKNOWN


@pytest.mark.parametrize(("late", "status"), [("26", Status.WAITING), ("0", Status.FAILED)])
def test_what_holds_a_due_retry_back_does_not_count(
    retried: Retried, late: str, status: Status
) -> None:
    """A retry that was published as soon as it was due has aged, and one that was held back not."""
    retried.sent(SendStatus.RETRYABLE)
    retried.grow_old()
    retried.publish(late)
    assert retried.sent(SendStatus.RETRYABLE) is status


@pytest.mark.parametrize(
    ("of_recipient", "ended"), [(False, Status.WAITING), (True, Status.FAILED)]
)
def test_a_wait_that_a_provider_asks_for_is_a_rest(
    retried: Retried, *, of_recipient: bool, ended: Status
) -> None:
    """Where it asks all to wait; not where it asks for that because of one recipient."""
    retried.sent(SendStatus.THROTTLED, retry_after=60.0, of_recipient=of_recipient)
    retried.grow_old()
    if not of_recipient:
        retried.grow_old("rests_since")
    assert retried.sent(SendStatus.RETRYABLE) is ended


def test_a_rest_ends_when_the_next_try_is_published(retried: Retried) -> None:
    """The time between that and another rest does not count, and that before a send does."""
    retried.sent(SendStatus.RETRYABLE)
    for rest in (SendStatus.LIMITED, SendStatus.CIRCUIT_OPEN):
        retried.sent(rest)
        retried.grow_old("aged_from", "rests_since")
        retried.publish()
        retried.grow_old("aged_from", "published_at")
    assert retried.sent(SendStatus.LIMITED) is Status.WAITING
    retried.publish()
    assert retried.sent(SendStatus.RETRYABLE) is Status.WAITING
    retried.publish()
    retried.grow_old("aged_from", "published_at")
    assert retried.sent(SendStatus.RETRYABLE) is Status.FAILED


def test_the_wait_for_a_grant_does_not_count(retried: Retried) -> None:
    """A published retry may wait for a slow rate, neither in that try nor in later ones."""
    retried.sent(SendStatus.RETRYABLE)
    retried.publish()
    retried.grow_old("aged_from", "published_at")
    assert retried.sent(SendStatus.THROTTLED, has_waited=True) is Status.WAITING
    retried.publish()
    assert retried.sent(SendStatus.THROTTLED) is Status.WAITING
    retried.grow_old()
    retried.publish()
    assert retried.sent(SendStatus.THROTTLED, has_waited=True) is Status.FAILED


def test_a_rest_that_an_older_service_left_is_over(retried: Retried) -> None:
    """One of 0.2.0 plans and publishes the next tries, and leaves the column as it was."""
    retried.sent(SendStatus.RETRYABLE)
    retried.sent(SendStatus.LIMITED)
    retried.change("UPDATE message_retries_0 SET published_at = NOW(6)")
    retried.grow_old("aged_from", "rests_since")
    assert retried.sent(SendStatus.RETRYABLE) is Status.FAILED


def test_a_rest_before_a_try_of_an_older_service_is_over(retried: Retried) -> None:
    """Nor does it end when that service's next try is published here: all since then counts."""
    retried.sent(SendStatus.RETRYABLE)
    retried.sent(SendStatus.LIMITED)
    retried.grow_old("aged_from", "rests_since")
    retried.change(
        "UPDATE message_retries_0"
        " SET published_at = NULL, attempts = 5, try_number = try_number + 1, due_at = NOW(6)"
    )
    retried.tries += 1
    retried.publish()
    assert retried.sent(SendStatus.RETRYABLE) is Status.FAILED
