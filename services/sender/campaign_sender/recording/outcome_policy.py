"""Outcome policy of one sender: configured retries, routes, and the promises of its providers."""

import random
from collections.abc import Callable

from campaign_common.settings import RetrySettings
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_providers.contract import SendResult
from campaign_sender.admission.provider_choice import ProviderChoice
from campaign_sender.message import Message
from campaign_sender.recording.outcome import LedgerOutcome, depends_on_doubt, outcome_of


class OutcomePolicy:
    """Outcomes of send results; `is_idempotent` is asked of the provider of each message."""

    def __init__(
        self,
        retry: RetrySettings,
        choice: ProviderChoice,
        is_idempotent: Callable[[str], bool],
    ) -> None:
        self._retry = retry
        self._choice = choice
        self._is_idempotent = is_idempotent
        self._random = random.Random()  # noqa: S311 - spreads retries, protects nothing

    def depends_on_doubt(self, result: SendResult[Message]) -> bool:
        """Return whether the outcome depends on an earlier try that may have been accepted."""
        idempotent = self._is_idempotent(result.message.provider)
        return depends_on_doubt(result.status, idempotent=idempotent)

    def outcome(
        self, result: SendResult[Message], version: CampaignVersion | None
    ) -> LedgerOutcome:
        """Return the outcome of a send result of a campaign; None: it could not be read."""
        message = result.message
        return outcome_of(
            result,
            version,
            self._retry,
            self._random.random(),
            idempotent=self._is_idempotent(message.provider),
            failover=self._choice.after_proof(message, version),
        )
