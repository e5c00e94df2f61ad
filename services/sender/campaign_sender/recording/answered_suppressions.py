"""Suppressions that follow from answers of providers (`Effect: suppress`)."""

from collections.abc import Callable, Iterable

from campaign_common.database import Database
from campaign_common.domain.suppressions.suppression_scope import scope_of_answer
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.suppressions.suppressions import (
    ACTOR_OF_ANSWERS,
    Suppression,
    add_suppressions,
    require_in_reach,
)
from campaign_providers.contract import SendResult
from campaign_sender.message import Message

ANSWERED = "provider_answer"
"""Reason of such suppressions; their source is the provider."""


class AnsweredSuppressions:
    """Wishes of people that providers report, written before the outcomes are recorded.

    Suppressions live on the main server and outcomes on the shard's: a sender that is killed
    between the two transactions leaves the suppression and a message in doubt.
    `originator_of`: returns the originator that a provider is configured with. `longest`: seconds
    of the longest transaction.
    """

    def __init__(
        self,
        main: Database,
        originator_of: Callable[[str], str | None],
        longest: float,
    ) -> None:
        self._main = main
        self._originator_of = originator_of
        self._longest = longest

    def write(self, results: Iterable[SendResult[Message]]) -> None:
        """Write the suppressions of some results; usually there are none.

        Raises:
            RetryLater: the main server is away; the results must not be recorded before it is back.
        """
        told = {
            (one.phone, one.scope): one
            for one in (self._of(result) for result in results if result.suppress)
        }
        if not told:
            return
        began = boot_time()
        with self._main.transaction() as cursor:
            add_suppressions(cursor, list(told.values()), ACTOR_OF_ANSWERS)
        require_in_reach(began, self._longest)

    def _of(self, result: SendResult[Message]) -> Suppression:
        message = result.message
        originator = message.record.originator or self._originator_of(message.provider)
        scope = scope_of_answer(message.provider, originator)
        return Suppression(
            message.record.phone, scope, ANSWERED, message.provider, note=result.error_code
        )
