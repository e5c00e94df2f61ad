"""Check that a campaign's ledger, counters, retries and list agree, by counting them again."""

from collections.abc import Iterator, Sequence

from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.message import FINAL, Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.store.maintenance.consistency import (
    Numbers,
    ReceiptNumbers,
    ShardCounts,
    StartedCampaign,
    count_listed,
    read_shard,
)

PATIENCE = 3600.0
"""Seconds that counting one shard of a campaign may take."""


def disagreements(databases: Databases, campaign: StartedCampaign) -> Iterator[str]:
    """Say in words what does not agree of a campaign; may be asked while it runs.

    Raises:
        RetryLater: a database is away.
    """
    shards: list[ShardCounts] = []
    for shard in range(campaign.shards):
        with databases.of_shard(shard).reading(timeout=PATIENCE) as cursor:
            numbers = read_shard(cursor, campaign.id, shard)
        shards.append(numbers)
        yield from _within_shard(shard, numbers)
    with databases.main.reading(timeout=PATIENCE) as cursor:
        listed = count_listed(cursor, campaign)
    yield from _of_the_whole(campaign, shards, listed)


def _within_shard(shard: int, numbers: ShardCounts) -> Iterator[str]:
    if numbers.ledger != numbers.counters:
        yield (
            f"shard {shard}: the ledger has {_words(numbers.ledger)},"
            f" the counters say {_words(numbers.counters)}"
        )
    waiting = numbers.ledger.get(Status.WAITING, 0)
    if waiting != numbers.retries:
        yield f"shard {shard}: {waiting:,} messages wait, and {numbers.retries:,} have a retry"

    if numbers.receipts != numbers.receipt_counters:
        yield (
            f"shard {shard}: there are receipts {_ranks(numbers.receipts)},"
            f" the counters say {_ranks(numbers.receipt_counters)}"
        )
    if numbers.receipts_astray:
        yield (
            f"shard {shard}: {numbers.receipts_astray:,} receipts count as those of sent messages,"
            " and the ledger does not say so"
        )


def _of_the_whole(
    campaign: StartedCampaign, shards: Sequence[ShardCounts], listed: int | None
) -> Iterator[str]:
    recorded = sum(sum(numbers.ledger.values()) for numbers in shards)
    final = sum(n for numbers in shards for status, n in numbers.ledger.items() if status in FINAL)
    total = campaign.total
    if listed not in (None, total):
        yield f"it was started with {total:,} recipients, and its list has {listed:,}"
    if recorded > total:
        yield f"{recorded:,} messages are recorded of {total:,} recipients"
    if campaign.published_count > total:
        yield f"{campaign.published_count:,} are counted as published of {total:,} recipients"
    if campaign.state is CampaignState.FINISHED and final != total:
        yield f"it is finished, and {final:,} of {total:,} recipients have a final outcome"


def _words(numbers: Numbers) -> str:
    said = ", ".join(f"{n:,} {Status(status).word}" for status, n in sorted(numbers.items()))
    return said or "nothing"


def _ranks(numbers: ReceiptNumbers) -> str:
    said = ", ".join(
        f"{n:,} {ReceiptRank(rank).word} ({ReceiptState(state).word})"
        for (state, rank), n in sorted(numbers.items())
    )
    return said or "nothing"
