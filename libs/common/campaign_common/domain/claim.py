"""A claim: the compact list of messages a sender has handed, or is about to hand, to a provider.

It is stored as MessagePack: groups of (campaign_id, generation, try_number, [seq, ...]).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple, Protocol

import msgspec


class ClaimedMessage(NamedTuple):
    """One try of one message that may be at a provider right now."""

    campaign_id: int
    seq: int
    generation: int
    try_number: int


class Claimable(Protocol):
    """Whatever says which try of which message it is: a claimed message, a record."""

    @property
    def campaign_id(self) -> int:
        """The campaign."""

    @property
    def seq(self) -> int:
        """The recipient in the campaign's list."""

    @property
    def generation(self) -> int:
        """The number of times that a person has had it sent again."""

    @property
    def try_number(self) -> int:
        """The try of that generation."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[int, int, int, list[int]]])


def encode_claim(claimed: Iterable[Claimable]) -> bytes:
    """Pack a claim list; nothing claimed packs to the empty byte string."""
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for one in claimed:
        groups[one.campaign_id, one.generation, one.try_number].append(one.seq)
    if not groups:
        return b""
    return _encoder.encode([(*group, seqs) for group, seqs in groups.items()])


def count_claimed(packed: bytes) -> Counter[int]:
    """Count the messages of a claim list by campaign."""
    counts: Counter[int] = Counter()
    for campaign_id, _, _, seqs in _decoder.decode(packed):
        counts[campaign_id] += len(seqs)
    return counts


def decode_claim(packed: bytes) -> list[ClaimedMessage]:
    """Unpack a claim list."""
    if not packed:
        return []
    return [
        ClaimedMessage(campaign_id, seq, generation, try_number)
        for campaign_id, generation, try_number, seqs in _decoder.decode(packed)
        for seq in seqs
    ]
