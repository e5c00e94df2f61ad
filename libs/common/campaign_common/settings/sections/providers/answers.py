"""Rules that read the answers of a provider; the first that matches decides."""

from collections.abc import Iterator, Mapping
from re import Pattern
from typing import Any, Literal

from campaign_common.settings.declaration import Conflict, Section, SectionList, key, section_class
from campaign_common.settings.fields.answers import (
    DEFAULT_ANSWERS,
    NOTHING_SENT,
    AnswerWord,
    JsonCondition,
    JsonConditions,
    JsonPath,
    Path,
    PlaceInAnswer,
    Statuses,
    TransportFailure,
    TransportFailures,
    by_status,
    codes_of,
)
from campaign_common.settings.fields.http import HeaderName
from campaign_common.settings.fields.plain import Choice, Member, String, Value

MOST_RULES = 99


@section_class
class RetryAfterSettings:
    """The place where an answer says how long to wait."""

    header: str | None = key("Header", HeaderName(null=True), default=None)
    """The name of a header, of seconds or a date."""
    json: JsonPath | None = key("Json", Path(), default=None)
    """The path of a number of seconds in the answer's JSON."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that there is not exactly one place."""
        if (self.header is None) == (self.json is None):
            yield (), "expected either Header or Json"


@section_class
class AnswerRule:
    """A rule for answers: its conditions, which must all hold, and what they mean."""

    status: frozenset[int] | None = key("Status", Statuses(), default=None)
    """Status codes and classes of the answer: `429`, `5xx`, `[200, 201]`."""
    json: tuple[JsonCondition, ...] = key("Json", JsonConditions(), default=None)
    """Values of the answer's JSON, each by its path: a value, a list of values, or
    `{Matches: pattern}`. Values are compared as text."""
    text: str | None = key("Text", String(longest=1_000, null=True), default=None)
    """A text that stands somewhere in the answer's body."""
    transport: frozenset[TransportFailure] | None = key(
        "Transport", TransportFailures(), default=None
    )
    """Ways in which a request gets no answer. Goes without other conditions."""
    then: AnswerWord = key("Then", Member(AnswerWord))
    """The meaning of such an answer for the message."""
    id: JsonPath | Pattern[str] | None = key("Id", PlaceInAnswer(), default=None)
    """The path of the provider's own id of the message, which is stored with a `success`. In an
    answer that is no JSON, a pattern whose first group it is: `{Matches: 'id=(\\w+)'}`."""
    code: JsonPath | Pattern[str] | None = key("Code", PlaceInAnswer(), default=None)
    """The path of the provider's error code, which is stored with every other word, or a pattern.
    Without it `http_` and the status code are stored."""
    retry_after: RetryAfterSettings | None = key(
        "RetryAfter", Section(RetryAfterSettings, null=True), default=None
    )
    """The place where the answer says how long to wait: `{Header: Retry-After}`, which is the
    default, or `{Json: path}`."""
    effect: Literal["suppress"] | None = key("Effect", Choice("suppress", null=True), default=None)
    """`suppress`: the person has asked not to be written to. A suppression is added for the
    originator of the message, or for the provider where that is not known."""
    scope: Literal["recipient"] | None = key("Scope", Choice("recipient", null=True), default=None)
    """`recipient`, with `throttled`: the limit is that of one recipient. This message alone waits,
    and stays at the provider; without it, a `RetryAfter` stops all messages of the provider, and
    the message may fail over."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield conditions and words that do not go together."""
        if self.transport is not None:
            if self.status is not None or self.json or self.text is not None:
                yield ("Transport",), "expected no other condition beside it: there is no answer"
            if self.then is AnswerWord.SUCCESS:
                yield ("Then",), "expected another word: without an answer nothing was accepted"
            elif self.then is not AnswerWord.AMBIGUOUS and not self.transport <= NOTHING_SENT:
                known = ", ".join(sorted(NOTHING_SENT))
                yield ("Then",), f"expected ambiguous: only after {known} is it known"
            elif self.then is AnswerWord.ACCOUNT:
                yield ("Then",), "expected another word: only an answer refuses the account"
        if self.effect is not None and self.then is not AnswerWord.PERMANENT:
            yield ("Effect",), "expected Then: permanent with it"
        if self.scope is not None and self.then is not AnswerWord.THROTTLED:
            yield ("Scope",), "expected Then: throttled with it"


class DefaultRule(AnswerRule):
    """A rule by status that stands behind those of the configuration."""


AnswerRules = tuple[AnswerRule, ...]


class Answers(SectionList):
    """Rules, or a mapping of status codes to words; behind either the defaults, by status.

    A mapping, or text such as `429: throttled, 5xx: retryable`, is a rule for each status; single
    codes go before classes.
    """

    from_environment = True

    def __init__(self) -> None:
        super().__init__(AnswerRule, "list of rules, or mapping of status codes to words")

    def below(self, name: str) -> Value[Any] | None:
        """Return the field of a rule; of a status its own, as its key is a code or a class."""
        return super().below(name) if len(name) < len("200") else self

    def from_text(self, text: str) -> object:
        """Return the text, which is read as a mapping."""
        return text

    def shown(self, value: object) -> str:
        """Return `value`: nothing in answers is a secret."""
        return repr(value)

    def _deserialize(self, value: Any, *more: Any, **named: Any) -> Any:  # noqa: ANN401 - marshmallow's
        words = by_status(value)
        if words is None:
            if isinstance(value, list) and len(value) > MOST_RULES:
                raise self.make_error("invalid")
            given = super()._deserialize(value, *more, **named)
            return (*given, *status_rules(DEFAULT_ANSWERS, DefaultRule))
        return status_rules({**DEFAULT_ANSWERS, **_by_code(words)})


def status_rules(
    words: Mapping[str | int, str], make: type[AnswerRule] = AnswerRule
) -> AnswerRules:
    """Return a rule for each status; single codes go before classes."""
    statuses = sorted(map(str, words), key=lambda status: status.endswith("xx"))
    by_text = {str(status): word for status, word in words.items()}
    return tuple(
        make(status=frozenset(codes_of(status)), then=AnswerWord(by_text[status]))
        for status in statuses
    )


def written_rules(value: object) -> list[object]:
    """Return `Answers` as a list of rules as they are written, for what is laid over a preset.

    Raises:
        ValidationError: as `by_status`.
    """
    words = by_status(value)
    if words is None:
        return list(value) if isinstance(value, list) else []
    statuses = sorted(words, key=lambda status: status.endswith("xx"))
    return [{"Status": status, "Then": words[status]} for status in statuses]


def _by_code(words: Mapping[str, str]) -> dict[str | int, str]:
    """Return words by codes as the defaults have them: numbers as numbers."""
    return {int(status) if status.isdigit() else status: word for status, word in words.items()}
