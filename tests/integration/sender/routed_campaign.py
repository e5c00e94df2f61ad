"""A campaign on a route of two providers, over a recorder whose cycles a test runs by hand."""

from time import monotonic

from campaign_common.database.cursors import Cursors
from campaign_common.domain.partition_map import TopicDescription
from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.routes import Routes
from campaign_common.store.core.possible_duplicates import possible_duplicates_by_provider
from campaign_common.store.shards.partition_map import insert_first_map
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.admission.provider_choice import ProviderChoice
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, CircuitBreaker
from campaign_sender.message import Message
from tests.integration.sender.scene import MAP, SHARDS, CollectingProvider, Scene
from tests.unit.sender.messages import CAMPAIGN, message

PAIR = Routes({"pair": Route((("main", 1), ("spare", 1)), ("main", "spare"))})
OTHER = {"main": "spare", "spare": "main"}
SEQ = 3


class RoutedCampaign:
    """A campaign on a route of two providers, of which each collects what it is sent."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.providers = {name: CollectingProvider() for name in OTHER}
        for name, provider in self.providers.items():
            breaker = CircuitBreaker(BreakerPolicy(), monotonic)
            scene.dispatcher.add(name, breaker, lambda *_, made=provider: made)
        self.take(PAIR)
        topic = TopicDescription(MAP.topic_id, SHARDS)
        scene.change(lambda c: insert_first_map(c, MAP.topic, topic))
        scene.change(lambda c: c.execute("UPDATE campaigns SET provider = 'pair'"))
        scene.cycle()
        scene.answer(*scene.provider.submitted)
        scene.cycle()
        self._offset = 10

    def take(self, routes: Routes, idempotent_for: float = 0.0) -> None:
        """Choose by other routes from now on."""
        states = self.scene.dispatcher
        choice = ProviderChoice(
            routes, states.is_resting, lambda _: idempotent_for, states.takes, states.rests_for
        )
        self.scene.recorder._policy._choice = choice
        self.scene.recorder._policy._idempotent_for = lambda _: idempotent_for
        self._admitter = self.scene.admitter(choice, states.unready)

    def send(self, *, seq: int = SEQ, try_number: int = 1, attempts: int = 0) -> str:
        """Fetch, admit, claim and dispatch the message; return its provider, "" if none."""
        self._offset += 1
        fetched = message(seq, offset=self._offset, try_number=try_number, attempts=attempts)
        owned = self.scene.buffer.owned(0)
        assert owned is not None
        fetched.epoch, fetched.provider = owned.epoch, ""
        self._admitter.enqueue([fetched], {0: owned})
        self._admitter.admit()
        self.scene.guard.refresh()
        before = {name: len(one.submitted) for name, one in self.providers.items()}
        self.scene.cycle()
        sent = [n for n, one in self.providers.items() if len(one.submitted) > before[n]]
        return "".join(sent)

    def answer(self, status: SendStatus) -> None:
        """Let the provider that holds the message answer, and record it."""
        (held,) = [m for m in self._submitted() if self.scene.buffer.holds(m)]
        self.scene.buffer.add_results([SendResult(held, status, None, "code")])
        self.scene.cycle()

    def rest(self, name: str) -> None:
        self.scene.dispatcher.providers[name].breaker.open_for(60.0)

    def wake(self, name: str) -> None:
        breaker = CircuitBreaker(BreakerPolicy(), monotonic)
        self.scene.dispatcher.providers[name].breaker = breaker

    def row(self) -> tuple[object, ...]:
        """Status, provider and doubt of the message."""
        rows = self.scene.rows("seq, status, provider, in_doubt")
        return next(tuple(row[1:]) for row in rows if row[0] == SEQ)

    def possibly_sent(self) -> set[tuple[object, ...]]:
        """Tries of the message that are noted as possibly sent, with their provider."""
        with self.scene.database.reading() as cursor:
            cursor.execute(
                "SELECT try_number, provider FROM possibly_sent"
                " WHERE campaign_id = %s AND seq = %s",
                (CAMPAIGN, SEQ),
            )
            return set(cursor.fetchall())

    def duplicates(self) -> dict[str, int]:
        """Possible duplicates that are counted, by provider."""
        with self.scene.database.reading() as cursor:
            return dict(possible_duplicates_by_provider(Cursors((cursor,))))

    def _submitted(self) -> list[Message]:
        return [m for provider in self.providers.values() for m in provider.submitted]
