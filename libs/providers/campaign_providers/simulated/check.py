"""Check of a simulated provider: shows the result that its seed gives to a message."""

from functools import partial

from campaign_common.settings import SimulatedSettings
from campaign_providers.check import CHECK_WORDS, Exchange, PreparedCheck, Reading
from campaign_providers.contract import OutboundMessage, SendStatus
from campaign_providers.simulated.provider import error_code_of, simulated_status

RULE = "its seed and failure rates"

NO_REQUEST = "a simulated provider makes no request"


class SimulatedCheck:
    """Check of one provider; nothing is sent, whatever is asked for."""

    longest = 0.0
    """It takes no time: the latency is not simulated."""

    def __init__(self, name: str, settings: SimulatedSettings) -> None:
        self.name = name
        self._settings = settings

    def prepare(self, message: OutboundMessage) -> PreparedCheck:
        """Describe what becomes of a message."""
        status = simulated_status(
            message.idempotency_key, self._settings.seed, self._settings.failure_rates
        )
        word = CHECK_WORDS[status]
        note = f"{NO_REQUEST}; by {RULE} this message ends as {word}"
        return PreparedCheck(None, note, None, partial(_exchange, message, status))


def _exchange(message: OutboundMessage, status: SendStatus) -> Exchange:
    word = CHECK_WORDS[status]
    if status is SendStatus.ACCEPTED:
        message_id = f"sim-{message.idempotency_key}"
        return Exchange(None, Reading(word, RULE, provider_message_id=message_id))
    return Exchange(None, Reading(word, RULE, error_code=error_code_of(status)))
