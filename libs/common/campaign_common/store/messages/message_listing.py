"""The messages of one campaign as people read them: recipients, each with its outcome.

Read in slices of the primary keys: recipients of a list by range, and the same range of every
shard's ledger. No statement looks at more than a slice, however large the campaign is.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignEpoch, CampaignId, CampaignState
from campaign_common.domain.content.campaign_content import CampaignContent
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.domain.recipient import ListId, is_erased
from campaign_common.store.core.contents import content_from


class ListedCampaign(NamedTuple):
    """The facts by which the messages of a campaign are found.

    `shards` is None before the start. `has_recipients` is false once its list was deleted.
    """

    id: CampaignId
    state: CampaignState
    epoch: CampaignEpoch
    list_id: ListId
    shards: int | None
    last_seq: int
    total: int
    has_recipients: bool


class MessageSource(NamedTuple):
    """The content of a campaign's messages, and the provider that delivers them."""

    content: CampaignContent
    provider: str


class ListedPerson(NamedTuple):
    """A recipient; phone and name are None of one who was erased or whose list was deleted."""

    seq: int
    phone: str | None
    name: str | None


ShownRank = ReceiptRank | Literal[ReceiptState.NO_RECEIPT]
"""The rank of a receipt as people see it; where none came in time, the word for that."""


class ListedReceipt(NamedTuple):
    """The receipt of a message; `at` is the provider's time, UTC, naive.

    Of one that did not come in time, `code` and `at` are those of the last report, if any.
    """

    rank: ShownRank
    code: str | None
    at: datetime | None


class RecordedOutcome(NamedTuple):
    """The ledger's outcome of a message; `at` is UTC, naive.

    `provider` is None where it is the one that the campaign names.
    """

    status: Status
    attempts: int
    provider_message_id: str | None
    error_code: str | None
    provider: str | None
    at: datetime
    receipt: ListedReceipt | None = None
    """The one of the same generation."""


OUTCOME_COLUMNS = """
m.status, m.attempts, m.provider_message_id, m.error_code, m.provider, m.sent_at,
       r.receipt_rank, r.state, r.code, r.reported_at
"""
"""Columns from which `recorded_outcome` makes an outcome."""

JOIN_RECEIPT = """
LEFT JOIN receipts_{shard:d} r
  ON r.campaign_id = m.campaign_id AND r.seq = m.seq AND r.generation = m.generation
"""

Outcomes = dict[int, RecordedOutcome]
"""Outcomes by seq."""

SELECT_CAMPAIGN = """
SELECT c.id, c.state, c.epoch, c.list_id, c.shards, COALESCE(c.last_seq, l.last_seq, 0),
       COALESCE(c.total, l.accepted, 0), COALESCE(l.state IN ('importing', 'ready'), FALSE)
FROM campaigns c LEFT JOIN recipient_lists l ON l.id = c.list_id
WHERE c.id = %s
"""

SELECT_SOURCE = "SELECT template, content, provider FROM campaigns WHERE id = %s"

SELECT_PEOPLE = """
SELECT seq, phone, name FROM recipients
WHERE list_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s
"""

SELECT_LISTED_PEOPLE = "SELECT seq, phone, name FROM recipients WHERE list_id = %s AND seq IN %s"

SELECT_BY_PHONE = "SELECT seq FROM recipients WHERE phone = %s AND list_id = %s"

SELECT_OUTCOMES = (
    f"(SELECT m.seq, {OUTCOME_COLUMNS} FROM messages_{{shard:d}} m {JOIN_RECEIPT}"
    " WHERE m.campaign_id = %s AND m.seq > %s AND m.seq <= %s{condition}"
    " ORDER BY m.seq LIMIT %s)"
)

SELECT_OUTCOME = (
    f"SELECT m.seq, {OUTCOME_COLUMNS} FROM messages_{{shard:d}} m {JOIN_RECEIPT}"
    " WHERE m.campaign_id = %s AND m.seq = %s"
)


def read_listed_campaign(cursor: Cursor, campaign_id: CampaignId) -> ListedCampaign | None:
    """Read what the messages of a campaign are found by, or None when there is none."""
    cursor.execute(SELECT_CAMPAIGN, (campaign_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    id_, state, epoch, list_id, shards, last_seq, total, has_recipients = row
    return ListedCampaign(
        id_,
        CampaignState(state),
        epoch,
        list_id,
        shards,
        int(last_seq),
        int(total),
        bool(has_recipients),
    )


def read_message_source(cursor: Cursor, campaign_id: CampaignId) -> MessageSource | None:
    """Read what a campaign's messages are made from, or None when there is none of that id."""
    cursor.execute(SELECT_SOURCE, (campaign_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    template, content, provider = row
    return MessageSource(content_from(template, content), provider)


def read_people(
    cursor: Cursor, campaign: ListedCampaign, seqs: range, limit: int
) -> list[ListedPerson]:
    """Read up to `limit` recipients of a range of seqs, in order."""
    cursor.execute(SELECT_PEOPLE, (campaign.list_id, seqs.start - 1, seqs.stop - 1, limit))
    return _people(cursor)


def read_listed_people(
    cursor: Cursor, campaign: ListedCampaign, seqs: Sequence[int]
) -> dict[int, ListedPerson]:
    """Read these recipients, those that exist."""
    if not seqs:
        return {}
    cursor.execute(SELECT_LISTED_PEOPLE, (campaign.list_id, tuple(seqs)))
    return {person.seq: person for person in _people(cursor)}


def find_seq(cursor: Cursor, campaign: ListedCampaign, phone: str) -> int | None:
    """Find the one recipient of a campaign who has this number."""
    cursor.execute(SELECT_BY_PHONE, (phone, campaign.list_id))
    row = cursor.fetchone()
    return None if row is None else int(row[0])


def read_outcomes(
    cursors: Cursors,
    campaign: ListedCampaign,
    seqs: range,
    limit: int,
    *,
    statuses: Collection[Status] = (),
    error_code: str | None = None,
    receipt: ShownRank | None = None,
) -> Outcomes:
    """Read the ledger of every shard over a range of seqs, in ascending order.

    At most `limit` rows of each shard; given `statuses`, `error_code` or `receipt`, only such rows.
    """
    if campaign.shards is None:
        return {}
    condition, values = "", list[object]()
    if statuses:
        condition += " AND m.status IN %s"
        values.append(tuple(int(status) for status in statuses))
    if error_code is not None:
        condition += " AND m.error_code = %s"
        values.append(error_code)
    if receipt is ReceiptState.NO_RECEIPT:
        condition += " AND r.state = %s"
        values.append(int(receipt))
    elif receipt is not None:
        condition += " AND r.receipt_rank = %s AND r.state <> %s"
        values += [int(receipt), int(ReceiptState.NO_RECEIPT)]
    outcomes: Outcomes = {}
    for cursor, shards in cursors.holding(range(campaign.shards)):
        parts = [SELECT_OUTCOMES.format(shard=n, condition=condition) for n in shards]
        arguments = [campaign.id, seqs.start - 1, seqs.stop - 1, *values, limit] * len(shards)
        cursor.execute(" UNION ALL ".join(parts), arguments)
        outcomes |= _outcomes(cursor)
    return dict(sorted(outcomes.items()))


def read_outcome(
    cursors: Cursors, campaign: ListedCampaign, shard: int, seq: int
) -> RecordedOutcome | None:
    """Read what a shard's ledger holds of one message."""
    cursor = cursors.of_shard(shard)
    cursor.execute(SELECT_OUTCOME.format(shard=shard), (campaign.id, seq))
    return _outcomes(cursor).get(seq)


def recorded_outcome(status: int, *columns: Any) -> RecordedOutcome:  # noqa: ANN401
    """Return the outcome that OUTCOME_COLUMNS describe."""
    *others, rank, state, code, reported_at = columns
    outcome = RecordedOutcome(Status(status), *others)
    if state == ReceiptState.NO_RECEIPT:
        shown: ShownRank = ReceiptState.NO_RECEIPT
    elif rank:
        shown = ReceiptRank(rank)
    else:
        return outcome
    return outcome._replace(receipt=ListedReceipt(shown, code, reported_at))


def _people(cursor: Cursor) -> list[ListedPerson]:
    return [
        ListedPerson(seq, None, None) if is_erased(phone) else ListedPerson(seq, phone, name)
        for seq, phone, name in cursor.fetchall()
    ]


def _outcomes(cursor: Cursor) -> Outcomes:
    return {seq: recorded_outcome(*columns) for seq, *columns in cursor.fetchall()}
