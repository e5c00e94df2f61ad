"""A message as providers see it."""

import pytest

from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_sender.message import Message
from tests.unit.sender.messages import message


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(message(5, shard=3, generation=2, try_number=9, attempts=4), id="try"),
        pytest.param(
            message(5, shard=3, generation=2, campaign_epoch=8, map_version=4), id="epoch"
        ),
        pytest.param(message(5, shard=3, generation=2, partition=6, claim_epoch=5), id="owner"),
    ],
)
def test_a_message_is_referenced_the_same_in_every_try(other: Message) -> None:
    first = message(5, shard=3, generation=2)
    assert first.referenced == (ReferencePurpose.RECEIPT, 7, 5, 2, 3)
    assert other.referenced == first.referenced


def test_another_generation_is_referenced_apart() -> None:
    assert message(5, generation=1).referenced != message(5, generation=0).referenced
