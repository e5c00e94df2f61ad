"""The scope of a suppression: all messages, or those of a provider, an originator or a topic."""

import re
from collections.abc import Collection
from contextlib import suppress

from campaign_common.domain.content.originator import folded_originator, require_originator
from campaign_common.errors import OriginatorInvalid, SuppressionScopeInvalid

EVERYTHING = "*"
"""The scope of a person who is sent no message of any campaign."""

PROVIDER = "provider:"
SENDER = "sender:"
TOPIC = "topic:"

SUPPRESSED = "suppressed"
"""Error code of messages that are not sent for a suppression."""

LONGEST_SCOPE = 80
"""Characters; suppressions.scope holds as many."""

LONGEST_TOPIC = 64
"""Characters; campaigns.topic holds as many."""

_PROVIDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TOPIC_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{LONGEST_TOPIC}}}")


def require_suppression_scope(text: str) -> str:
    """Return the scope of a text: `*`, `provider:NAME`, `sender:ORIGINATOR` or `topic:NAME`.

    Originators are folded: two texts for the same one are one scope.

    Raises:
        SuppressionScopeInvalid: it is none.
    """
    if text == EVERYTHING:
        return text
    kind, colon, name = text.partition(":")
    match kind + colon:
        case "provider:" if _PROVIDER_NAME.fullmatch(name):
            return text
        case "topic:" if is_topic(name):
            return text
        case "sender:":
            try:
                return SENDER + folded_originator(require_originator(name))
            except OriginatorInvalid as error:
                raise SuppressionScopeInvalid(f"the originator {error}") from None
    raise SuppressionScopeInvalid("must be *, provider:NAME, sender:ORIGINATOR or topic:NAME")


def is_topic(text: str) -> bool:
    """Return whether `text` can be the topic of a campaign: letters, digits, `_`, `.` and `-`."""
    return _TOPIC_NAME.fullmatch(text) is not None


def scope_of_answer(provider: str, originator: str | None) -> str:
    """Return the scope of a wish that a provider's answer tells of.

    It is about the originator that the person saw. Where that is the provider's own choice, or a
    name for it that no message can come from, it is about the provider.
    """
    if originator is not None:
        with suppress(SuppressionScopeInvalid):
            return require_suppression_scope(SENDER + originator)
    return PROVIDER + provider


def applies(
    scopes: Collection[str], provider: str, originator: str | None, topic: str | None
) -> bool:
    """Return whether one of a person's suppressions applies to a message.

    `originator`: the address that the person would see; None: it is not known.
    """
    return (
        EVERYTHING in scopes
        or PROVIDER + provider in scopes
        or (originator is not None and SENDER + folded_originator(originator) in scopes)
        or (topic is not None and TOPIC + topic in scopes)
    )
