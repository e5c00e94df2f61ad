"""Check of the live weights of routes: what the configuration has changed since they were set."""

from collections.abc import Iterator, Mapping

from campaign_admin.doctor.finding import Finding, unless, warning
from campaign_common.database import Database
from campaign_common.domain.routing.routes import LiveWeights
from campaign_common.settings import Settings
from campaign_common.settings.sections.routes import RouteSettings
from campaign_common.store.limits.live_weights import read_all_live_choices

CHECK = "live weights"


def check_live_weights(database: Database, settings: Settings) -> list[Finding]:
    """Compare the live weights with the configured routes.

    Raises:
        RetryLater: the database is down.
    """
    with database.reading() as cursor:
        live = read_all_live_choices(cursor)
    found = compare_live_weights(live, settings.route_settings)
    return unless(CHECK, found, "agree with the configured routes")


def compare_live_weights(
    live: LiveWeights, routes: Mapping[str, RouteSettings]
) -> Iterator[Finding]:
    """Find live weights of unknown routes, and those that lack a provider of `Choose`."""
    for route, choices in sorted(live.items()):
        delete = f"DELETE /v1/routes/{route}"
        if route not in routes:
            yield warning(
                CHECK,
                f"{route} has some and is no configured route: they hold once it is one again",
                delete,
            )
        elif choices is not None:
            named = {one.provider for one in choices}
            missing = [one.provider for one in routes[route].choose if one.provider not in named]
            if missing:
                yield warning(
                    CHECK,
                    f"{route} has some without {', '.join(missing)} of its Choose, with which no"
                    " message begins",
                    f"PUT /v1/routes/{route} with all providers, or {delete}",
                )
