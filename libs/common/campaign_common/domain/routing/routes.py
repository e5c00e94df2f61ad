"""Routes of an installation, by name, and the prefixes of phone numbers that take others."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.route_choice import RouteChoice

LiveWeights = Mapping[str, Sequence[RouteChoice] | None]
"""Choices by the name of a route; None: this version cannot read them."""


class _InForce(NamedTuple):
    routes: Mapping[str, Route]
    live: LiveWeights
    """Those that `routes` were made of."""


class Routes:
    """Routes by name, for campaigns that name one, or a provider.

    `prefixes`: by the name of a route, prefixes of phone numbers with the route or provider that
    these take instead. The weights of a route are those of its configuration until others are set.
    Threads may set them while others set them or choose: both parts of `_in_force` change at once.
    """

    def __init__(
        self,
        routes: Mapping[str, Route] | None = None,
        prefixes: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._configured: Mapping[str, Route] = dict(routes or {})
        self._in_force = _InForce(self._configured, {})
        self._prefixes = {
            name: sorted(targets.items(), key=lambda each: -len(each[0]))
            for name, targets in (prefixes or {}).items()
        }

    @property
    def _routes(self) -> Mapping[str, Route]:
        return self._in_force.routes

    def __bool__(self) -> bool:
        return bool(self._routes)

    def __contains__(self, name: str) -> bool:
        return name in self._routes

    def __iter__(self) -> Iterator[str]:
        return iter(self._routes)

    def set_live(self, live: LiveWeights) -> list[str]:
        """Choose by `live` weights from now on, and by the configured ones where there are none.

        Weights that cannot be read leave those of before. The configured ones hold, too, where no
        provider with a live weight is on the route any more; what is turned off stays off, if
        another one has a weight. Return the routes whose weights cannot be read, and could be
        before.
        """
        before = self._in_force
        if live == before.live:
            return []
        unreadable = [name for name in self._configured if live.get(name, ()) is None]
        routes = {
            name: before.routes[name] if name in unreadable else _weighted(route, live.get(name))
            for name, route in self._configured.items()
        }
        self._in_force = _InForce(routes, dict(live))
        return [name for name in unreadable if before.live.get(name, ()) is not None]

    def of(self, name: str, phone: str) -> Route:
        """Return the route of a message; that of a provider has this one alone.

        A provider that a prefix leads to may be taken after doubt where the route of the prefix
        allows it. Where that route has turned it off, the message takes the route.
        """
        routes = self._routes
        for prefix, target in self._prefixes.get(name, ()):
            if phone.startswith(prefix):
                return _of_prefix(routes, name, target)
        return _named(routes, name)

    def providers(self, name: str) -> frozenset[str]:
        """Return all providers of a route, or of a provider, with those of its prefixes."""
        return frozenset(one for route in self._of_all(name) for one in route.providers)

    def active(self, name: str) -> frozenset[str]:
        """Return the providers that messages may take for which none is chosen yet."""
        return frozenset(one for route in self._of_all(name) for one in route.active)

    def chosen(self, name: str) -> frozenset[str]:
        """Return the providers that messages of a route, or of a provider, take at first."""
        return frozenset(one for route in self._of_all(name) for one, _ in route.chosen)

    def within(self, providers: Collection[str]) -> list[str]:
        """Return the routes of which all providers are among some.

        One without a weight, or turned off, still takes messages for which it is chosen already.
        """
        return [name for name in self._routes if self.providers(name) <= set(providers)]

    def _of_all(self, name: str) -> list[Route]:
        """Return the routes that messages take which name this one, by their numbers."""
        routes = self._routes
        targets = (target for _, target in self._prefixes.get(name, ()))
        return [_named(routes, name), *(_of_prefix(routes, name, target) for target in targets)]


def _named(routes: Mapping[str, Route], name: str) -> Route:
    return routes.get(name) or Route(((name, 1),))


def _of_prefix(routes: Mapping[str, Route], name: str, target: str) -> Route:
    """Return the route for a prefix of the route `name`, that leads to a route or a provider."""
    route = routes[name]
    if target in routes:
        return routes[target]
    if target in route.disabled:
        return route
    return Route(((target, 1),), after_doubt=route.after_doubt)


def _weighted(route: Route, choices: Sequence[RouteChoice] | None) -> Route:
    if choices is None:
        return route
    weighted = route.weighted(choices)
    return weighted if weighted.chosen else route.without(weighted.disabled)
