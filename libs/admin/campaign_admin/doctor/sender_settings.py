"""Comparison of the configurations of senders with each other and with the doctor's own."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from campaign_admin.doctor.finding import Finding, failed, warning
from campaign_common.settings import Settings
from campaign_common.settings.provider_digest import describe_provider
from campaign_common.store.maintenance.statistics import SenderHeartbeat

HERE = "this configuration"
"""Name of the configuration that the doctor reads, among those of senders."""

SAME_CONFIGURATION = "give all services the same configuration and restart them"


def compare_with(settings: Settings, senders: Sequence[SenderHeartbeat]) -> Iterator[Finding]:
    """Compare providers and routes of senders with each other and with these settings."""
    yield from providers_of(senders)
    described = {
        name: describe_provider(each) for name, each in settings.configured_providers.items()
    }
    yield from settings_of(senders, described)
    yield from routes_of(
        senders, {name: route.described for name, route in settings.route_settings.items()}
    )


def without_suppressions(senders: Sequence[SenderHeartbeat]) -> Iterator[Finding]:
    """Name the senders that send to suppressed people, where there are some: those of 0.2.0."""
    old = sorted(sender.name for sender in senders if sender.routes is None)
    if old:
        yield failed(
            "suppressions",
            f"{', '.join(old)} of 0.2.0 sends to people with a suppression",
            "pause the campaigns until all senders are of this version"
            " (docs/operations/upgrading.md)",
        )


def providers_of(senders: Sequence[SenderHeartbeat]) -> Iterator[Finding]:
    """Compare the providers that senders know, and name what keeps them from one."""
    known = {sender.name: sender.providers for sender in senders if sender.providers is not None}
    everywhere = {name for providers in known.values() for name in providers}
    for provider in sorted(everywhere):
        without = sorted(name for name, providers in known.items() if provider not in providers)
        problems = {
            f"{name}: {problem}"
            for name, providers in known.items()
            if (problem := providers.get(provider)) is not None
        }
        if problems:
            yield warning(
                "providers",
                f"{provider} can not be used by all senders: {'; '.join(sorted(problems))}",
                "give all senders the same configuration and secrets; its messages wait",
            )
        elif without:
            yield warning(
                "providers",
                f"{provider} is not known to {', '.join(without)}",
                SAME_CONFIGURATION,
            )


def routes_of(
    senders: Sequence[SenderHeartbeat], own: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    """Compare the configured routes of senders with each other and with those that stand here."""
    known = {sender.name: sender.routes for sender in senders if sender.routes is not None}
    if not known:
        return
    known[HERE] = own
    for route in sorted({name for routes in known.values() for name in routes}):
        without = sorted(name for name, routes in known.items() if route not in routes)
        if without:
            yield warning(
                "routes", f"{route} is not known to {', '.join(without)}", SAME_CONFIGURATION
            )
        configured = {name: routes[route] for name, routes in known.items() if route in routes}
        if differing := _all_differing(configured):
            yield warning(
                "routes", f"{route} is not the same everywhere: {differing}", SAME_CONFIGURATION
            )


def settings_of(
    senders: Sequence[SenderHeartbeat], own: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    """Compare limits and other settings of providers in senders, and those that stand here."""
    known = {sender.name: sender.settings for sender in senders if sender.settings}
    for provider in sorted({name for settings in known.values() for name in settings}):
        configured = {
            name: settings[provider]
            for name, settings in {**known, HERE: own}.items()
            if provider in settings
        }
        if HERE not in configured:
            yield warning("providers", f"{provider} is not known to {HERE}", SAME_CONFIGURATION)
        if differing := _all_differing(configured):
            yield warning(
                "providers",
                f"{provider} is not the same everywhere: {differing}",
                SAME_CONFIGURATION,
            )


def _all_differing(configured: Mapping[str, Mapping[str, str]]) -> str:
    """Return the keys that differ, each with its values; "" where all are the same."""
    keys = sorted({key for values in configured.values() for key in values})
    return "; ".join(text for key in keys if (text := _differing(key, configured)))


def _differing(key: str, configured: Mapping[str, Mapping[str, str]]) -> str:
    """Return which value of a key each service has; "" if it is the same in all."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, values in sorted(configured.items()):
        names[values.get(key, "")].append(name)
    if len(names) == 1:
        return ""
    parts = [f"{value or 'empty'} in {', '.join(by)}" for value, by in sorted(names.items())]
    return f"{key} is {', and '.join(parts)}"
