"""What an HTTP answer means for the message."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from campaign_common.settings import AnswerWord
from campaign_sender.message import Message
from campaign_sender.providers.contract import SendResult, SendStatus
from campaign_sender.providers.http.response_reader import HttpAnswer

LONGEST_MESSAGE_ID = 64

LONGEST_RETRY_AFTER = 24 * 3600.0
"""Seconds; whoever asks for more is asked again after a day."""

_ANSWERS = {
    AnswerWord.SUCCESS: SendStatus.ACCEPTED,
    AnswerWord.PERMANENT: SendStatus.PERMANENT,
    AnswerWord.RETRYABLE: SendStatus.RETRYABLE,
    AnswerWord.THROTTLED: SendStatus.THROTTLED,
    AnswerWord.AMBIGUOUS: SendStatus.AMBIGUOUS,
}


class AnswerTable:
    """Turns HTTP answers into results, as configured."""

    def __init__(self, words: Mapping[str, AnswerWord], message_id_field: str) -> None:
        """Take words by status code (429) or class of them (5xx); the code goes first."""
        self._by_status = {
            status: _ANSWERS[words.get(str(status)) or words[f"{status // 100}xx"]]
            for status in range(100, 600)
            if str(status) in words or f"{status // 100}xx" in words
        }
        self._message_id_path = message_id_field.split(".")

    def result(self, message: Message, answer: HttpAnswer) -> SendResult:
        """Say what became of a message; a status that the table does not name is ambiguous."""
        meaning = self._by_status.get(answer.status, SendStatus.AMBIGUOUS)
        if meaning is SendStatus.ACCEPTED:
            return SendResult(message, meaning, read_message_id(answer.body, self._message_id_path))
        retry_after = read_retry_after(answer.retry_after, datetime.now(UTC))
        return SendResult(message, meaning, None, f"http_{answer.status}", retry_after)


def read_message_id(body: bytes, path: list[str]) -> str | None:
    """Return the provider's own id from the JSON of an answer.

    None when there is none that fits the ledger: text or an integer, 1 to 64 printable ASCII
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
    fits = isinstance(value, str) and 0 < len(value) <= LONGEST_MESSAGE_ID
    return value if fits and value.isascii() and value.isprintable() else None


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, section 10.2.3).

    The header is a number of seconds or a date; None when it is neither. At least 0, at most
    `LONGEST_RETRY_AFTER`.
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
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
