"""Delivery: claimed messages go to their provider, and come back to the buffer with a result."""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from campaign_sender.delivery.circuit_breaker import CircuitBreaker
from campaign_sender.delivery.provider_route import MakeProvider, ProviderRoute, SendChecks
from campaign_sender.message import Message
from campaign_sender.providers.contract import SendResult, SendStatus


class ResultSink(Protocol):
    """Knows which messages are this process's, and takes what became of them."""

    def still_held(self, messages: Sequence[Message]) -> list[Message]:
        """Return those records that are still this process's to work on."""

    def add_results(self, results: Sequence[SendResult]) -> None:
        """Take results from a provider."""


def _all(_: Message) -> bool:
    return True


class Dispatcher:
    """Hands claimed messages to their campaign's provider.

    Messages for which no call may start just now (the database is out of sight) stay claimed
    and are offered again.
    """

    def __init__(self, buffer: ResultSink, guard: SendChecks) -> None:
        self._buffer = buffer
        self._guard = guard
        self._routes: dict[str, ProviderRoute] = {}
        self._deferred: list[Message] = []
        self._lock = threading.Lock()

    def add(self, name: str, breaker: CircuitBreaker, make: MakeProvider) -> None:
        """Make a provider available under its name."""
        self._routes[name] = ProviderRoute(name, breaker, self._guard, self.on_results, make)

    @property
    def alive(self) -> bool:
        """Return whether every provider works on what it is given."""
        return all(route.provider.alive for route in self._routes.values())

    @property
    def routes(self) -> Mapping[str, ProviderRoute]:
        """Every provider that is configured, by its name."""
        return self._routes

    def is_idempotent(self, name: str) -> bool:
        """Return whether a provider answers a repeated key as it did before; an unknown one no."""
        route = self._routes.get(name)
        return route is not None and route.provider.idempotent

    def dispatch(self, messages: Sequence[Message]) -> None:
        """Start the calls of messages whose claim is committed.

        Messages that are not this process's any more are left to whoever owns their shard.
        """
        by_campaign: dict[int, list[Message]] = defaultdict(list)
        for message in self._buffer.still_held(messages):
            by_campaign[message.record.campaign_id].append(message)
        for campaign_id, group in by_campaign.items():
            version = self._guard.version_of(campaign_id)
            if version is None:
                self.on_results([SendResult(message, SendStatus.DEFERRED) for message in group])
            elif (route := self._routes.get(version.provider)) is None:
                self.on_results(
                    [
                        SendResult(message, SendStatus.RETRYABLE, None, "provider_not_configured")
                        for message in group
                    ]
                )
            else:
                route.provider.submit(group)

    def on_results(self, results: Sequence[SendResult]) -> None:
        """Take results: keep what was not called yet, pass on the rest."""
        deferred = [r.message for r in results if r.status is SendStatus.DEFERRED]
        if deferred:
            with self._lock:
                self._deferred.extend(deferred)
            results = [r for r in results if r.status is not SendStatus.DEFERRED]
        if results:
            self._buffer.add_results(results)

    def retry_deferred(self, seen: Callable[[Message], bool] = _all) -> None:
        """Hand over again what could not be called; called after a successful look.

        `seen` tells whether that look was at the server that holds a message's shard.
        """
        with self._lock:
            deferred = self._deferred
            offered = [message for message in deferred if seen(message)]
            self._deferred = [message for message in deferred if not seen(message)]
        if offered:
            self.dispatch(offered)

    def take_opened_breakers(self) -> dict[str, float]:
        """Return which breakers opened here since the last call, and for how many seconds."""
        opened = {name: route.take_opened() for name, route in self._routes.items()}
        return {name: seconds for name, seconds in opened.items() if seconds is not None}

    def open_breakers(self, seconds: Mapping[str, float]) -> None:
        """Open the breakers that other senders opened."""
        for name, route in self._routes.items():
            route.breaker.open_for(seconds.get(name, 0.0))

    def close(self) -> None:
        """Close every provider."""
        for route in self._routes.values():
            route.provider.close()
