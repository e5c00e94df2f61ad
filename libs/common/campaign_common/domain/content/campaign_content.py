"""The content of a campaign: a text, or a template that the provider holds.

What varies by recipient, the text or the parameters of the provider's template, is a message
template with the columns of the recipient list.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import ClassVar, NamedTuple

import msgspec

from campaign_common.domain.message_record import (
    CONTENT_VERSION,
    TEXT_VERSION,
    MessageRecord,
    MessageTemplate,
)
from campaign_common.domain.template import MOST_PLACEHOLDERS, SUBJECT, Template
from campaign_common.errors import TemplateInvalid

PARTS = "content.parts"
"""The name of the parts in errors: their field in POST /v1/campaigns."""


class ContentKind(StrEnum):
    """A kind of content."""

    TEXT = "text"
    TEMPLATE = "template"


class TextContent(msgspec.Struct, frozen=True, tag_field="kind", tag=ContentKind.TEXT.value):
    """A text, made of a message template."""

    template: str

    kind: ClassVar[ContentKind] = ContentKind.TEXT


class TemplateContent(
    msgspec.Struct, frozen=True, tag_field="kind", tag=ContentKind.TEMPLATE.value
):
    """A template that the provider holds, by name and language; `parts` are its parameters."""

    name: str
    language: str
    parts: tuple[str, ...]

    kind: ClassVar[ContentKind] = ContentKind.TEMPLATE


Content = TextContent | TemplateContent


class CampaignContent(NamedTuple):
    """The content of a campaign, and its originator where it has one of its own.

    `takes_route`: the campaign names a route; `has_rate`: it has a rate of its own; `has_budget`:
    it has a budget. Senders of 0.2.0 know none of them.

    `link_base_url`: its messages have links to unsubscribe, which begin with this URL. It stands in
    the campaign, so that every try of a message has the same link. Senders of 0.2.0 know no
    suppressions, and could not keep what the link promises.
    """

    content: Content
    originator: str | None = None
    takes_route: bool = False
    has_rate: bool = False
    has_budget: bool = False
    link_base_url: str | None = None

    @property
    def wire_version(self) -> int:
        """The version of records that carry it."""
        return TEXT_VERSION if self.is_plain else CONTENT_VERSION

    @property
    def is_plain(self) -> bool:
        """Return whether services of 0.2.0 send it as it is meant."""
        is_text = self.content.kind is ContentKind.TEXT and self.originator is None
        has_more = self.takes_route or self.has_rate or self.has_budget
        return is_text and not has_more and self.link_base_url is None


class ContentSupport(NamedTuple):
    """The content that a provider takes; None: any number.

    `originator`: a campaign may have one of its own. `most_parts` is that of a template,
    `longest` that of a text in characters.
    """

    kinds: frozenset[ContentKind]
    originator: bool
    most_parts: int | None = None
    longest: int | None = None

    def takes(self, record: MessageRecord) -> bool:
        """Return whether it takes the message of a record."""
        if record.originator is not None and not self.originator:
            return False
        if record.template is None:
            return ContentKind.TEXT in self.kinds
        fits = self.most_parts is None or len(record.template.parts) <= self.most_parts
        return fits and ContentKind.TEMPLATE in self.kinds


TEXT_ONLY = ContentSupport(frozenset({ContentKind.TEXT}), originator=False)
ANY_CONTENT = ContentSupport(frozenset(ContentKind), originator=True)


class Rendered(NamedTuple):
    """The content of one message: `body` is empty where there is a template."""

    body: str
    template: MessageTemplate | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of the message, or the parameters of its template."""
        return (self.body,) if self.template is None else self.template.parts


class CompiledContent:
    """The content of a campaign with its templates compiled."""

    def __init__(self, content: Content) -> None:
        """Compile the templates.

        Raises:
            TemplateInvalid: as for `Template.compile`; names the part.
        """
        self.content = content
        if isinstance(content, TextContent):
            self._templates = [Template.compile(content.template)]
        else:
            self._templates = [
                Template.compile(text, f"{PARTS}.{n}") for n, text in enumerate(content.parts)
            ]
            _bound(self._templates)
        self.placeholders = frozenset[str]().union(*(one.placeholders for one in self._templates))
        self.required = frozenset[str]().union(*(one.required for one in self._templates))

    @property
    def text(self) -> Template | None:
        """The template of a text, for what renders many; None for other content."""
        return self._templates[0] if self.content.kind is ContentKind.TEXT else None

    def require(self, columns: Iterable[str]) -> None:
        """Check that every placeholder names one of `columns`; raise as `Template.require`."""
        existing = list(columns)
        for template in self._templates:
            template.require(existing)

    def render(self, name: str, phone: str, attributes: Mapping[str, str] | None) -> Rendered:
        """Return the content of the message to one recipient."""
        texts = [template.render(name, phone, attributes) for template in self._templates]
        content = self.content
        if isinstance(content, TextContent):
            return Rendered(texts[0])
        return Rendered("", MessageTemplate(content.name, content.language, tuple(texts)))


def length_of(content: Content) -> int:
    """Return the number of characters of its templates."""
    parts = (content.template,) if isinstance(content, TextContent) else content.parts
    return sum(map(len, parts))


def subject_of(content: Content) -> str:
    """Return the field of POST /v1/campaigns that has the templates of a content."""
    return "template" if isinstance(content, TextContent) else PARTS


def field_of(error: TemplateInvalid) -> str:
    """Return the field of POST /v1/campaigns that an error is about."""
    return "template" if error.subject == SUBJECT else error.subject


def _bound(templates: Iterable[Template]) -> None:
    total = sum(template.size for template in templates)
    if total > MOST_PLACEHOLDERS:
        raise TemplateInvalid(
            PARTS, f"has {total} placeholders; at most {MOST_PLACEHOLDERS} are allowed"
        )
