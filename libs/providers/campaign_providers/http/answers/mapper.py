"""Mapping of responses, and of their absence, to send results: the first rule that matches."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from re import Pattern
from typing import Any, NamedTuple

import msgspec

from campaign_common.settings import AnswerRule, AnswerRules, AnswerWord
from campaign_common.settings.fields.answers import NOTHING_SENT, JsonCondition, JsonPath, json_text
from campaign_common.settings.sections.providers.answers import DefaultRule
from campaign_providers.contract import MessageT, SendResult, SendStatus
from campaign_providers.http.answers.reader import HttpResponse

MAX_MESSAGE_ID_LENGTH = 128

MAX_ERROR_CODE_LENGTH = 32

MAX_RETRY_AFTER = 24 * 3600.0
"""Seconds; a longer Retry-After is cut to a day."""

RETRY_AFTER = "retry-after"

SEARCHED = 4_096
"""Characters of an answer, or of a value in it, that patterns are searched for in."""

UNREADABLE = "answer_unreadable"
"""Error code of an answer that its status alone does not explain: rules asked for its body."""

_STATUSES = {
    AnswerWord.SUCCESS: SendStatus.ACCEPTED,
    AnswerWord.PERMANENT: SendStatus.PERMANENT,
    AnswerWord.RETRYABLE: SendStatus.RETRYABLE,
    AnswerWord.THROTTLED: SendStatus.THROTTLED,
    AnswerWord.AMBIGUOUS: SendStatus.AMBIGUOUS,
    AnswerWord.ACCOUNT: SendStatus.ACCOUNT,
}

_NOTHING = object()


class Match(NamedTuple):
    """Meaning of a response, and the rule that says so."""

    status: SendStatus
    rule: AnswerRule | None
    """None: no rule matches, or rules asked for the body and none of them recognized it."""
    document: Any = None
    """The body as JSON, where a rule needed it; None where it is none."""
    code: str | None = None
    """Error code that goes before that of the rule."""


class ResponseMapper:
    """Mapping of responses to results by ordered rules."""

    def __init__(self, rules: AnswerRules) -> None:
        self._by_status: dict[int, list[AnswerRule]] = {
            status: [rule for rule in rules if _is_for(rule, status)] for status in range(100, 1000)
        }
        self._accepting = {
            status: rules[0].id
            for status, rules in self._by_status.items()
            if rules and _accepts_all(rules[0])
        }
        """Places of the id, by statuses that are accepted whatever the body is: nearly all."""
        self._transport = {
            failure.value: rule for rule in reversed(rules) for failure in rule.transport or ()
        }
        self.kept_headers = frozenset(
            {RETRY_AFTER}
            | {
                rule.retry_after.header.lower()
                for rule in rules
                if rule.retry_after is not None and rule.retry_after.header is not None
            }
        )
        """Names, in lower case, of the headers that rules read."""

    def match(self, response: HttpResponse) -> Match:
        """Return the meaning of a response; one that no rule matches is ambiguous.

        A 2xx or a refusal that only the default rules know proves nothing where a rule asked for a
        body that could not be read. A 2xx proves nothing either where rules describe its body, and
        none fits.
        """
        document: Any = _NOTHING
        body_described = unreadable = False
        for rule in self._by_status.get(response.status, ()):
            body_described = body_described or _describes_body(rule)
            if rule.json:
                if document is _NOTHING:
                    document = _document(response)
                if document is None:
                    unreadable = True
                    continue
                if not all(_holds(condition, document) for condition in rule.json):
                    continue
            if rule.text is not None:
                if not response.is_whole:
                    unreadable = True
                    continue
                if rule.text.encode() not in response.body:
                    continue
            if _proves_nothing(
                rule, response, body_described=body_described, unreadable=unreadable
            ):
                return Match(SendStatus.AMBIGUOUS, None, code=UNREADABLE)
            return Match(_STATUSES[rule.then], rule, None if document is _NOTHING else document)
        return Match(SendStatus.AMBIGUOUS, None)

    def to_result(self, message: MessageT, response: HttpResponse) -> SendResult[MessageT]:
        """Return the result of a message."""
        if response.status in self._accepting:
            place = self._accepting[response.status]
            if place is None:
                return SendResult(message, SendStatus.ACCEPTED)
            document = _document(response) if isinstance(place, tuple) else None
            found = fitting(_found(place, response, document))
            return SendResult(message, SendStatus.ACCEPTED, found)
        status, rule, document, code = self.match(response)
        if rule is None:
            return SendResult(message, status, None, code or f"http_{response.status}")
        if document is None and _reads_json(rule):
            document = _document(response)
        if status is SendStatus.ACCEPTED:
            return SendResult(message, status, fitting(_found(rule.id, response, document)))
        code = fitting(_found(rule.code, response, document), cut_to=MAX_ERROR_CODE_LENGTH)
        return SendResult(
            message,
            status,
            None,
            code or f"http_{response.status}",
            _retry_after(rule, response, document),
            suppress=rule.effect == "suppress",
            of_recipient=rule.scope == "recipient",
        )

    def without_response(self, message: MessageT, code: str) -> SendResult[MessageT]:
        """Return the result of a message whose request got no response, or was not written."""
        nothing_sent = code in NOTHING_SENT
        rule = self._transport.get(code)
        if rule is not None:
            status = _STATUSES[rule.then]
        else:
            status = SendStatus.RETRYABLE if nothing_sent else SendStatus.AMBIGUOUS
        return SendResult(message, status, None, code, nothing_sent=nothing_sent)

    def rule_for(self, code: str) -> AnswerRule | None:
        """Return the rule about a request without a response, None where there is none."""
        return self._transport.get(code)


def at(document: Any, path: JsonPath) -> Any:  # noqa: ANN401 - what JSON can hold
    """Return the value at a path, `None` where there is none."""
    found = _at(document, path)
    return None if found is _NOTHING else found


def fitting(value: Any, cut_to: int | None = None) -> str | None:  # noqa: ANN401 - what JSON can hold
    """Return a text or an integer as the ledger holds it: printable ASCII, of at least 1 character.

    A longer one than `MAX_MESSAGE_ID_LENGTH` is none, unless it is to be cut.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**MAX_MESSAGE_ID_LENGTH else None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return None
    if cut_to is not None:
        return value[:cut_to] or None
    return value if 0 < len(value) <= MAX_MESSAGE_ID_LENGTH else None


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
            seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
        except (ValueError, OverflowError):  # OverflowError: a number that no C integer holds
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _is_for(rule: AnswerRule, status: int) -> bool:
    return rule.transport is None and (rule.status is None or status in rule.status)


def _proves_nothing(
    rule: AnswerRule, response: HttpResponse, *, body_described: bool, unreadable: bool
) -> bool:
    """Return whether a rule that matches goes by the status alone, where that says too little."""
    if unreadable and rule.text is None and response.status // 100 == 2:
        return True
    if not isinstance(rule, DefaultRule):
        return False
    doubt = {AnswerWord.SUCCESS: body_described, AnswerWord.PERMANENT: unreadable}
    return doubt.get(rule.then, False)


def _describes_body(rule: AnswerRule) -> bool:
    """Return whether a rule says which body an answer of a status, or a success, has.

    One that only looks for an error, whatever the status, says nothing about other bodies.
    """
    asks_for_body = bool(rule.json) or rule.text is not None
    return asks_for_body and (rule.status is not None or rule.then is AnswerWord.SUCCESS)


def _accepts_all(rule: AnswerRule) -> bool:
    return rule.then is AnswerWord.SUCCESS and not rule.json and rule.text is None


def _reads_json(rule: AnswerRule) -> bool:
    retry_after = None if rule.retry_after is None else rule.retry_after.json
    return any(isinstance(place, tuple) for place in (rule.id, rule.code, retry_after))


def _found(
    place: JsonPath | Pattern[str] | None,
    response: HttpResponse,
    document: Any,  # noqa: ANN401 - what JSON can hold
) -> Any:  # noqa: ANN401 - what JSON can hold
    """Return the value in a place of the answer, None where there is none."""
    if place is None:
        return None
    if isinstance(place, tuple):
        return at(document, place)
    found = place.search(response.body[:SEARCHED].decode("utf-8", "replace"))
    return found and found[1]


def _document(response: HttpResponse) -> Any:  # noqa: ANN401 - what JSON can hold
    """Return the body as JSON, None where it is none."""
    if not response.body:
        return None
    try:
        return msgspec.json.decode(response.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _at(document: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - what JSON can hold
    value = document
    for name in path:
        if isinstance(value, dict):
            value = value.get(name, _NOTHING)
        elif isinstance(value, list) and name.isascii() and name.isdigit():
            value = value[int(name)] if int(name) < len(value) else _NOTHING
        else:
            return _NOTHING
    return value


def _holds(condition: JsonCondition, document: Any) -> bool:  # noqa: ANN401 - what JSON can hold
    value = _at(document, condition.path)
    if value is _NOTHING or isinstance(value, dict | list):
        return False
    text = json_text(value)
    if condition.pattern is not None:
        return condition.pattern.search(text[:SEARCHED]) is not None
    return text in condition.values


def _retry_after(rule: AnswerRule, response: HttpResponse, document: Any) -> float | None:  # noqa: ANN401
    place = rule.retry_after
    if place is not None and place.json is not None:
        return _seconds(at(document, place.json))
    name = RETRY_AFTER if place is None or place.header is None else place.header.lower()
    return read_retry_after(response.headers.get(name), datetime.now(UTC))


def _seconds(value: Any) -> float | None:  # noqa: ANN401 - what JSON can hold
    if isinstance(value, str):
        return read_retry_after(value, datetime.now(UTC))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Bounded before it is a float: JSON has integers that no float holds.
    return float(min(max(value, 0), MAX_RETRY_AFTER))
