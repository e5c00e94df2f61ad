"""Inbound messages as clients read them."""

from datetime import datetime, timedelta
from typing import Any

from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.times import rfc3339_utc
from campaign_api.web.http.paging import NOT_A_CURSOR, Page
from campaign_common.database import Database
from campaign_common.store.inbound.inbound_listing import (
    InboundFilter,
    InboundPosition,
    read_inbound,
)
from campaign_common.store.inbound.inbound_messages import StoredInbound
from campaign_common.store.messages.message_listing import ListedReceipt
from campaign_common.store.messages.single_messages import ListedAnswer, read_answers

BEGINNING = datetime(1970, 1, 1)  # noqa: DTZ001 - as the database has times: UTC, naive

MICROSECOND = timedelta(microseconds=1)


class InboundRecords:
    """Records of inbound messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: InboundFilter, after: tuple[int, int] | None, limit: int) -> Page:
        """Describe at most `limit` messages, the newest first.

        `after`: the time at which a message came, in microseconds since 1970, and its id.

        Raises:
            RequestInvalid: `after` is no such key.
            RetryLater: the database is unavailable.
        """
        position = None if after is None else _position(*after)
        with self._database.reading() as cursor:
            page = read_inbound(cursor, wanted, position, limit)
            answers = read_answers(cursor, [row.id for row in page.rows if row.message.keyword])
        return Page([describe(row, answers.get(row.id)) for row in page.rows], _key(page.next))


def describe(stored: StoredInbound, answer: ListedAnswer | None) -> dict[str, Any]:
    """Describe a message as in responses, with its answer."""
    message = stored.message
    reported_at = message.reported_at
    return {
        "id": stored.id,
        "provider": message.provider,
        "provider_message_id": None if message.has_digest else message.provider_message_id,
        "phone": message.phone,
        "recipient": message.recipient,
        "text": message.text,
        "keyword": message.keyword,
        "unsure": message.is_unsure,
        "reported_at": None if reported_at is None else rfc3339_utc(reported_at),
        "received_at": rfc3339_utc(message.received_at),
        "answer": None if answer is None else _answer(answer),
    }


def _answer(answer: ListedAnswer) -> dict[str, Any]:
    return {
        "status": None if answer.status is None else answer.status.word,
        "provider_message_id": answer.provider_message_id,
        "error_code": answer.error_code,
        "requested_at": rfc3339_utc(answer.requested_at),
        "ended_at": None if answer.ended_at is None else rfc3339_utc(answer.ended_at),
        "receipt": None if answer.receipt is None else _receipt(answer.receipt),
    }


def _receipt(receipt: ListedReceipt) -> dict[str, Any]:
    at = None if receipt.at is None else rfc3339_utc(receipt.at)
    return {"rank": receipt.rank.word, "code": receipt.code, "at": at}


def _position(microseconds: int, id_: int) -> InboundPosition:
    try:
        return InboundPosition(BEGINNING + timedelta(microseconds=microseconds), id_)
    except OverflowError:
        raise RequestInvalid([InvalidField("cursor", NOT_A_CURSOR)]) from None


def _key(position: InboundPosition | None) -> tuple[int, int] | None:
    if position is None:
        return None
    return (position.received_at - BEGINNING) // MICROSECOND, position.id
