"""Trial messages: one real message of a campaign, outside of its counters, and its outcome."""

import time
from collections.abc import Mapping
from typing import Any

from campaign_api.campaigns.previews.preview import as_answered
from campaign_api.erased.keys import ErasureKeys
from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.times import rfc3339_utc
from campaign_common.database import Cursor, Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.campaign_content import CompiledContent, Rendered, subject_of
from campaign_common.domain.content.unsubscribe_link import UNSUBSCRIBE_URL
from campaign_common.domain.recipient import NAME, PHONE, column_name, trimmed
from campaign_common.domain.suppressions.suppression_scope import applies
from campaign_common.planning.errors import CampaignUnknown, TemplateUnfit
from campaign_common.planning.provider_fit import require_support
from campaign_common.planning.unsubscribe_links import NO_LINKS
from campaign_common.settings import Settings
from campaign_common.store.core.campaigns import read_versions
from campaign_common.store.limits.live_weights import follow_live_weights
from campaign_common.store.messages.message_listing import ListedReceipt, read_message_source
from campaign_common.store.messages.single_messages import (
    NewSingleMessage,
    StoredSingleMessage,
    insert_single_message,
    read_single_message,
)
from campaign_common.store.suppressions.hashed_suppressions import look_up_hashed_scopes
from campaign_common.store.suppressions.lookup import look_up_suppressed
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks

WAIT = 10.0
"""Seconds that a request waits for the outcome."""

SUPPRESSED_PERSON = 'is suppressed; "suppressed": "send" sends all the same, with an admin key'

POLL_INTERVAL = 0.1
"""Seconds between two reads."""

LARGEST_BODY = 60_000
"""Bytes; no campaign sends a message that does not fit into a record of 64 KiB."""


def store_trial_message(  # noqa: PLR0913 - a message, who asks for it, and what makes it
    cursor: Cursor,
    settings: Settings,
    campaign_id: CampaignId,
    phone: str,
    attributes: Mapping[str, str],
    actor: str,
    *,
    unless_suppressed: ErasureKeys | None = None,
    links: UnsubscribeLinks | None = None,
) -> int:
    """Render a campaign's content and store the message for a sender; return its id.

    With `unless_suppressed`, the keys of erased people, it is refused where a suppression applies
    to it, also one of a person who was erased. A link to unsubscribe in it, made by `links`,
    changes nothing.

    Raises:
        CampaignUnknown: there is none of that id.
        PlanInvalid: its provider is not configured, or does not take its content any more; or its
            links to unsubscribe can not be made here.
        RequestInvalid: placeholders are missing, the message is too large, or the person is
            suppressed.
        LinksUnsigned: no secret can be read for its link to unsubscribe.
    """
    source = read_message_source(cursor, campaign_id)
    if source is None:
        raise CampaignUnknown(f"there is no campaign {campaign_id}")
    require_support(settings, source.provider, source.content)
    content, originator, *_ = source.content
    routes = settings.routes
    follow_live_weights(cursor, routes)
    route = routes.of(source.provider, phone)
    provider = route.first(f"test-{campaign_id}-{phone}", lambda _: False)
    base_url = source.content.link_base_url
    link = None
    if base_url is not None:
        if links is None:
            raise TemplateUnfit(subject_of(content), NO_LINKS)
        link = links.of_test(base_url, campaign_id)
    rendered = render(CompiledContent(content), phone, attributes, link)
    if unless_suppressed is not None:
        version = read_versions(cursor, [campaign_id])[campaign_id]
        scopes = [
            *look_up_suppressed(cursor, [phone]).get(phone, ()),
            *look_up_hashed_scopes(cursor, unless_suppressed.readable_hashes(phone)),
        ]
        seen = originator or settings.originator_of(provider)
        if applies(scopes, provider, seen, version.topic):
            raise RequestInvalid([InvalidField("phone", SUPPRESSED_PERSON)])
    return insert_single_message(
        cursor,
        NewSingleMessage(campaign_id, provider, phone, rendered, originator, actor),
    )


def render(
    content: CompiledContent, phone: str, attributes: Mapping[str, str], link: str | None = None
) -> Rendered:
    """Render a message, with a `link` to unsubscribe unless it is None.

    Raises:
        RequestInvalid: names the placeholders that have neither a value nor a default.
    """
    values = {column_name(name): trimmed(value) for name, value in attributes.items()}
    given = {name: value for name, value in values.items() if value}
    if link is not None:
        given[UNSUBSCRIBE_URL] = link
    missing = sorted(content.required - given.keys() - {PHONE})
    if missing:
        reason = "is missing or blank"
        raise RequestInvalid([InvalidField(f"attributes.{name}", reason) for name in missing])
    rendered = content.render(given.get(NAME, ""), phone, given)
    if sum(len(text.encode()) for text in rendered.texts) > LARGEST_BODY:
        reason = f"make a message of more than {LARGEST_BODY} bytes"
        raise RequestInvalid([InvalidField("attributes", reason)])
    return rendered


def wait_for_outcome(database: Database, test_id: int) -> StoredSingleMessage | None:
    """Wait up to ten seconds for the outcome of a message, and return the message.

    None if the person was erased meanwhile.

    Raises:
        RetryLater: the database is down.
    """
    give_up_at = time.monotonic() + WAIT
    while True:
        with database.reading() as cursor:
            message = read_single_message(cursor, test_id)
        if message is None or message.status is not None or time.monotonic() >= give_up_at:
            return message
        time.sleep(POLL_INTERVAL)


def describe(message: StoredSingleMessage) -> dict[str, Any]:
    """Describe a message as responses do."""
    fields = message._asdict()
    rendered, originator = fields.pop("rendered"), fields.pop("originator")
    return {
        **fields,
        **as_answered(rendered),
        "from": originator,
        "status": None if message.status is None else message.status.word,
        "requested_at": rfc3339_utc(message.requested_at),
        "ended_at": None if message.ended_at is None else rfc3339_utc(message.ended_at),
        "receipt": None if message.receipt is None else _described(message.receipt),
    }


def _described(receipt: ListedReceipt) -> dict[str, Any]:
    at = None if receipt.at is None else rfc3339_utc(receipt.at)
    return {"rank": receipt.rank.word, "code": receipt.code, "at": at}
