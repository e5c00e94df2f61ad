"""Pending results: those that are not recorded yet."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from campaign_providers.contract import REACHED_PROVIDER, SendResult
from campaign_sender.in_flight.claim_window import ClaimBounds
from campaign_sender.in_flight.owned_shard import OwnedShards
from campaign_sender.message import Message


class TakenResults(NamedTuple):
    """Results to record; `late` are those of messages that are not held any more."""

    held: list[SendResult[Message]]
    late: list[SendResult[Message]]
    ending: Mapping[str, int]
    """Number of claimed messages among those that are held, by provider."""


class PendingResults:
    """Results of a shard group; used inside the buffer's lock.

    `bounds` is told of what was sent.
    """

    def __init__(self, shards: OwnedShards, bounds: ClaimBounds) -> None:
        self._shards = shards
        self._bounds = bounds
        self._results: list[SendResult[Message]] = []
        self._decided = 0
        """Number of results of messages that were never claimed."""

    def __len__(self) -> int:
        return len(self._results)

    def add(self, results: Iterable[SendResult[Message]]) -> None:
        """Add results of claimed messages."""
        self._results.extend(results)

    def add_decided(self, results: Sequence[SendResult[Message]]) -> None:
        """Add results of messages that were never claimed."""
        self._results += results
        self._decided += len(results)

    def put_back(
        self, held: list[SendResult[Message]], late: Iterable[SendResult[Message]]
    ) -> None:
        """Put results before all others that were taken."""
        is_claimed = self._shards.is_claimed
        self._results[:0] = [*held, *late]
        self._decided += sum(not is_claimed(result.message) for result in held)

    def take(self) -> TakenResults:
        """Take every result."""
        held = self._shards.held
        results: list[SendResult[Message]] = []
        late: list[SendResult[Message]] = []
        keep = results.append
        for result in self._results:
            message = result.message
            if held.get(message.key) is message:
                keep(result)
            else:
                late.append(result)
        ending = self._ending_among(results)
        self._note_sends(results, ending)
        self._results, self._decided = [], 0
        return TakenResults(results, late, ending)

    def ending(self) -> Mapping[str, int]:
        """Return the number of claimed messages that end with these results, by provider."""
        return self._ending_among(self._results)

    def _ending_among(self, results: Sequence[SendResult[Message]]) -> Mapping[str, int]:
        shards = self._shards
        if self._decided:
            is_claimed = shards.is_claimed
            claimed = (result.message for result in results if is_claimed(result.message))
            return Counter(message.provider for message in claimed)
        if len(shards.providers) <= 1 and len(shards.claimed_of) <= 1:
            return {provider: len(results) for provider in shards.claimed_of}
        return Counter(result.message.provider for result in results)

    def _note_sends(
        self, results: Sequence[SendResult[Message]], ending: Mapping[str, int]
    ) -> None:
        """Note the throughput of providers: what ends without a send is none."""
        is_claimed = self._shards.is_claimed
        unsent = [r.message for r in results if r.status not in REACHED_PROVIDER]
        without = Counter(m.provider for m in unsent if is_claimed(m)) if unsent else {}
        for provider, n in ending.items():
            self._bounds.note_results(provider, n - without.get(provider, 0))
