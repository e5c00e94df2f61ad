"""Unsubscribe: the page behind the links in messages, and what a person unsubscribes from."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import StrEnum

from campaign_common.settings.declaration import (
    Conflict,
    NamedSections,
    declared_keys,
    key,
    section_class,
)
from campaign_common.settings.fields.plain import Member, String

BUILT_IN_LANGUAGES = ("en", "de")
"""Languages of the page that need no texts in the configuration."""

LONGEST_TEXT = 500


class UnsubscribeScope(StrEnum):
    """The messages that a person gets no more after unsubscribing."""

    EVERYTHING = "*"
    TOPIC = "topic"


@section_class
class UnsubscribeTexts:
    """Texts of the page in one language; each is plain text, without markup."""

    title: str | None = key("Title", String(LONGEST_TEXT, null=True), default=None)
    """Heading and title of the page."""
    question: str | None = key("Question", String(LONGEST_TEXT, null=True), default=None)
    """The text above the button."""
    button: str | None = key("Button", String(LONGEST_TEXT, null=True), default=None)
    """The button."""
    done: str | None = key("Done", String(LONGEST_TEXT, null=True), default=None)
    """The text after it was pressed."""
    test: str | None = key("Test", String(LONGEST_TEXT, null=True), default=None)
    """The same for the link in a test message, which changes nothing."""
    unknown: str | None = key("Unknown", String(LONGEST_TEXT, null=True), default=None)
    """The text for a link that is not whole, or none of ours."""
    gone: str | None = key("Gone", String(LONGEST_TEXT, null=True), default=None)
    """The text for a link whose campaign was purged, or whose recipient was erased."""
    later: str | None = key("Later", String(LONGEST_TEXT, null=True), default=None)
    """The text while the database is away."""

    @property
    def given(self) -> Mapping[str, str]:
        """The texts that are given, by the names of the attributes."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@section_class
class UnsubscribeSettings:
    """The page at which people unsubscribe by the link in a message, `{unsubscribe_url}`.

    It needs `Callbacks.BaseUrl` and `Callbacks.Secrets`.
    """

    scope: UnsubscribeScope = key("Scope", Member(UnsubscribeScope), default="*")
    """The messages that a person gets no more: `*`, those of any campaign; `topic`, those of the
    campaign's `topic`, and of any campaign where it has none."""
    sender: str | None = key("Sender", String(100, null=True), default=None)
    """The name of the sender, which stands at the top of the page; `null`: no name."""
    language: str = key("Language", String(32), default="en")
    """The language of the page for browsers that ask for none that it has."""
    texts: Mapping[str, UnsubscribeTexts] = key(
        "Texts", NamedSections({"texts": UnsubscribeTexts}, "texts of the page"), default={}
    )
    """Texts by language, such as `fr` or `pt-br`, in lower case. English and German are built in,
    and each text that is given here goes in place of theirs; another language needs all texts. See
    [links to unsubscribe](../guides/unsubscribe-links.md)."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that a text is missing, or that there are none in the default language."""
        for language, texts in self.texts.items():
            for attribute, declared in declared_keys(UnsubscribeTexts):
                if language not in BUILT_IN_LANGUAGES and attribute not in texts.given:
                    message = f"the key is missing; {language} needs all texts of the page"
                    yield ("Texts", language, declared.name), message
        known = sorted({*BUILT_IN_LANGUAGES, *self.texts})
        if self.language not in known:
            yield ("Language",), f"expected one of {', '.join(known)}"
