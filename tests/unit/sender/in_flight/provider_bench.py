"""A buffer with messages of several providers, and the grants, rates and rests of each."""

from dataclasses import dataclass
from decimal import Decimal

from campaign_common.domain.campaign import CampaignId
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.in_flight.backlog import Backlogs, Rest
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.claim_window import ClaimWindows
from campaign_sender.message import Message
from tests.unit.sender.messages import CAMPAIGN, message, owned_shard

CONNECTIONS = 10


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Grants:
    """Grants of a campaign's rate in a second, in place of a lease."""

    per_second: Decimal

    def claimable(self, seconds: float, waiting: int) -> int:
        return int(float(self.per_second) * seconds) - waiting


class Paces:
    """Paces that a test sets."""

    def __init__(self) -> None:
        self.rates: dict[CampaignId, Grants] = {}
        self.priorities: dict[CampaignId, int] = {}

    def priority_of(self, campaign_id: CampaignId) -> int:
        return self.priorities.get(campaign_id, 5)


class Bench:
    """A buffer whose messages belong to providers, and the grants that a test gives."""

    def __init__(self, in_flight: int = 1_000) -> None:
        self.clock = Clock()
        self.granted: dict[str, int] = {}
        self.granted_to: dict[CampaignId, int] = {}
        self.paces = Paces()
        self.rests: dict[str, Rest] = {}
        self.rates: dict[str, float] = {}
        self.postponed: list[SendStatus] = []
        self.windows = ClaimWindows(
            lambda _: CONNECTIONS,
            lambda provider, _: 0 if provider in self.rests else self.granted.get(provider),
            without_connections=100,
            clock=self.clock,
            granted_to=lambda campaign_id, _: self.granted_to.get(campaign_id),
            cost_of=lambda _: None,
            paces=self.paces,
        )
        backlogs = Backlogs(
            self.rests.get,
            lambda provider: self.rates.get(provider, self.windows.rate(provider)),
            lambda _, statuses: self.postponed.extend(statuses),
            self.clock,
        )
        self.buffer = InFlightBuffer(
            in_flight=in_flight, batch_size=500, bounds=self.windows, backlogs=backlogs
        )
        self.buffer.add_shard(owned_shard())
        self._seq = 0

    def admit(self, provider: str, count: int, campaign_id: int = CAMPAIGN) -> list[Message]:
        admitted = []
        for _ in range(count):
            self._seq += 1
            one = message(self._seq, campaign_id=campaign_id)
            one.provider = provider
            admitted.append(one)
        owned = self.buffer.owned(0)
        assert owned is not None
        self.buffer.track(owned, [one.offset for one in admitted])
        self.buffer.admit(admitted, [], [])
        return admitted

    def postpone(self, *in_use: str) -> list[SendResult[Message]]:
        """Postpone what may not wait, and record that; return the results."""
        self.buffer.postpone(in_use)
        batch = self.buffer.take_batch()
        self.buffer.apply_commit(batch.results, batch.claims)
        return batch.results

    def claimed(self, provider: str) -> int:
        owned = self.buffer.owned(0)
        assert owned is not None
        return sum(one.provider == provider for one in owned.claimed.values())

    def cycle(self, *results: tuple[Message, SendStatus]) -> list[Message]:
        """Record results, and claim; return what is claimed."""
        self.buffer.add_results([SendResult(one, status) for one, status in results])
        batch = self.buffer.take_batch()
        self.buffer.apply_commit(batch.results, batch.claims)
        return batch.claims


SLOW, OTHER = CampaignId(1), CampaignId(2)


def with_rate(per_second: str) -> Bench:
    bench = Bench()
    bench.paces.rates[SLOW] = Grants(Decimal(per_second))
    bench.granted_to[SLOW] = 0
    return bench
