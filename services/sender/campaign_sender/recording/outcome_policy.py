"""Outcome policy of one sender: configured retries, routes, and the promises of its providers."""

import random
from collections.abc import Callable, Collection

from campaign_common.runtime.boot_time import boot_time
from campaign_common.settings import RetrySettings
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.admission.provider_choice import ProviderChoice
from campaign_sender.delivery.guarded_provider import rest_backoff
from campaign_sender.message import Message
from campaign_sender.recording.outcome import (
    LedgerOutcome,
    depends_on_doubt,
    outcome_of,
    reported,
)
from campaign_sender.recording.recorded_ids import NO_RECORDED_IDS, RecordedIds

LIMIT_OR_CIRCUIT = frozenset({SendStatus.LIMITED, SendStatus.CIRCUIT_OPEN})
"""Statuses of messages that wait for a limit or an open circuit breaker."""


class OutcomePolicy:
    """Outcomes of send results; `idempotent_for` is asked of the provider of each message.

    `reporting`: the providers that send receipts. `ids`: those that are recorded with outcomes.
    """

    def __init__(
        self,
        retry: RetrySettings,
        choice: ProviderChoice,
        idempotent_for: Callable[[str], float],
        reporting: Collection[str] = (),
        ids: RecordedIds = NO_RECORDED_IDS,
    ) -> None:
        self._retry = retry
        self._choice = choice
        self._idempotent_for = idempotent_for
        self._reporting = reporting
        self.ids = ids
        self._random = random.Random()  # noqa: S311 - spreads retries, protects nothing

    def depends_on_doubt(self, result: SendResult[Message]) -> bool:
        """Return whether the outcome depends on an earlier try that may have been accepted."""
        return depends_on_doubt(result.status, idempotent=self._knows_key_of(result.message))

    def outcome(
        self, result: SendResult[Message], version: CampaignVersion | None
    ) -> LedgerOutcome:
        """Return the outcome of a send result of a campaign; None: it could not be read."""
        message = result.message
        if message.reported_by is not None:
            return LedgerOutcome(reported(result, message.reported_by))
        knows_key = self._knows_key_of(message)
        is_unclear = result.status is SendStatus.AMBIGUOUS
        may_be_taken = message.in_doubt or is_unclear
        waits = is_unclear and not knows_key and message.provider in self._reporting
        return outcome_of(
            result,
            version,
            self._retry,
            self._random.random(),
            idempotent=knows_key,
            failover=self._failover(result, version),
            least_wait=self._least_wait(result, version),
            after_doubt=may_be_taken and self._choice.goes_on_after_doubt(message, version),
            receipt_wait=self._retry.receipt_wait if waits else 0.0,
        )

    def _least_wait(self, result: SendResult[Message], version: CampaignVersion | None) -> float:
        """Return the least seconds to wait for the end of a rest, 0 where it is not waited for."""
        if result.status not in LIMIT_OR_CIRCUIT:
            return 0.0
        return min(rest_backoff(result.message), self._choice.rests_for(result.message, version))

    def _failover(self, result: SendResult[Message], version: CampaignVersion | None) -> str | None:
        """Return the provider of the next try.

        A message that only waits behind others, at the rate of its provider, stays there.
        """
        message = result.message
        if result.status is SendStatus.LIMITED and not self._choice.is_resting(message.provider):
            return None
        return self._choice.after_proof(message, version)

    def _knows_key_of(self, message: Message) -> bool:
        """Return whether the provider answers the message's key as it may have done before."""
        is_idempotent = self._idempotent_for(message.provider) > 0
        return is_idempotent and boot_time() < message.key_known_until
