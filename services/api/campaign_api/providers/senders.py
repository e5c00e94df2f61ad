"""Senders that run, and the providers that they know."""

from collections.abc import Sequence

from campaign_common.store.maintenance.statistics import RecentHeartbeat

MOST_NAMED = 5
"""Senders that a text names."""


def knowing(senders: Sequence[RecentHeartbeat], provider: str) -> list[RecentHeartbeat]:
    """Return the senders whose configuration has a provider; those of 0.2.0 do not say."""
    return [sender for sender in senders if provider in (sender.statistics or {})]


def ready(senders: Sequence[RecentHeartbeat], provider: str) -> list[RecentHeartbeat]:
    """Return the senders that can send to a provider."""
    return [
        sender
        for sender in knowing(senders, provider)
        if (sender.providers or {}).get(provider) is None
    ]


def why_unknown(senders: Sequence[RecentHeartbeat], provider: str) -> str:
    """Say why no sender that runs knows a provider, and what to do."""
    if not senders:
        return "no sender is running; start campaign-sender with the configuration of this API"
    if all(sender.statistics is None for sender in senders):
        return (
            f"the running senders ({_names(senders)}) are of an older version, which makes no"
            " checks and knows no provider by name; replace one of them"
        )
    return (
        f"none of the running senders ({_names(senders)}) has provider {provider} in its"
        " configuration; restart them with that of this API"
    )


def why_not_ready(senders: Sequence[RecentHeartbeat], provider: str) -> str:
    """Say what keeps the senders that know a provider from sending to it."""
    problems: dict[str, list[RecentHeartbeat]] = {}
    for sender in knowing(senders, provider):
        problem = (sender.providers or {}).get(provider)
        if problem is not None:
            problems.setdefault(problem, []).append(sender)
    return "; ".join(f"{problem} (on {_names(of)})" for problem, of in problems.items())


def _names(senders: Sequence[RecentHeartbeat]) -> str:
    names = [sender.name for sender in senders[:MOST_NAMED]]
    more = len(senders) - len(names)
    return ", ".join([*names, f"{more} more"] if more else names)
