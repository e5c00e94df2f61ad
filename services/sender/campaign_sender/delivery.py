"""Delivery: claimed messages go to their provider, and come back to the desk with a result."""

import threading
from collections import defaultdict
from collections.abc import Sequence

from campaign_sender.desk import Desk
from campaign_sender.lookout import Lookout
from campaign_sender.message import Message
from campaign_sender.providers.contract import Answer, Provider, Result


class Delivery:
    """Hands claimed messages to their campaign's provider.

    Messages for which no call may start just now (the database is out of sight) stay claimed
    and are offered again.
    """

    def __init__(self, desk: Desk, lookout: Lookout) -> None:
        self._desk = desk
        self._lookout = lookout
        self._providers: dict[str, Provider] = {}
        self._postponed: list[Message] = []
        self._lock = threading.Lock()

    def add(self, provider: Provider) -> None:
        """Make a provider available under its name."""
        self._providers[provider.name] = provider

    def hand_over(self, messages: Sequence[Message]) -> None:
        """Start the calls of messages whose claim is committed.

        Messages that are not this process's any more are left to whoever owns their shard.
        """
        by_campaign: dict[int, list[Message]] = defaultdict(list)
        for message in messages:
            if self._desk.holds(message):
                by_campaign[message.record.campaign_id].append(message)
        for campaign_id, group in by_campaign.items():
            version = self._lookout.version_of(campaign_id)
            if version is None:
                self.report([Result(message, Answer.NOT_NOW) for message in group])
            elif (provider := self._providers.get(version.provider)) is None:
                self.report(
                    [
                        Result(message, Answer.RETRYABLE, None, "provider_not_configured")
                        for message in group
                    ]
                )
            else:
                provider.submit(group)

    def report(self, results: Sequence[Result]) -> None:
        """Take results from a provider: keep what was not called yet, pass on the rest."""
        postponed = [r.message for r in results if r.answer is Answer.NOT_NOW]
        if postponed:
            with self._lock:
                self._postponed.extend(postponed)
            results = [r for r in results if r.answer is not Answer.NOT_NOW]
        if results:
            self._desk.report(results)

    def offer_postponed(self) -> None:
        """Hand over again what could not be called; called after a successful look."""
        with self._lock:
            postponed, self._postponed = self._postponed, []
        if postponed:
            self.hand_over(postponed)

    def close(self) -> None:
        """Close every provider."""
        for provider in self._providers.values():
            provider.close()
