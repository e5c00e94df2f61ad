"""Inbound: messages of people, the words in them that are keywords, and what follows from these."""

from campaign_common.domain.inbound.keyword_policy import StopScope
from campaign_common.settings.declaration import Section, key, section_class
from campaign_common.settings.fields.plain import Duration, Member, Words
from campaign_common.settings.sections.people.inbound_answers import InboundAnswerSettings


@section_class
class InboundKeywordSettings:
    """Keywords beside those that are built in, whatever their case."""

    stop: tuple[str, ...] = key("stop", Words("words", may_be_empty=True), default=[])
    """Words that mean STOP."""
    start: tuple[str, ...] = key("start", Words("words", may_be_empty=True), default=[])
    """Words that mean START."""
    help: tuple[str, ...] = key("help", Words("words", may_be_empty=True), default=[])
    """Words that mean HELP."""


@section_class
class InboundSettings:
    """Messages that people send to us; only the API uses these keys."""

    keep_for: float | None = key("KeepFor", Duration("72h", "87600h", null=True), default="2160h")
    """The time after which an inbound message is deleted; `null`: none is. A START that a gateway
    repeats later than this could lift a STOP that was said after it. See
    [retention](../operations/retention.md)."""
    keywords: InboundKeywordSettings = key("Keywords", Section(InboundKeywordSettings), default={})
    first_words: tuple[str, ...] = key("FirstWords", Words("words", may_be_empty=True), default=[])
    """Keywords, built in or of `Keywords`, that decide where a message begins with them, beside
    those that are built in. See [keywords](../guides/inbound.md#keywords)."""
    stop_scope: StopScope = key("StopScope", Member(StopScope), default="*")
    """The messages that a person who says STOP is not sent any more: `*`, all; `sender`, those from
    our number to which it was sent; `provider`, those through the provider by which it came. See
    [STOP](../guides/keywords.md#stop)."""
    answers: InboundAnswerSettings = key("Answers", Section(InboundAnswerSettings), default={})
