"""Packed claims: what is packed is read again, by this version and by its neighbours."""

from collections import Counter

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaign_common.domain.claim import (
    VERSION,
    ClaimedMessage,
    count_claimed,
    decode_claim,
    encode_claim,
)
from campaign_common.errors import ClaimTooNew, RetryLater

claimed_messages = st.builds(
    ClaimedMessage,
    campaign_id=st.integers(1, 2**53),
    seq=st.integers(1, 2**32 - 1),
    generation=st.integers(0, 9),
    try_number=st.integers(1, 9),
    provider=st.sampled_from(["main", "spare", None]),
    sent_after=st.just(0),
)
moments = st.integers(0, 2**63)
messages_of_older_senders = st.builds(
    ClaimedMessage,
    campaign_id=st.integers(1, 2**53),
    seq=st.integers(1, 2**32 - 1),
    generation=st.integers(0, 9),
    try_number=st.integers(1, 9),
    provider=st.none(),
    sent_after=st.just(0),
)


@given(st.lists(claimed_messages))
def test_a_claim_list_survives_packing(claimed: list[ClaimedMessage]) -> None:
    assert Counter(decode_claim(encode_claim(claimed))) == Counter(claimed)


@given(st.lists(moments, min_size=1))
def test_a_claim_keeps_the_earliest_moment_of_a_group(sent_after: list[int]) -> None:
    """One that is not known, 0, is the earliest."""
    claimed = [ClaimedMessage(7, seq, 0, 1, "main", at) for seq, at in enumerate(sent_after)]
    assert {one.sent_after for one in decode_claim(encode_claim(claimed))} == {min(sent_after)}


@given(st.lists(messages_of_older_senders, min_size=1))
@example([ClaimedMessage(7, 5, 0, 1)])
@example([ClaimedMessage(n, 5, 0, 1) for n in range(1, 16)])
@example([ClaimedMessage(n, 5, 0, 1) for n in range(1, 17)])
@example([ClaimedMessage(n, 5, 0, 1) for n in range(1, 300)])
def test_a_claim_of_0_1_0_is_read(claimed: list[ClaimedMessage]) -> None:
    """A sender of 0.1.0 that was killed before the upgrade leaves its claim behind."""
    packed = msgspec.msgpack.encode([(m[0], m.generation, m.try_number, [m.seq]) for m in claimed])
    assert decode_claim(packed) == claimed
    assert count_claimed(packed) == Counter(m.campaign_id for m in claimed)


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param([VERSION, [[7, 0, 1, [5, 6], None, 0, "aurora"]]], id="of a group"),
        pytest.param([VERSION, [[7, 0, 1, [5, 6]]]], id="none: a claim of 0.2.0"),
        pytest.param([VERSION, [[7, 0, 1, [5, 6]]], {"at": 1}], id="of the claim"),
    ],
)
def test_fields_of_a_newer_sender_are_ignored(packed: list[object]) -> None:
    claim = msgspec.msgpack.encode(packed)
    assert decode_claim(claim) == [ClaimedMessage(7, 5, 0, 1), ClaimedMessage(7, 6, 0, 1)]
    assert count_claimed(claim) == {7: 2}


def test_a_claim_of_a_newer_version_is_left_to_newer_senders() -> None:
    claim = msgspec.msgpack.encode([VERSION + 1, "whatever stands here"])
    with pytest.raises(ClaimTooNew, match="newer than 1"):
        decode_claim(claim)
    assert issubclass(ClaimTooNew, RetryLater), "the takeover waits"


@pytest.mark.parametrize("campaigns", [1, 15, 16, 300])
def test_the_version_is_the_second_byte(campaigns: int) -> None:
    """So that it is read before the rest is decoded."""
    claim = encode_claim([ClaimedMessage(n, 5, 0, 1) for n in range(1, campaigns + 1)])
    assert claim[1] == VERSION
    assert count_claimed(claim).total() == campaigns


def test_an_empty_claim_packs_to_nothing() -> None:
    assert encode_claim([]) == b""
