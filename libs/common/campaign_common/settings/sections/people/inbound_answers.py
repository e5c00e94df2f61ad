"""Answers to keywords of inbound messages."""

from collections.abc import Mapping

from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.settings.declaration import key, section_class
from campaign_common.settings.fields.plain import Duration, String

LONGEST_ANSWER = 1_600
"""Characters; what gateways take at most, and many take less."""


@section_class
class InboundAnswerSettings:
    """Single messages that answer keywords. Without a text a keyword is not answered."""

    stop: str | None = key("stop", String(longest=LONGEST_ANSWER, null=True), default=None)
    """The answer to STOP, which is sent although the person is suppressed. See
    [answers](../guides/keywords.md#answers)."""
    start: str | None = key("start", String(longest=LONGEST_ANSWER, null=True), default=None)
    """The answer to START, unless another suppression of the person stays."""
    help: str | None = key("help", String(longest=LONGEST_ANSWER, null=True), default=None)
    """The answer to HELP."""
    interval: float = key("Interval", Duration("1m", "720h"), default="24h")
    """The time within which a person is not answered to the same keyword again, so that two
    machines do not go on answering each other."""

    @property
    def texts(self) -> Mapping[KeywordKind, str]:
        """The texts by keyword, as far as there are some."""
        given = {
            KeywordKind.STOP: self.stop,
            KeywordKind.START: self.start,
            KeywordKind.HELP: self.help,
        }
        return {keyword: text for keyword, text in given.items() if text is not None}
