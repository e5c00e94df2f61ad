"""Overview of providers: connections that it holds, and what it says to whom."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from campaign_api.providers import overview
from campaign_api.providers.overview import ProviderOverview
from campaign_api.withheld_reasons import REASON_WITHHELD
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.store.limits.usage import LimitUse
from campaign_common.store.maintenance.statistics import RecentHeartbeat
from tests.support.waiting import wait_until
from tests.unit.api.providers.test_readiness import SECRET, UNREADABLE, sender

PATIENCE = 10.0


class Site:
    """Sessions that are open, and a sum that a test may hold up, in place of a database server."""

    def __init__(self) -> None:
        self.open = 0
        self.has_read = 0
        self.sums = 0
        self._counting = threading.Lock()
        self.is_summing = threading.Event()
        self.may_sum = threading.Event()
        self.may_sum.set()
        configured = {"acme": SimpleNamespace(limits=SimpleNamespace(limits=ProviderLimits()))}
        settings: Any = SimpleNamespace(configured_providers=configured, provider="acme")
        databases: Any = self
        self.overview = ProviderOverview(databases, settings)

    @contextmanager
    def reading(self) -> Iterator[Any]:
        self._count(1)
        yield SimpleNamespace(main=None)
        self._count(-1)

    def _count(self, change: int) -> None:
        with self._counting:
            self.open += change

    def heartbeats(self, _: object) -> list[RecentHeartbeat]:
        with self._counting:
            self.has_read += 1
        return [UNREADABLE, sender("s-2")]

    def sum(self, _: object) -> Counter[str]:
        self.sums += 1
        self.is_summing.set()
        assert self.may_sum.wait(PATIENCE)
        return Counter(acme=3)

    def read(self, *, shows_reasons: bool = True) -> dict[str, Any]:
        (found,) = self.overview.read_all(shows_reasons=shows_reasons)
        return found


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site()
    monkeypatch.setattr(overview, "possible_duplicates_by_provider", site.sum)
    monkeypatch.setattr(overview, "read_all_live", lambda _: SimpleNamespace(limits={}))
    monkeypatch.setattr(overview, "recent_heartbeats", site.heartbeats)
    monkeypatch.setattr(overview, "read_circuits", lambda _: {})
    monkeypatch.setattr(overview, "read_use", lambda *_: {"acme": LimitUse(None, None)})
    return site


def test_requests_that_wait_for_a_sum_hold_no_connection(site: Site) -> None:
    """The sums take seconds of a large site, and the pool is that of all requests."""
    site.may_sum.clear()
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(site.read()["possible_duplicates"]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    assert site.is_summing.wait(PATIENCE)
    wait_until(lambda: (site.has_read, site.open) == (4, 1), PATIENCE)
    site.may_sum.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert (found, site.sums, site.open) == ([3] * 4, 1, 0)


@pytest.mark.parametrize(
    ("shows_reasons", "said"),
    [(True, SECRET), (False, REASON_WITHHELD)],
    ids=["to administrators", "to others"],
)
def test_only_administrators_are_told_of_secrets(
    site: Site, shows_reasons: bool, said: str
) -> None:
    found = site.read(shows_reasons=shows_reasons)
    assert found["problem"] == f"{said} (on s-1)"
    assert [one["problem"] for one in found["senders"]] == [said, None]
    assert ("/run/secrets" in json.dumps(found, default=str)) is shows_reasons
