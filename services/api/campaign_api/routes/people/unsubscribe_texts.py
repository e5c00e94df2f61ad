"""Texts of the page at which people unsubscribe, by language."""

from collections.abc import Mapping
from typing import NamedTuple

from campaign_common.settings import BUILT_IN_LANGUAGES, UnsubscribeSettings


class PageTexts(NamedTuple):
    """Texts of the page in one language; each is explained in the configuration."""

    title: str
    question: str
    button: str
    done: str
    test: str
    unknown: str
    gone: str
    later: str


ENGLISH = PageTexts(
    title="Unsubscribe",
    question="Would you like to stop receiving these messages?",
    button="Unsubscribe",
    done="You are unsubscribed. A message that is on its way already may still arrive.",
    test="This link came with a test message. In a real message it unsubscribes its recipient.",
    unknown="This link is not complete. Please open it as it stands in the message.",
    gone="This link is too old, and is not known any more. Please contact the sender.",
    later="This does not work at the moment. Please try again in a few minutes.",
)

GERMAN = PageTexts(
    title="Abmelden",
    question="Möchten Sie diese Nachrichten nicht mehr erhalten?",
    button="Abmelden",
    done="Sie sind abgemeldet. Eine Nachricht, die schon unterwegs ist, kann noch ankommen.",
    test="Dieser Link kam mit einer Testnachricht. In einer echten meldet er den Empfänger ab.",
    unknown="Dieser Link ist nicht vollständig. Öffnen Sie ihn bitte, wie die Nachricht ihn hat.",
    gone="Dieser Link ist zu alt und nicht mehr bekannt. Bitte wenden Sie sich an den Absender.",
    later="Das ist im Moment nicht möglich. Bitte versuchen Sie es in einigen Minuten noch einmal.",
)

BUILT_IN: Mapping[str, PageTexts] = dict(zip(BUILT_IN_LANGUAGES, (ENGLISH, GERMAN), strict=True))


def page_texts(settings: UnsubscribeSettings) -> Mapping[str, PageTexts]:
    """Return the texts by language, the default language first."""
    found = dict(BUILT_IN)
    for language, texts in settings.texts.items():
        found[language] = found.get(language, ENGLISH)._replace(**texts.given)
    return {settings.language: found[settings.language], **found}
