"""Pages of a campaign's messages, filtered, from bounded slices of its recipients."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from campaign_api.times import rfc3339_utc
from campaign_common.database import Cursors
from campaign_common.domain.campaign import CampaignEpoch, CampaignState
from campaign_common.domain.message import FINAL, Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.shard import shard_of
from campaign_common.store.messages import message_listing as store
from campaign_common.store.messages.message_listing import (
    ListedCampaign,
    ListedPerson,
    ListedReceipt,
    RecordedOutcome,
    ShownRank,
)

MAX_RECIPIENTS_READ = 50_000
"""Recipients that one request reads, however few of them match."""

FIRST_SPAN = 2_000
"""Recipients looked at first where a filter applies; four times as many with each step."""

SETTLED = FINAL - {Status.UNKNOWN}
"""Statuses that only a requested retry changes; a late result may change `unknown`."""


class MessageFilter(NamedTuple):
    """Filter by status, error code and rank of the receipt; None matches everything."""

    status: Status | None = None
    error_code: str | None = None
    receipt: ShownRank | None = None


NO_EPOCH = CampaignEpoch(0)


class PagePosition(NamedTuple):
    """The end of a page: the last recipient `seq`, and the messages `found` up to it.

    `epoch` is that of a finished campaign, whose counters say when all is found; else NO_EPOCH.
    """

    seq: int = 0
    epoch: CampaignEpoch = NO_EPOCH
    found: int = 0


class MessagePage(NamedTuple):
    """Messages as in responses, and the position of the next page if there may be one."""

    items: list[dict[str, Any]]
    next: PagePosition | None


class _Slice(NamedTuple):
    """Matching messages, and the seq up to which all were looked at."""

    items: list[dict[str, Any]]
    reached: int


def read_page(
    cursors: Cursors,
    campaign: ListedCampaign,
    counts: Mapping[Status, int],
    wanted: MessageFilter,
    position: PagePosition,
    limit: int,
) -> MessagePage:
    """Read up to `limit` messages after `position`; a page may be short, or empty, before the end.

    `counts` must have been read before `campaign`.
    """
    if position.seq >= campaign.last_seq or _none_left(campaign, counts, wanted, position):
        return MessagePage([], None)
    items: list[dict[str, Any]] = []
    after, span = position.seq, max(FIRST_SPAN, limit)
    last = min(campaign.last_seq, position.seq + MAX_RECIPIENTS_READ)
    while len(items) < limit and after < last:
        seqs = range(after + 1, min(after + span, last) + 1)
        part = _read_slice(cursors, campaign, wanted, seqs, limit - len(items))
        items += part.items
        after = part.reached
        span *= 4
    epoch = campaign.epoch if campaign.state is CampaignState.FINISHED else NO_EPOCH
    found_before = position.found if position.epoch == epoch else 0
    following = PagePosition(after, epoch, found_before + len(items))
    over = after >= campaign.last_seq or _none_left(campaign, counts, wanted, following)
    return MessagePage(items, None if over else following)


def find_message(
    cursors: Cursors, campaign: ListedCampaign, wanted: MessageFilter, phone: str
) -> list[dict[str, Any]]:
    """Read the message of a person, if there is one and it matches."""
    seq = store.find_seq(cursors.main, campaign, phone) if campaign.has_recipients else None
    if seq is None or seq > campaign.last_seq:
        return []
    outcome = None
    if campaign.shards is not None:
        outcome = store.read_outcome(cursors, campaign, shard_of(phone, campaign.shards), seq)
    people = store.read_listed_people(cursors.main, campaign, [seq])
    return [
        describe(campaign, person, outcome)
        for person in people.values()
        if _matches(campaign, outcome, wanted)
    ]


def status_of(state: CampaignState, outcome: RecordedOutcome | None) -> Status:
    """Return the status of a message; without an end, it is cancelled with its campaign."""
    status = Status.NOT_STARTED if outcome is None else outcome.status
    if state is CampaignState.CANCELLED and status not in FINAL:
        return Status.CANCELLED
    return status


def describe_outcome(state: CampaignState, outcome: RecordedOutcome | None) -> dict[str, Any]:
    """Describe the outcome of a message, as in every response.

    One that waited when its campaign was cancelled has no provider: its next one was not reached.
    """
    status = status_of(state, outcome)
    is_unsent = outcome is None or (status is Status.CANCELLED and outcome.status not in FINAL)
    return {
        "status": status.word,
        "attempts": outcome.attempts if outcome else 0,
        "provider_message_id": outcome.provider_message_id if outcome else None,
        "error_code": outcome.error_code if outcome else None,
        "provider": None if outcome is None or is_unsent else outcome.provider,
        "at": rfc3339_utc(outcome.at) if outcome else None,
        "receipt": _described_receipt(outcome.receipt) if outcome and outcome.receipt else None,
    }


def _described_receipt(receipt: ListedReceipt) -> dict[str, Any]:
    at = None if receipt.at is None else rfc3339_utc(receipt.at)
    return {"rank": receipt.rank.word, "code": receipt.code, "at": at}


def describe(
    campaign: ListedCampaign, person: ListedPerson, outcome: RecordedOutcome | None
) -> dict[str, Any]:
    """Describe a message of a campaign."""
    return {**person._asdict(), **describe_outcome(campaign.state, outcome)}


def _none_left(
    campaign: ListedCampaign,
    counts: Mapping[Status, int],
    wanted: MessageFilter,
    position: PagePosition,
) -> bool:
    """Return whether, by the counters, no message of the wanted status follows."""
    if wanted.status is None:
        return False
    if number_of(campaign, counts, wanted.status) <= 0:
        return True
    return (
        wanted.status in SETTLED
        and campaign.state is CampaignState.FINISHED
        and position.epoch == campaign.epoch
        and position.found >= counts[wanted.status]
    )


def number_of(campaign: ListedCampaign, counts: Mapping[Status, int], status: Status) -> int:
    """Return how many messages of a campaign have a status, by its counters."""
    if campaign.state is CampaignState.CANCELLED:
        if status is Status.CANCELLED:
            others = FINAL - {Status.CANCELLED}
            return campaign.total - sum(counts.get(other, 0) for other in others)
        return counts.get(status, 0) if status in FINAL else 0
    if status is Status.NOT_STARTED:
        return campaign.total - sum(counts.values()) if campaign.has_recipients else 0
    return counts.get(status, 0)


def _read_slice(
    cursors: Cursors, campaign: ListedCampaign, wanted: MessageFilter, seqs: range, most: int
) -> _Slice:
    if campaign.has_recipients and _matches(campaign, None, wanted):
        return _by_recipients(cursors, campaign, wanted, seqs, most)
    return _by_ledger(cursors, campaign, wanted, seqs, most)


def _by_recipients(
    cursors: Cursors, campaign: ListedCampaign, wanted: MessageFilter, seqs: range, most: int
) -> _Slice:
    """Read a range of recipients, and their ledger rows; those without a row match too."""
    rows = most if wanted == MessageFilter() else len(seqs)
    people = store.read_people(cursors.main, campaign, seqs, rows)
    if not people:
        return _Slice([], seqs.stop - 1)
    covered = range(people[0].seq, people[-1].seq + 1)
    outcomes = store.read_outcomes(cursors, campaign, covered, len(covered))
    items = [
        describe(campaign, person, outcome)
        for person in people
        if _matches(campaign, outcome := outcomes.get(person.seq), wanted)
    ]
    reached = people[-1].seq if len(people) == rows else seqs.stop - 1
    return _cut(_Slice(items, reached), most)


def _by_ledger(
    cursors: Cursors, campaign: ListedCampaign, wanted: MessageFilter, seqs: range, most: int
) -> _Slice:
    """Read a range of the ledger, and then the recipients of the rows that match."""
    statuses = [wanted.status] if wanted.status is not None else []
    if campaign.state is CampaignState.CANCELLED and wanted.status is Status.CANCELLED:
        statuses.append(Status.WAITING)
    outcomes = store.read_outcomes(
        cursors,
        campaign,
        seqs,
        most,
        statuses=statuses,
        error_code=wanted.error_code,
        receipt=wanted.receipt,
    )
    # Each shard gave up to `most`: beyond the first `most` of all something may be missing.
    found = dict(list(outcomes.items())[:most])
    people = {}
    if campaign.has_recipients:
        people = store.read_listed_people(cursors.main, campaign, list(found))
    items = [
        describe(campaign, people.get(seq, ListedPerson(seq, None, None)), outcome)
        for seq, outcome in found.items()
    ]
    return _cut(_Slice(items, seqs.stop - 1), most)


def _cut(found: _Slice, most: int) -> _Slice:
    if len(found.items) < most:
        return found
    items = found.items[:most]
    return _Slice(items, items[-1]["seq"])


def _matches(
    campaign: ListedCampaign, outcome: RecordedOutcome | None, wanted: MessageFilter
) -> bool:
    if wanted.status is not None and status_of(campaign.state, outcome) is not wanted.status:
        return False
    if wanted.receipt is not None and _rank_of(outcome) is not wanted.receipt:
        return False
    if wanted.error_code is None:
        return True
    return outcome is not None and outcome.error_code == wanted.error_code


def _rank_of(outcome: RecordedOutcome | None) -> ShownRank:
    return outcome.receipt.rank if outcome and outcome.receipt else ReceiptRank.NONE
