"""Routes of an installation, by name, and the prefixes of phone numbers that take others."""

from collections.abc import Collection, Mapping

from campaign_common.domain.routing.route import Route


class Routes:
    """Routes by name, for campaigns that name one, or a provider.

    `prefixes`: by the name of a route, prefixes of phone numbers with the route or provider that
    these take instead.
    """

    def __init__(
        self,
        routes: Mapping[str, Route] | None = None,
        prefixes: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._routes = dict(routes or {})
        self._prefixes = {
            name: sorted(targets.items(), key=lambda each: -len(each[0]))
            for name, targets in (prefixes or {}).items()
        }

    def __bool__(self) -> bool:
        return bool(self._routes)

    def __contains__(self, name: str) -> bool:
        return name in self._routes

    def of(self, name: str, phone: str) -> Route:
        """Return the route of a message; that of a provider has this one alone."""
        for prefix, target in self._prefixes.get(name, ()):
            if phone.startswith(prefix):
                return self._named(target)
        return self._named(name)

    def providers(self, name: str) -> frozenset[str]:
        """Return all providers that messages of a route, or of a provider, may take."""
        names = [name, *(target for _, target in self._prefixes.get(name, ()))]
        return frozenset(provider for each in names for provider in self._named(each).providers)

    def chosen(self, name: str) -> frozenset[str]:
        """Return the providers that messages of a route, or of a provider, take at first."""
        names = [name, *(target for _, target in self._prefixes.get(name, ()))]
        return frozenset(
            provider for each in names for provider, weight in self._named(each).choose if weight
        )

    def resting(self, resting: Collection[str]) -> list[str]:
        """Return the routes of which all providers are among those `resting`."""
        return [name for name in self._routes if self.providers(name) <= set(resting)]

    def _named(self, name: str) -> Route:
        return self._routes.get(name) or Route(((name, 1),))
