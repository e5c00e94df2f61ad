"""A claim: the compact list of messages a sender has handed, or is about to hand, to a provider.

It is stored as MessagePack: groups of (campaign_id, generation, try_number, [seq, ...]).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec


class ClaimedMessage(NamedTuple):
    """One try of one message that may be at a provider right now."""

    campaign_id: int
    seq: int
    generation: int
    try_number: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[int, int, int, list[int]]])


def encode_claim(claimed: Iterable[ClaimedMessage]) -> bytes:
    """Pack a claim list; nothing claimed packs to the empty byte string."""
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for campaign_id, seq, generation, try_number in claimed:
        groups[campaign_id, generation, try_number].append(seq)
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
