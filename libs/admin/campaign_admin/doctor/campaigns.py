"""Checks of what should be moving: campaigns, leases, shard commands, erasures."""

from collections.abc import Iterator, Sequence

from campaign_admin.doctor.finding import Finding, failed, unless, warning
from campaign_common.database import Cursor, Cursors, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.settings import Settings
from campaign_common.store.maintenance import doctor_queries
from campaign_common.store.maintenance.purging import count_unfinished_purges
from campaign_common.store.messages.provider_account_breakers import read_account_breakers
from campaign_common.store.messages.provider_breakers import read_open_breakers

SOME = 5
"""Ids that are named."""

LATE = 30
"""Seconds after which what should have happened is late."""

LATE_ERASURE = 3600

LATE_PURGE = 24 * 3600


def check_campaigns(databases: Databases, settings: Settings) -> list[Finding]:
    """Find campaigns, shard commands, erasures and purges that do not move.

    Raises:
        RetryLater: a database is down.
    """
    lease = int(settings.scheduler.lease)
    with databases.reading() as cursors:
        found = [
            *_schedulers(cursors.main, lease),
            *_shard_commands(cursors),
            *_providers(cursors),
            *_purges(cursors.main),
            *_left_behind(cursors),
        ]
    return unless("campaigns", found, "no campaign is stalled")


def _schedulers(cursor: Cursor, lease: int) -> Iterator[Finding]:
    start = "start one: campaign-scheduler -c FILE; see its log where one runs"
    overdue = doctor_queries.overdue_campaigns(cursor, LATE)
    if overdue:
        ids = [campaign.campaign_id for campaign in overdue]
        yield failed(
            "schedulers",
            f"{len(ids)} campaigns are due, the longest for {overdue[0].seconds:,.0f} s, and have"
            f" not started: {_named(ids)}; no scheduler is running",
            start,
        )
    unleased = doctor_queries.unleased_campaigns(cursor, lease)
    if unleased:
        yield failed(
            "schedulers",
            f"no scheduler holds {len(unleased)} running campaigns: {_named(unleased)}",
            start,
        )


def _shard_commands(cursors: Cursors) -> Iterator[Finding]:
    waiting = doctor_queries.orphaned_requests(cursors, LATE)
    if waiting:
        yield warning(
            "shard commands",
            f"{sum(waiting.values())} commands (cancel, retry, erase, late results, receipts) wait"
            f" for the owners of shards {', '.join(map(str, waiting))}",
            "see that senders run; their logs name each skipped command and the reason",
        )
    erasures = doctor_queries.unended_erasures(cursors.main, LATE_ERASURE)
    if erasures:
        yield warning(
            "erasures",
            f"{erasures} are not complete after an hour",
            "see that an API, a scheduler and senders run: each has a part in it",
        )


def _providers(cursors: Cursors) -> Iterator[Finding]:
    for provider, breaker in read_open_breakers(cursors.main).items():
        yield warning(
            "provider",
            f"the circuit breaker of {provider} is open for another {breaker.seconds:.0f} s: too"
            " many sends failed",
            "see the senders' logs for the errors; sending resumes once a probe succeeds",
        )
    for provider, accounts in read_account_breakers(cursors.main).items():
        refused = sum(account.is_open for account in accounts.values())
        accepted = any(account.accepted_ago is not None for account in accounts.values())
        if refused:
            yield warning(
                "provider",
                f"{provider} refuses the account of some senders, and accepts that of others"
                if accepted
                else f"{provider} refuses the account, and senders with it send nothing",
                "see to its credentials and credit; senders read the files of secrets again, and"
                " the log of each that is refused says so",
            )
    possibly_sent = doctor_queries.open_possibly_sent(cursors)
    if possibly_sent:
        yield warning(
            "possibly sent",
            f"{possibly_sent:,} messages of active campaigns may have been accepted by a provider"
            " whose response is not known; they are sent again under the same idempotency key,"
            " to another provider where a route with AfterDoubt says so",
        )


def _purges(cursor: Cursor) -> Iterator[Finding]:
    begun = count_unfinished_purges(cursor, LATE_PURGE)
    if begun:
        yield warning(
            "purges",
            f"{begun} campaigns were purged a day ago and still have rows",
            "campaign-db purge --older-than 90d resumes where it stopped",
        )


def _left_behind(cursors: Cursors) -> Iterator[Finding]:
    shards = sorted(doctor_queries.counted_elsewhere(cursors))
    if shards:
        yield failed(
            "counters",
            f"shards {', '.join(map(str, shards))} are counted on a server that they were moved"
            " away from, too: no sum over them is right",
            "delete there what docs/operations/database-servers.md names, the last step of moving"
            " a shard",
        )


def _named(ids: Sequence[CampaignId]) -> str:
    return ", ".join(map(str, ids[:SOME])) + (", …" if len(ids) > SOME else "")
