"""Digests of inbound messages without an id, and what of a message is shown."""

from datetime import timedelta
from typing import Any

import pytest

from campaign_common.domain.inbound.inbound_message import REPEATED_WITHIN
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from tests.support.inbound import NOW, PERSON, inbound

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        pytest.param({}, {"received_at": NOW + SECOND}, True, id="said once"),
        pytest.param({}, {"text": "When do you open?"}, False, id="another text"),
        pytest.param({}, {"phone": "4917612345679"}, False, id="another person"),
        pytest.param({}, {"recipient": None}, False, id="to another number"),
        pytest.param({}, {"received_at": NOW + REPEATED_WITHIN}, False, id="said again later"),
        pytest.param(
            {"reported_at": NOW},
            {"reported_at": NOW, "received_at": NOW + timedelta(days=1)},
            True,
            id="repeated a day later with the time of the provider",
        ),
        pytest.param(
            {"reported_at": NOW}, {"reported_at": NOW + SECOND}, False, id="at another time"
        ),
    ],
)
def test_a_digest_stands_for_what_was_said(
    one: dict[str, Any], other: dict[str, Any], is_same: bool
) -> None:
    first, second = inbound("", **one), inbound("", **other)
    assert (first.provider_message_id == second.provider_message_id) is is_same
    assert first.has_digest
    assert len(first.provider_message_id) < 64


def test_the_slot_before_is_named_for_messages_without_a_time() -> None:
    later = inbound("", received_at=NOW + REPEATED_WITHIN)
    assert later.earlier_digest == inbound("").provider_message_id
    assert inbound("", reported_at=NOW).earlier_digest is None
    assert inbound("an id").earlier_digest is None


def test_each_stop_without_a_time_is_a_message_of_its_own() -> None:
    """STOP, START, STOP within five minutes: the second STOP must have its effect."""
    first = inbound("", keyword=KeywordKind.STOP)
    again = inbound("", keyword=KeywordKind.STOP, received_at=NOW + 2 * SECOND)
    assert first.provider_message_id != again.provider_message_id
    assert again.earlier_digest is None


def test_numbers_and_texts_are_not_shown() -> None:
    """A message that stands in a log by mistake shows neither."""
    shown = repr(inbound(recipient="49800", text="please STOP"))
    assert not [part for part in (PERSON, "49800", "STOP") if part in shown]
