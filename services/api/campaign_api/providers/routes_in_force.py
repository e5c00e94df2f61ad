"""Routes with the weights that hold now: those of the configuration, or those set live."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from campaign_api.errors import InvalidField, NotFound, RequestInvalid
from campaign_common.database import Cursor
from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.route_choice import (
    RouteChoice,
    UnreadableWeights,
    choices_of_json,
)
from campaign_common.domain.routing.routes import LiveWeights
from campaign_common.settings import Settings
from campaign_common.store.limits.live_limits import read_provider_events
from campaign_common.store.limits.live_weights import (
    WEIGHTS_CHANGED,
    lock_live_choices,
    read_all_live_choices,
    read_live_choices,
    set_live_choices,
    were_choices_set,
)

LATEST_EVENTS = 20


class RoutesInForce:
    """Routes of a configuration with the weights that hold, which can be set."""

    def __init__(self, settings: Settings) -> None:
        self._configured = settings.route_settings
        self._default = settings.provider

    def read_all(self, cursor: Cursor) -> list[dict[str, Any]]:
        """Read every configured route, in the order of the configuration."""
        live = read_all_live_choices(cursor)
        return [self._described(name, live) for name in self._configured]

    def read(self, cursor: Cursor, name: str) -> dict[str, Any]:
        """Read one route, with its latest events.

        Raises:
            NotFound: it is not configured.
        """
        self.require(name)
        live = read_live_choices(cursor, name)
        events = read_provider_events(cursor, name, limit=LATEST_EVENTS, kinds=(WEIGHTS_CHANGED,))
        return {
            **self._described(name, live),
            "events": [
                {
                    "id": event.id,
                    "at": event.at,
                    "actor": event.actor,
                    "choices": _readable(event.details["choices"]),
                }
                for event in events
            ],
        }

    def set_choices(
        self,
        cursor: Cursor,
        name: str,
        choices: Sequence[RouteChoice] | None,
        actor: str,
        require_match: Callable[[Mapping[str, Any]], None],
    ) -> bool:
        """Set the weights of a route; None: the configured ones hold again.

        `require_match` refuses the change by the route as it is described before. What is so
        already needs no match and changes nothing (RFC 9110, 13.1.1). Return whether it was
        changed.

        Raises:
            NotFound: it is not configured, and no weights of it were ever set.
        """
        is_configured = self.is_configured(name)
        if not is_configured and not were_choices_set(cursor, name):
            raise _not_found(name)
        lock_live_choices(cursor, name)
        live = read_live_choices(cursor, name)
        if live == ({} if choices is None else {name: choices}):
            return False
        require_match(self.read(cursor, name) if is_configured else {})
        set_live_choices(cursor, name, choices, actor)
        return True

    def is_configured(self, name: str) -> bool:
        """Return whether the configuration has a route of this name."""
        return name in self._configured

    def require(self, name: str) -> None:
        """Refuse a name that no route has.

        Raises:
            NotFound: it is not configured.
        """
        if not self.is_configured(name):
            raise _not_found(name)

    def require_providers(self, name: str, choices: Sequence[RouteChoice]) -> None:
        """Refuse providers that are not on a route.

        Raises:
            NotFound: the route is not configured.
            RequestInvalid: names the providers that are on the route.
        """
        self.require(name)
        known = self._configured[name].route.providers
        wrong = [
            InvalidField(f"choices.{place}.provider", f"must be one of {', '.join(known)}")
            for place, one in enumerate(choices)
            if one.provider not in known
        ]
        if wrong:
            raise RequestInvalid(wrong)

    def _described(self, name: str, live: LiveWeights) -> dict[str, Any]:
        configured = self._configured[name]
        route, is_live, is_readable = configured.route, name in live, True
        if is_live:
            choices = live[name]
            is_readable = choices is not None
            weighted = route if choices is None else route.weighted(choices)
            # Where the configuration has lost all that have a weight, its own ones hold.
            is_live = bool(weighted.chosen)
            route = weighted if is_live else route.without(weighted.disabled)
        return {
            "name": name,
            "is_default": name == self._default,
            "source": "live" if is_live else "configured",
            "choices": _choices_of(route) if is_readable else None,
            "failover": list(route.failover),
            "after_doubt": route.after_doubt,
            "prefixes": [
                {"prefix": prefix, "takes": target}
                for prefix, target in sorted(configured.prefixes.items())
            ],
        }


def _not_found(name: str) -> NotFound:
    return NotFound(f"there is no route {name}")


def _choices_of(route: Route) -> list[RouteChoice]:
    weights = dict(route.choose)
    return [
        RouteChoice(name, weights.get(name, 0), name not in route.disabled)
        for name in route.providers
    ]


def _readable(stored: object) -> Sequence[RouteChoice] | None:
    """Return choices of an event; None: the configured ones, or those of a newer version."""
    try:
        return None if stored is None else choices_of_json(stored)
    except UnreadableWeights:
        return None
