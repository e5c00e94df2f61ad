"""Checks of what should be moving: campaigns, leases, orders, erasures."""

from collections.abc import Iterator

from campaign_common.database import Cursor, Cursors, Databases
from campaign_common.doctor.finding import Finding, attention, unless, wrong
from campaign_common.settings import Settings
from campaign_common.store.maintenance import doctor_queries
from campaign_common.store.maintenance.purging import count_unfinished_purges
from campaign_common.store.messages.provider_breakers import read_open_breakers

SOME = 5
"""Ids that are named."""

LATE = 30
"""Seconds after which what should have happened is late."""

LATE_ERASURE = 3600

LATE_PURGE = 24 * 3600


def check_campaigns(databases: Databases, settings: Settings) -> list[Finding]:
    """Look for what stands still.

    Raises:
        RetryLater: a database is away.
    """
    lease = int(settings.scheduler.lease)
    with databases.reading() as cursors:
        found = [
            *_schedulers(cursors.main, lease),
            *_orders(cursors),
            *_providers(cursors),
            *_purges(cursors.main),
            *_left_behind(cursors),
        ]
    return unless("campaigns", found, "nothing that should move stands still")


def _schedulers(cursor: Cursor, lease: int) -> Iterator[Finding]:
    start = "start one: campaign-scheduler -c FILE; see its log where one runs"
    overdue = doctor_queries.overdue_campaigns(cursor, LATE)
    if overdue:
        ids = [campaign.campaign_id for campaign in overdue]
        yield wrong(
            "schedulers",
            f"{len(ids)} campaigns are due, the longest for {overdue[0].seconds:,.0f} s, and have"
            f" not started: {_named(ids)}; no scheduler works",
            start,
        )
    unleased = doctor_queries.unleased_campaigns(cursor, lease)
    if unleased:
        yield wrong(
            "schedulers",
            f"no scheduler holds {len(unleased)} running campaigns: {_named(unleased)}",
            start,
        )


def _orders(cursors: Cursors) -> Iterator[Finding]:
    orders = doctor_queries.orphaned_requests(cursors, LATE)
    if orders:
        yield attention(
            "orders",
            f"{sum(orders.values())} orders (cancel, retry, erase) wait for the owners of shards"
            f" {', '.join(map(str, orders))}",
            "see that senders run; their logs say which order is left alone, and why",
        )
    erasures = doctor_queries.unended_erasures(cursors.main, LATE_ERASURE)
    if erasures:
        yield attention(
            "erasures",
            f"{erasures} are not through after an hour",
            "see that an API, a scheduler and senders run: each has a part in it",
        )


def _providers(cursors: Cursors) -> Iterator[Finding]:
    for provider, seconds in read_open_breakers(cursors.main).items():
        yield attention(
            "provider",
            f"{provider} is left alone for another {seconds:.0f} s: too many of its answers failed",
            "see the senders' logs for its answers; sending goes on by itself once it answers",
        )
    suspects = doctor_queries.open_suspects(cursors)
    if suspects:
        yield attention(
            "in doubt",
            f"{suspects:,} messages of campaigns that go on may have been taken by a provider of"
            " whose answer nothing is known; they are called again under the same idempotency key",
        )


def _purges(cursor: Cursor) -> Iterator[Finding]:
    begun = count_unfinished_purges(cursor, LATE_PURGE)
    if begun:
        yield attention(
            "purges",
            f"{begun} campaigns were purged a day ago and are not gone yet: rows of them remain",
            "campaign-db purge --older-than 90d goes on where it ended",
        )


def _left_behind(cursors: Cursors) -> Iterator[Finding]:
    shards = sorted(doctor_queries.counted_elsewhere(cursors))
    if shards:
        yield wrong(
            "counters",
            f"shards {', '.join(map(str, shards))} are counted on a server that they were moved"
            " away from, too: no sum over them is right",
            "delete there what docs/operations/database-servers.md names, the last step of moving"
            " a shard",
        )


def _named(ids: list[int]) -> str:
    return ", ".join(map(str, ids[:SOME])) + (", …" if len(ids) > SOME else "")
