"""The receipt of a message as it is stored, and what a report changes about it.

Reports come early, late, twice and out of order, and several processes write them. So the result
depends on which reports there are, and not on their order: a higher generation replaces, and within
one the highest rank counts, with the code and time that came with it first.
"""

from collections.abc import Collection
from datetime import datetime
from enum import Enum, IntEnum
from typing import NamedTuple

from campaign_common.domain.message import LedgerEntry, Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank

DoubtedProviders = Collection[str | None]
"""Providers that may have taken a message in its generation; None: one that is not named, where the
campaign names it, or since it is not known."""

NO_DOUBTS: DoubtedProviders = frozenset()


class PossibleTakers(NamedTuple):
    """Providers that may have taken a message, as the writer of several receipts reads them."""

    in_doubt: DoubtedProviders = NO_DOUBTS
    """Those of a doubt, which stays for the whole generation."""
    claimed: DoubtedProviders = NO_DOUBTS
    """Those that a sender has claimed it for, of which a result may yet be proof."""


NO_TAKERS = PossibleTakers()


class ReceiptState(IntEnum):
    """The relation of a receipt to the outcome of its message; the number is stored."""

    OPEN = 0
    """The ledger does not say that the message was sent in this generation."""
    SENT = 1
    """Closed: the ledger says so. As long as this is stored, it does."""
    OTHERWISE = 2
    """Closed by the owner: the message ended in another way, such as `failed`."""
    NO_RECEIPT = 3
    """Closed as sent, and no final report came in the time of its provider. One that comes later
    replaces it."""

    # As for Status: receipts are counted by their state.
    __hash__ = int.__hash__

    @property
    def word(self) -> str:
        """The state as users read it."""
        return self.name.lower()


OF_SENT = frozenset({ReceiptState.SENT, ReceiptState.NO_RECEIPT})
"""States of the receipts of messages that the ledger has as sent."""

ENDED_OTHERWISE = frozenset({Status.FAILED, Status.SUPPRESSED, Status.EXPIRED, Status.CANCELLED})
"""Statuses that a receipt does not change: it is shown beside them."""


class StoredReceipt(NamedTuple):
    """The report of the highest rank about a message, in its latest generation.

    With rank `NONE` there is none: the message was turned back to this generation, the report was
    another provider's, or none came in time.
    """

    generation: int
    rank: ReceiptRank
    state: ReceiptState
    provider: str
    code: str | None = None
    at: datetime | None = None

    @classmethod
    def none(cls, generation: int) -> "StoredReceipt":
        """Return the row of a message without a report in this generation."""
        return cls(generation, ReceiptRank.NONE, ReceiptState.OPEN, "")

    @property
    def is_open(self) -> bool:
        """Return whether it waits for the ledger, or for the owner of the shard."""
        return self.state is ReceiptState.OPEN and self.rank is not ReceiptRank.NONE

    @property
    def is_counted(self) -> bool:
        """Return whether the counters have it: there is a report, or the time for one is over."""
        return self.rank is not ReceiptRank.NONE or self.state is ReceiptState.NO_RECEIPT

    def is_of(self, generation: int) -> bool:
        """Return whether it reports about this generation of the message."""
        return self.generation == generation and self.rank is not ReceiptRank.NONE

    def proves(self, doubts: DoubtedProviders) -> bool:
        """Return whether it proves that one of `doubts` has taken the message (protocol rule 14).

        That the message reached the phone, any provider proves: each is one that was handed it.
        """
        return self.rank is not ReceiptRank.NONE and _is_proof(self.rank, self.provider, doubts)

    def is_late(self, generation: int) -> bool:
        """Return whether the time for a final report about this generation is over."""
        return self.generation == generation and self.state is ReceiptState.NO_RECEIPT


class ReceiptEffect(Enum):
    """The effect of a report on what is stored."""

    STORED = "stored"
    REPEATED = "repeated"
    """As much or more is known."""
    NO_CAMPAIGN = "no_campaign"
    """The campaign is not there, was purged, or has no such shard."""
    OTHER_PROVIDER = "other_provider"
    """The message was sent by another provider than the one that reports."""
    OLDER_GENERATION = "older_generation"
    """The message was turned back to a later generation."""


OWN_PROVIDER_ONLY = frozenset({Status.SENT, Status.FAILED})
"""Statuses that name the one provider that a report can come from. Others may have been taken by
any provider of the route."""

MAY_BE_PROVED = frozenset({Status.UNKNOWN, Status.WAITING})
"""Statuses of messages that a receipt may prove to be sent."""


class Reported(NamedTuple):
    """The result of one report."""

    receipt: StoredReceipt | None
    """To be stored; what was there where the report changed nothing."""
    effect: ReceiptEffect


def report(
    stored: StoredReceipt | None,
    entry: LedgerEntry | None,
    named: str,
    reported: MessageReceipt,
    takers: PossibleTakers = NO_TAKERS,
) -> Reported:
    """Decide what a report changes.

    Of two providers that report the same message, what proves a doubt counts before the rank.

    `entry`: the ledger's row; it may be left out where `needs_entry` says so. `named`: the provider
    that the campaign names. `takers`: the providers that may have taken the message; to be given
    where `is_contested`.
    """
    if _is_older(stored, entry, reported):
        return Reported(stored, ReceiptEffect.OLDER_GENERATION)
    known = stored if stored and stored.generation == reported.generation and stored.rank else None
    current = entry if entry and entry.generation == reported.generation else None
    only = _only_provider(known, current, named)
    if only not in (None, reported.provider):
        return Reported(stored, ReceiptEffect.OTHER_PROVIDER)
    if known is not None and only not in (None, known.provider):
        known = None  # it was stored while nothing said which provider would send the message
    is_sent = current is not None and current.status == Status.SENT
    is_late = stored is not None and stored.is_late(reported.generation)
    state = known.state if known else ReceiptState.OPEN
    if is_sent or is_late:
        state = ReceiptState.SENT
    strength = _strength(reported.rank, reported.provider, takers)
    if known is None or strength > _strength(known.rank, known.provider, takers):
        _, _, generation, _, provider, rank, code, at = reported
        after = StoredReceipt(generation, rank, state, provider, code, at)
    else:
        after = known._replace(state=state)
    if is_late and not after.rank.is_final:
        after = after._replace(state=ReceiptState.NO_RECEIPT)
    return Reported(after, ReceiptEffect.REPEATED if after == known else ReceiptEffect.STORED)


def is_contested(stored: StoredReceipt | None, reports: Collection[MessageReceipt]) -> bool:
    """Return whether several providers report one generation of a message."""
    latest = max(one.generation for one in reports)
    providers = {one.provider for one in reports if one.generation == latest}
    if stored is not None and stored.is_of(latest):
        providers.add(stored.provider)
    return len(providers) > 1


def _strength(rank: ReceiptRank, provider: str, takers: PossibleTakers) -> tuple[bool, bool, int]:
    """Return what a receipt is worth beside others: first what it proves, then its rank."""
    is_proof = _is_proof(rank, provider, takers.in_doubt)
    return is_proof, is_proof or _is_proof(rank, provider, takers.claimed), rank


def _is_proof(rank: ReceiptRank, provider: str, doubts: DoubtedProviders) -> bool:
    return rank >= ReceiptRank.DELIVERED or provider in doubts or None in doubts


def needs_entry(stored: StoredReceipt | None, generation: int) -> bool:
    """Return whether `report` has to know the ledger's row for a report of this generation."""
    return stored is None or stored.state is not ReceiptState.SENT or generation > stored.generation


def _is_older(
    stored: StoredReceipt | None, entry: LedgerEntry | None, reported: MessageReceipt
) -> bool:
    known = max(
        stored.generation if stored else 0,
        entry.generation if entry else 0,
    )
    return reported.generation < known


def _only_provider(
    known: StoredReceipt | None, entry: LedgerEntry | None, named: str
) -> str | None:
    """Return the only provider that can report of this generation; None: several can."""
    if known is not None and known.state is ReceiptState.SENT:
        return known.provider
    if entry is not None and entry.status in OWN_PROVIDER_ONLY:
        return entry.provider or named
    return None


def look_again(
    stored: StoredReceipt, entry: LedgerEntry | None, named: str, *, is_owner: bool = False
) -> StoredReceipt:
    """Return an open receipt as it is by what the ledger says now; unchanged if that says nothing.

    Only the owner of the shard closes the receipt of a message that ended otherwise, since it alone
    turns such a message back.
    """
    if entry is None or entry.generation < stored.generation:
        return stored
    if entry.generation > stored.generation:
        return StoredReceipt.none(entry.generation)
    if entry.status in OWN_PROVIDER_ONLY and stored.provider != (entry.provider or named):
        return StoredReceipt.none(stored.generation)
    if entry.status == Status.SENT:
        return stored._replace(state=ReceiptState.SENT)
    if is_owner and entry.status in ENDED_OTHERWISE:
        return stored._replace(state=ReceiptState.OTHERWISE)
    return stored


def doubts_of(entry: LedgerEntry | None, noted: DoubtedProviders) -> frozenset[str | None]:
    """Return the providers that may have taken a message in the generation of its row.

    `noted`: those that are noted as such beside the ledger, for the same generation.
    """
    doubts = frozenset(noted)
    if entry is None:
        return doubts
    is_only_one = entry.status == Status.UNKNOWN and not doubts
    return doubts | {entry.provider} if entry.in_doubt or is_only_one else doubts


def proves_send(
    stored: StoredReceipt, entry: LedgerEntry | None, noted: DoubtedProviders = NO_DOUBTS
) -> bool:
    """Return whether an open receipt proves a send that the ledger lacks (protocol rule 14).

    It is about the generation, whatever the try. `entry`: None if nothing is recorded; then the
    message must not be held by the owner, who waits for its result. `noted`: providers that may
    have taken it in this generation, beside the row. What waits or has no row, and is not in doubt,
    was not taken: it was refused, or never sent, and the receipt is about another campaign of this
    number.
    """
    if entry is not None:
        is_open = entry.status in MAY_BE_PROVED
        if not is_open or entry.generation != stored.generation:
            return False
    doubts = doubts_of(entry, noted)
    return bool(doubts) and stored.proves(doubts)


def without_receipt(
    stored: StoredReceipt | None, entry: LedgerEntry, named: str
) -> StoredReceipt | None:
    """Return the receipt of a message whose time for a final one is over; None: nothing changes.

    The furthest stage that was reported stays in it.
    """
    if entry.status != Status.SENT:
        return None
    if stored is None or stored.generation < entry.generation:
        late = StoredReceipt.none(entry.generation)
    elif stored.generation > entry.generation or stored.state is ReceiptState.NO_RECEIPT:
        return None
    else:
        late = look_again(stored, entry, named)
    return None if late.rank.is_final else late._replace(state=ReceiptState.NO_RECEIPT)
