"""Hard bounces that suppress a person."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.suppressions.hard_bounces import HardBounces, SentMessage, reason_of

NOON = datetime(2026, 5, 1, 12)  # noqa: DTZ001 - as the database has times
BOUNCES = HardBounces(2, {"alpha": frozenset({"30005"}), "beta": frozenset({"1"})})
TOGETHER = BOUNCES._replace(of_each=False)


def message(
    hour: int,
    rank: ReceiptRank = ReceiptRank.UNDELIVERED,
    code: str | None = "30005",
    provider: str = "alpha",
    status: Status = Status.SENT,
) -> SentMessage:
    return SentMessage(NOON + timedelta(hours=hour), status, provider, rank, code)


DELIVERED, READ, ACCEPTED = ReceiptRank.DELIVERED, ReceiptRank.READ, ReceiptRank.ACCEPTED

HISTORIES: dict[str, tuple[HardBounces, list[SentMessage], bool]] = {
    "one": (BOUNCES, [message(1)], False),
    "two": (BOUNCES, [message(1), message(2)], True),
    "another code": (BOUNCES, [message(1), message(2, code="30003")], False),
    "no code": (BOUNCES, [message(1), message(2, code=None)], False),
    "another code in between": (BOUNCES, [message(1), message(2, code="30003"), message(3)], True),
    "delivered in between": (BOUNCES, [message(1), message(2, DELIVERED), message(3)], False),
    "read in between": (BOUNCES, [message(1), message(2, READ), message(3)], False),
    "accepted in between": (BOUNCES, [message(1), message(2, ACCEPTED), message(3)], True),
    "delivered before": (BOUNCES, [message(1, DELIVERED), message(2), message(3)], True),
    "delivered after": (BOUNCES, [message(1), message(2), message(3, DELIVERED)], False),
    "failed, not sent": (BOUNCES, [message(1), message(2, status=Status.FAILED)], False),
    "of another provider": (BOUNCES, [message(1), message(2, code="1", provider="beta")], False),
    "together": (TOGETHER, [message(1), message(2, code="1", provider="beta")], True),
    "delivered by another provider": (
        BOUNCES,
        [message(1), message(2, DELIVERED, provider="beta"), message(3)],
        True,
    ),
    "together, delivered by another one": (
        TOGETHER,
        [message(1), message(2, DELIVERED, provider="beta"), message(3)],
        False,
    ),
    "a code of another provider": (TOGETHER, [message(1), message(2, code="1")], False),
}


@pytest.mark.parametrize(("bounces", "history", "reached"), HISTORIES.values(), ids=HISTORIES)
def test_messages_in_a_row_count(
    bounces: HardBounces, history: list[SentMessage], reached: bool
) -> None:
    for order in permutations(history):
        assert bounces.is_reached(order, "alpha", None) is reached


def test_what_led_to_a_suppression_before_does_not_count_again() -> None:
    history = [message(hour) for hour in (1, 2, 3, 4)]
    assert BOUNCES.is_reached(history, "alpha", NOON + timedelta(hours=2))
    assert not BOUNCES.is_reached(history, "alpha", NOON + timedelta(hours=3))


def test_the_scope_is_the_provider_or_everything() -> None:
    assert (BOUNCES.scope("alpha"), TOGETHER.scope("alpha")) == ("provider:alpha", "*")


def test_the_reason_names_the_code_and_fits_its_column() -> None:
    assert reason_of("30005") == "bounce_30005"
    assert reason_of("Unknown Subscriber") == "bounce_unknown_subscriber"
    assert len(reason_of("x" * 32)) == 32
