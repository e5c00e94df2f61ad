"""Heartbeats of senders, written in their place."""

from collections.abc import Mapping

from campaign_common.database import Database
from campaign_common.metrics.distribution import SECONDS
from campaign_common.store.maintenance.statistics import ProviderStatistics, note_sender


def statistics(
    breaker: str = "closed",
    *,
    account_refused: bool = False,
    asked_to_wait: bool = False,
    answers: Mapping[str, int] | None = None,
    durations: tuple[list[int], int, float] | None = None,
) -> ProviderStatistics:
    """Make the statistics of a provider that nothing was sent to, but for what is given."""
    none: tuple[list[int], int, float] = ([0] * len(SECONDS), 0, 0.0)
    return ProviderStatistics(
        breaker, account_refused, asked_to_wait, 60.0, answers or {}, durations or none
    )


def beat(
    pool: Database,
    name: str = "sender-1",
    providers: Mapping[str, str | None] | None = None,
    **by_name: ProviderStatistics,
) -> None:
    """Be a sender that knows some providers, with statistics by name; `providers`: obstacles."""
    known = by_name or {"simulated": statistics()}
    obstacles = {**dict.fromkeys(known), **(providers or {})}
    pool.run(lambda cursor: note_sender(cursor, name, obstacles, known))
