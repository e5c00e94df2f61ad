"""History of a recipient: the messages to one person, over all campaigns."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.messages.message_pages import describe_outcome
from campaign_api.times import rfc3339_utc
from campaign_api.web.http.paging import NOT_A_CURSOR
from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.store.recipients.recipient_history import HistoryEntry, messages_of

BEGINNING = datetime(1970, 1, 1)  # noqa: DTZ001 - as the database has times: UTC, naive
LATEST = datetime(9999, 1, 1)  # noqa: DTZ001

MICROSECOND = timedelta(microseconds=1)

LARGEST_ID = 2**63 - 1


class PersonPage(NamedTuple):
    """Messages as in responses, and the key of the last one if more may follow."""

    items: list[dict[str, Any]]
    next: tuple[int, CampaignId] | None


class RecipientHistory:
    """Messages that a person was sent."""

    def __init__(self, databases: Databases, shards: int) -> None:
        """Read from `databases`; campaigns that start now have `shards` shards."""
        self._databases = databases
        self._shards = shards

    def messages(self, phone: str, after: tuple[int, CampaignId] | None, limit: int) -> PersonPage:
        """Read the messages to a person, the newest campaign first.

        `after`: start of a campaign in microseconds since 1970, and its id.

        Raises:
            RequestInvalid: `after` is no such key.
            RetryLater: a database is down.
        """
        before = (LATEST, CampaignId(LARGEST_ID)) if after is None else _place(*after)
        with self._databases.reading() as cursors:
            found = messages_of(cursors, phone, self._shards, before, limit + 1)
        shown = found[:limit]
        items = [_describe(one) for one in shown]
        return PersonPage(items, _key(shown[-1]) if len(found) > limit else None)


def _place(microseconds: int, campaign_id: CampaignId) -> tuple[datetime, CampaignId]:
    try:
        started_at = BEGINNING + timedelta(microseconds=microseconds)
    except OverflowError:
        started_at = None
    if started_at is None or not 0 <= campaign_id <= LARGEST_ID:
        raise RequestInvalid([InvalidField("cursor", NOT_A_CURSOR)])
    return started_at, campaign_id


def _key(last: HistoryEntry) -> tuple[int, CampaignId]:
    return (last.started_at - BEGINNING) // MICROSECOND, last.campaign_id


def _describe(one: HistoryEntry) -> dict[str, Any]:
    return {
        "campaign_id": one.campaign_id,
        "campaign_name": one.campaign_name,
        "started_at": rfc3339_utc(one.started_at),
        "seq": one.seq,
        **describe_outcome(one.state, one.outcome),
    }
