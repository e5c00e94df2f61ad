"""Claim window: how many messages of one provider, or of one campaign, may be claimed at once.

What is claimed and not recorded is in doubt when the process dies. So a sender claims what its
connections carry, and what it will send within `CLAIM_WINDOW` seconds at the rate of the last
moments.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Protocol

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.campaign_pace import DEFAULT_PRIORITY
from campaign_sender.message import Message

CLAIM_WINDOW = 0.25
"""Seconds of sends that are claimed ahead; more where transactions take long."""

CLAIM_RATE_SPAN = 0.5
"""Seconds of results that the rate is taken over."""

SHORTEST_SPAN = 0.1
"""Seconds that the first results are taken over, at least."""

GATHERED = 0.05
"""Seconds between two transactions of the recorder, besides their own time."""

SMOOTHING = 0.3
"""Weight of the latest transaction in the mean time of all."""

ALL = 1 << 30
"""Messages that may be claimed where nothing bounds them."""

MEASURED_FOR = 1.0
"""Seconds without a break in which messages are under way, after which the rate is known."""

MEASURED_SPAN = 10.0
"""Seconds of results that the rate of a slow provider is taken over."""


class RateGrants(Protocol):
    """Grants of a campaign's own rate."""

    per_second: Decimal

    def claimable(self, seconds: float, waiting: int) -> int:
        """Return how many messages may be claimed for so many seconds, besides those waiting."""


class Paces(Protocol):
    """Rates and priorities of campaigns."""

    @property
    def rates(self) -> Mapping[CampaignId, RateGrants]:
        """The campaigns that have a rate."""

    def priority_of(self, campaign_id: CampaignId) -> int:
        """Return the priority of a campaign."""


class ClaimBounds(Protocol):
    """Bounds of claims by provider; used by one recorder, inside the buffer's lock."""

    def claimable(self, provider: str, claimed: int, waiting: int) -> int:
        """Return how many more messages of a provider may be claimed beside those claimed.

        `waiting`: number of those that could be.
        """

    def note_results(self, provider: str, results: int) -> None:
        """Note sends of claimed messages: results that did reach the provider."""

    def note_transaction(self, seconds: float) -> None:
        """Note the time from the choice of claims to the end of their transaction."""

    def cost_of(self, provider: str) -> Callable[[Message], int] | None:
        """Return what a message costs of a provider's limits; None: each is one unit."""

    # --- of campaigns ---------------------------------------------------------------------

    def priority_of(self, campaign_id: CampaignId) -> int:
        """Return the priority of a campaign."""

    def campaigns_with_rate(self) -> Collection[CampaignId]:
        """Return the campaigns that have a rate of their own."""

    def claimable_of(self, campaign_id: CampaignId) -> int | None:
        """Return how many more messages of a campaign its rate lets claim; None: no bound."""

    def rate_of(self, campaign_id: CampaignId) -> float | None:
        """Return the messages a second that a rate lets start here; None: it has none."""


class Unbounded:
    """No bounds of single providers."""

    def claimable(self, provider: str, claimed: int, waiting: int) -> int:  # noqa: ARG002
        """Return how many more messages of a provider may be claimed beside those claimed."""
        return ALL

    def note_results(self, provider: str, results: int) -> None:
        """Note sends of claimed messages: results that did reach the provider."""

    def note_transaction(self, seconds: float) -> None:
        """Note the time from the choice of claims to the end of their transaction."""

    def cost_of(self, provider: str) -> Callable[[Message], int] | None:  # noqa: ARG002
        """Return what a message costs of a provider's limits; None: each is one unit."""
        return None

    def priority_of(self, campaign_id: CampaignId) -> int:  # noqa: ARG002 - the protocol's
        """Return the priority of a campaign."""
        return DEFAULT_PRIORITY

    def campaigns_with_rate(self) -> Collection[CampaignId]:
        """Return the campaigns that have a rate of their own."""
        return ()

    def claimable_of(self, campaign_id: CampaignId) -> int | None:  # noqa: ARG002 - the protocol's
        """Return how many more messages of a campaign its rate lets claim; None: no bound."""
        return None

    def rate_of(self, campaign_id: CampaignId) -> float | None:  # noqa: ARG002 - the protocol's
        """Return the messages a second that a rate lets start here; None: it has none."""
        return None


class ClaimWindow:
    """Window of one provider."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()
        self._results = 0
        self._busy: deque[tuple[float, int]] = deque()
        """Time and results about once a second, since messages are under way without a break."""

    def note_results(self, now: float, results: int) -> None:
        """Count results; `now` in seconds."""
        self._results += results
        samples = self._samples
        samples.append((now, self._results))
        while len(samples) > 2 and now - samples[1][0] >= CLAIM_RATE_SPAN:
            samples.popleft()
        self._note_busy(now)

    def note_idle(self, now: float) -> None:
        """Begin a new measurement after a time in which nothing was under way."""
        self._busy.clear()
        self._busy.append((now, self._results))
        if not self._samples or now - self._samples[-1][0] > CLAIM_RATE_SPAN:
            self._samples.clear()
            self._samples.append((now, self._results))

    def note_unused(self, now: float) -> None:
        """Begin a new measurement: there are fewer messages than the provider could be sent."""
        self._busy.clear()
        self._busy.append((now, self._results))

    def rate(self, now: float) -> float | None:
        """Return the sends a second while some were under way; None: not for long enough."""
        self._note_busy(now)
        began, before = self._busy[0] if self._busy else (now, 0)
        if now - began < MEASURED_FOR:
            return None
        return (self._results - before) / (now - began)

    def _note_busy(self, now: float) -> None:
        busy = self._busy
        if busy and now - busy[-1][0] >= MEASURED_FOR:
            busy.append((now, self._results))
            while len(busy) > 2 and now - busy[1][0] >= MEASURED_SPAN:
                busy.popleft()

    def ahead(self, now: float, seconds: float) -> int:
        """Return the number of sends in so many seconds, by the rate of the last moments."""
        began, before = self._samples[0] if self._samples else (now, self._results)
        rate = (self._results - before) / max(now - began, SHORTEST_SPAN)
        return int(rate * seconds)


class ClaimWindows:
    """Windows of all providers, and the grants of those that are limited.

    `connections`: requests that a provider has under way at most; None: no such bound.
    `granted`: messages of a provider that may be claimed by its grants; None: it has no limit.
    `granted_to`: the same of a campaign; None: it has no rate. `paces`: rates and
    priorities of campaigns.
    """

    def __init__(
        self,
        connections: Callable[[str], int | None],
        granted: Callable[[str, float], int | None],
        without_connections: int,
        clock: Callable[[], float],
        *,
        granted_to: Callable[[CampaignId, float], int | None],
        cost_of: Callable[[str], Callable[[Message], int] | None],
        paces: Paces,
    ) -> None:
        self._granted_to = granted_to
        self._cost_of = cost_of
        self._paces = paces
        self._connections = connections
        self._granted = granted
        self._without_connections = without_connections
        self._clock = clock
        self._windows: dict[str, ClaimWindow] = {}
        self._transaction = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of sends that are claimed ahead: until the transaction after the next one."""
        return max(CLAIM_WINDOW, 2 * self._transaction + GATHERED)

    def claimable(self, provider: str, claimed: int, waiting: int) -> int:
        """Return how many more messages of a provider may be claimed beside those claimed."""
        window = self._window(provider)
        now = self._clock()
        if not claimed:
            window.note_idle(now)
        connections = self._connections(provider)
        if connections is None:
            connections = self._without_connections
        free = connections + window.ahead(now, self.seconds) - claimed
        if waiting < free:
            window.note_unused(now)
        granted = self._granted(provider, self.seconds)
        return max(0, free if granted is None else min(free, granted))

    def note_results(self, provider: str, results: int) -> None:
        """Note sends of claimed messages: results that did reach the provider."""
        self._window(provider).note_results(self._clock(), results)

    def note_transaction(self, seconds: float) -> None:
        """Note the time from the choice of claims to the end of their transaction."""
        self._transaction += SMOOTHING * (seconds - self._transaction)

    def rate(self, provider: str) -> float | None:
        """Return the sends a second of the last seconds; None: they are not known."""
        return self._window(provider).rate(self._clock())

    def cost_of(self, provider: str) -> Callable[[Message], int] | None:
        """Return what a message costs of a provider's limits; None: each is one unit."""
        return self._cost_of(provider)

    def priority_of(self, campaign_id: CampaignId) -> int:
        """Return the priority of a campaign."""
        return self._paces.priority_of(campaign_id)

    def campaigns_with_rate(self) -> Collection[CampaignId]:
        """Return the campaigns that have a rate of their own."""
        return self._paces.rates

    def claimable_of(self, campaign_id: CampaignId) -> int | None:
        """Return how many more messages of a campaign its rate lets claim; None: no bound."""
        return self._granted_to(campaign_id, self.seconds)

    def rate_of(self, campaign_id: CampaignId) -> float | None:
        """Return the messages a second that a rate lets start here; None: it has none."""
        rate = self._paces.rates.get(campaign_id)
        return None if rate is None else float(rate.claimable(1.0, 0)) or float(rate.per_second)

    def _window(self, provider: str) -> ClaimWindow:
        window = self._windows.get(provider)
        if window is None:
            window = self._windows[provider] = ClaimWindow()
        return window
