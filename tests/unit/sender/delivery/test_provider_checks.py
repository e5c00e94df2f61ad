"""Units of a day that checks take, and give back where nothing is sent."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from pymysql.err import DataError

from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.errors import DatabaseUnavailable
from campaign_common.store.limits import single_sends
from campaign_common.store.messages.provider_checks import CheckContent, CheckResult, TakenCheck
from campaign_providers.check import (
    CheckImpossible,
    Exchange,
    PreparedCheck,
    Reading,
    ShownRequest,
)
from campaign_providers.contract import OutboundMessage
from campaign_sender.delivery import provider_checks
from campaign_sender.delivery.provider_checks import CHECK_SEND_WITHIN, ProviderChecks
from tests.unit.sender.limiting.tables import BEGIN, Tables

WAITING = TakenCheck(7, "gateway", "13900000001", CheckContent("hi"), dry_run=False)


class Site:
    """A check that waits, and a day, in place of a database server."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.ended = threading.Event()
        self.result: CheckResult | None = None
        self.error_of_returns: Exception | None = None

    @property
    def taken(self) -> int:
        return sum(self.tables.days.values())

    @contextmanager
    def transaction(self) -> Iterator["Site"]:
        yield self

    reading = transaction

    def execute(self, statement: str) -> None:
        assert statement == single_sends.SELECT_MOMENT

    def fetchall(self) -> tuple[tuple[float]]:
        return ((BEGIN,),)

    def return_of_day(self, cursor: object, provider: str, day: date, units: int) -> None:
        if self.error_of_returns is not None:
            raise self.error_of_returns
        self.tables.return_of_day(cursor, provider, day, units)

    def end(self, _: object, __: object, result: CheckResult) -> None:
        self.result = result
        self.ended.set()

    def check(self, *times: float, send: Callable[[], Exchange]) -> CheckResult:
        """Make the check, with these times at each look at the clock; return its result."""
        now = iter(times)
        database: Any = self
        limits = {"gateway": ProviderLimits(per_day=5)}
        checks = ProviderChecks(
            database, {"gateway": Gateway(send)}, limits, Accounts(), "me-1", lambda: next(now)
        )
        checks.step()
        assert self.ended.wait(10)
        assert self.result is not None
        return self.result


class Gateway:
    name = "gateway"
    longest = 7.0

    def __init__(self, send: Callable[[], Exchange]) -> None:
        self._send = send

    def prepare(self, _: OutboundMessage) -> PreparedCheck:
        return PreparedCheck(ShownRequest("POST", "x", [], ""), None, "digest", self._send)


class Accounts:
    def problems(self) -> Mapping[str, str | None]:
        return {}

    def note_accepted_check(self, provider: str, account: str | None) -> None:
        """Note nothing."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site()
    monkeypatch.setattr(single_sends, "read_live", lambda *_: None)
    monkeypatch.setattr(single_sends, "take_of_day", site.tables.take_of_day)
    monkeypatch.setattr(single_sends, "return_of_day", site.return_of_day)
    monkeypatch.setattr(provider_checks, "is_check_waiting", lambda _: True)
    monkeypatch.setattr(provider_checks, "take_check", lambda *_: WAITING)
    monkeypatch.setattr(provider_checks, "end_check", site.end)
    return site


def accepted() -> Exchange:
    return Exchange(None, Reading("success", None, "id-1"))


def impossible() -> Exchange:
    raise CheckImpossible("a certificate can not be read")


LATE = 100.0 + CHECK_SEND_WITHIN + 1.0


@pytest.mark.parametrize(
    ("times", "send", "problem", "taken"),
    [
        pytest.param((100.0, 100.1, 100.2), accepted, None, 1, id="sent"),
        pytest.param((100.0, LATE), accepted, "stood still", 0, id="late before the day is asked"),
        pytest.param((100.0, 100.1, LATE), accepted, "stood still", 0, id="late after that"),
        pytest.param((100.0, 100.1, 100.2), impossible, "certificate", 0, id="no connection"),
    ],
)
def test_a_check_takes_a_unit_of_the_day_only_if_it_is_sent(
    site: Site,
    times: tuple[float, ...],
    send: Callable[[], Exchange],
    problem: str | None,
    taken: int,
) -> None:
    result = site.check(*times, send=send)
    assert (problem is None) is (result.problem is None)
    assert (problem or "") in (result.problem or "")
    assert (site.taken, result.is_unknown) == (taken, False)


@pytest.mark.parametrize(
    "error", [DatabaseUnavailable("away"), DataError(1264, "out of range")], ids=["down", "refused"]
)
def test_a_unit_that_is_not_returned_hides_no_reason(site: Site, error: Exception) -> None:
    site.error_of_returns = error
    result = site.check(100.0, 100.1, LATE, send=accepted)
    assert "stood still" in str(result.problem)
    assert (site.taken, result.is_unknown) == (1, False)
