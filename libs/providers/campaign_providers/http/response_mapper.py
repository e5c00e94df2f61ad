"""Mapping of HTTP responses to send results."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from campaign_common.settings import AnswerRules, AnswerWord
from campaign_providers.contract import MessageT, SendResult, SendStatus
from campaign_providers.http.response_reader import HttpResponse

MAX_MESSAGE_ID_LENGTH = 128

MAX_RETRY_AFTER = 24 * 3600.0
"""Seconds; a longer Retry-After is cut to a day."""

_STATUSES = {
    AnswerWord.SUCCESS: SendStatus.ACCEPTED,
    AnswerWord.PERMANENT: SendStatus.PERMANENT,
    AnswerWord.RETRYABLE: SendStatus.RETRYABLE,
    AnswerWord.THROTTLED: SendStatus.THROTTLED,
    AnswerWord.AMBIGUOUS: SendStatus.AMBIGUOUS,
}


class ResponseMapper:
    """Maps HTTP responses to results, as configured."""

    def __init__(self, rules: AnswerRules, message_id_field: str) -> None:
        """Take rules by status; the first for a status decides."""
        self._by_status = {
            status: _STATUSES[rule.then] for rule in reversed(rules) for status in rule.status or ()
        }
        self._message_id_path = message_id_field.split(".")

    def to_result(self, message: MessageT, response: HttpResponse) -> SendResult[MessageT]:
        """Return the result of a message; a status that is not configured is ambiguous."""
        status = self._by_status.get(response.status, SendStatus.AMBIGUOUS)
        if status is SendStatus.ACCEPTED:
            return SendResult(
                message, status, read_message_id(response.body, self._message_id_path)
            )
        retry_after = read_retry_after(response.retry_after, datetime.now(UTC))
        return SendResult(message, status, None, f"http_{response.status}", retry_after)


def read_message_id(body: bytes, path: list[str]) -> str | None:
    """Return the provider's message id from the JSON body of a response.

    None when there is none that fits the ledger: text or an integer, 1 to 128 printable ASCII
    characters.
    """
    if not body:
        return None
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    fits = isinstance(value, str) and 0 < len(value) <= MAX_MESSAGE_ID_LENGTH
    return value if fits and value.isascii() and value.isprintable() else None


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, section 10.2.3).

    The header is a number of seconds or a date; None when it is neither. At least 0, at most
    `MAX_RETRY_AFTER`.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            date = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
