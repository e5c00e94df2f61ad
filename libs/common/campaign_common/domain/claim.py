"""A claim: the compact list of messages a sender has handed, or is about to hand, to a provider.

It is stored as MessagePack: a version, and groups of (campaign_id, generation, try_number,
[seq, ...], provider, sent_after). Within a version a group, and the claim, may be given further
fields at its end, which a reader that does not know them leaves out: senders of 0.2.0 know neither
a provider nor what follows, and write none. Senders of 0.1.0 stored the groups alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple, Protocol

import msgspec

from campaign_common.domain.campaign import CampaignId
from campaign_common.errors import ClaimTooNew


class ClaimedMessage(NamedTuple):
    """One try of one message that may be at a provider right now.

    `provider` None: the claim does not say which. `sent_after`: it was not sent before this moment,
    in microseconds since 1970 by the clock of the shard's database server; 0: it is not known.
    """

    campaign_id: CampaignId
    seq: int
    generation: int
    try_number: int
    provider: str | None = None
    sent_after: int = 0


class Claimable(Protocol):
    """Whatever says which try of which message it is, and at which provider."""

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

    @property
    def provider(self) -> str | None:
        """The provider that it is handed to; None: it is not known."""

    @property
    def sent_after(self) -> int:
        """A moment before which it was not sent, as in `ClaimedMessage`."""


class _Group(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Messages of one campaign in the same try, at one provider; further fields are ignored.

    `sent_after` is the earliest of theirs.
    """

    campaign_id: CampaignId
    generation: int
    try_number: int
    seqs: list[int]
    provider: str | None = None
    sent_after: int = 0


class _Claim(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A packed claim; further fields are ignored."""

    version: int
    groups: list[_Group]


VERSION = 1
"""The version of the packing. One that is raised needs a stop: older senders cannot settle such
claims (`ClaimTooNew`)."""

_SHORT_ARRAY = range(0x90, 0xA0)
_LARGEST_VERSION = 0x7F
"""A claim begins with the mark of a short array and then its version, as it is. The groups of 0.1.0
begin with the mark of a longer array, or have that of an array in the second place, too."""

_seq_of = attrgetter("seq")
_sent_after_of = attrgetter("sent_after")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Claim)
_unversioned_decoder = msgspec.msgpack.Decoder(list[_Group])


def encode_claim(claimed: Iterable[Claimable]) -> bytes:
    """Pack a claim list; nothing claimed packs to the empty byte string."""
    groups: dict[tuple[int, int, int, str | None], list[Claimable]] = defaultdict(list)
    for one in claimed:
        groups[one.campaign_id, one.generation, one.try_number, one.provider or None].append(one)
    if not groups:
        return b""
    packed = [
        (*group, [*map(_seq_of, ones)], provider, min(map(_sent_after_of, ones)))
        for (*group, provider), ones in groups.items()
    ]
    return _encoder.encode((VERSION, packed))


def count_claimed(packed: bytes) -> Counter[CampaignId]:
    """Count the messages of a claim list by campaign.

    Raises:
        ClaimTooNew: a newer sender has packed it.
    """
    counts: Counter[CampaignId] = Counter()
    for group in _unpack(packed):
        counts[group.campaign_id] += len(group.seqs)
    return counts


def decode_claim(packed: bytes) -> list[ClaimedMessage]:
    """Unpack a claim list.

    Raises:
        ClaimTooNew: a newer sender has packed it.
    """
    if not packed:
        return []
    return [
        ClaimedMessage(
            group.campaign_id,
            seq,
            group.generation,
            group.try_number,
            group.provider,
            group.sent_after,
        )
        for group in _unpack(packed)
        for seq in group.seqs
    ]


def _unpack(packed: bytes) -> list[_Group]:
    version = packed[1]
    if packed[0] not in _SHORT_ARRAY or version > _LARGEST_VERSION:
        return _unversioned_decoder.decode(packed)
    if version > VERSION:
        raise ClaimTooNew(version, VERSION)
    return _decoder.decode(packed).groups
