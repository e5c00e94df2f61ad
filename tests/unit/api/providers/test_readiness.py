"""The state of a provider, by what its senders say and the database holds."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from campaign_api.providers.readiness import PresentState, standing_of
from campaign_common.metrics.distribution import SECONDS
from campaign_common.store.limits.usage import DayUse, LimitUse
from campaign_common.store.maintenance.statistics import ProviderStatistics, RecentHeartbeat
from campaign_common.store.messages.provider_breakers import Circuit

NOW = datetime(2027, 1, 31, 12, 0)  # noqa: DTZ001 - as the database has it
SECRET = "secret token, /run/secrets/t: No such file or directory"


def sender(
    name: str = "s-1", *, knows: str = "acme", problem: str | None = None, **said: bool
) -> RecentHeartbeat:
    statistics = ProviderStatistics(
        "open" if said.get("is_open") else "closed",
        said.get("account_refused", False),
        said.get("asked_to_wait", False),
        60.0,
        {},
        ([0] * len(SECONDS), 0, 0.0),
    )
    return RecentHeartbeat(name, NOW, {knows: problem}, {knows: statistics})


def circuit(*, of_account: bool = False, is_open: bool = True) -> Circuit:
    return Circuit(NOW, NOW, 1, of_account, is_open)


def day(taken: int) -> DayUse:
    return DayUse(date(2027, 1, 31), 50, taken, 1_801_440_000.0)


OLD = RecentHeartbeat("old-1", NOW, None, None)
UNREADABLE = sender(problem=SECRET)


@pytest.mark.parametrize(
    ("senders", "found", "state", "problem"),
    [
        pytest.param([], {}, "no_sender", "no sender is running", id="none runs"),
        pytest.param([OLD], {}, "unconfigured", "(old-1) are of an older", id="old ones run"),
        pytest.param(
            [sender(knows="x"), OLD],
            {},
            "unconfigured",
            "(s-1, old-1) has provider acme",
            id="none",
        ),
        pytest.param([UNREADABLE], {}, "unconfigured", f"{SECRET} (on s-1)", id="no secret"),
        pytest.param(
            [UNREADABLE, sender("s-2")], {}, "ready", f"{SECRET} (on s-1)", id="one has the secret"
        ),
        pytest.param([sender()], {}, "ready", None, id="ready"),
        pytest.param(
            [sender()], {"circuit": circuit(of_account=True)}, "account_refused", None, id="account"
        ),
        pytest.param(
            [sender(account_refused=True), sender("s-2", account_refused=True)],
            {"circuit": circuit(of_account=True, is_open=False)},
            "account_refused",
            None,
            id="account, while nothing is sent",
        ),
        pytest.param(
            [sender(account_refused=True), sender("s-2")],
            {"circuit": circuit(of_account=True, is_open=False)},
            "ready",
            None,
            id="one of two accounts",
        ),
        pytest.param(
            [sender(account_refused=True), sender("s-2", problem=SECRET)],
            {},
            "account_refused",
            None,
            id="account, and another sender without its secret",
        ),
        pytest.param(
            [sender(is_open=True)], {}, "circuit_open", None, id="a breaker that is not written"
        ),
        pytest.param(
            [sender(is_open=True), sender("s-2")], {}, "ready", None, id="a breaker of one of two"
        ),
        pytest.param([sender()], {"circuit": circuit()}, "circuit_open", None, id="failures"),
        pytest.param(
            [sender(), sender("s-2", asked_to_wait=True)],
            {"circuit": circuit(), "day": day(50)},
            "retry_after",
            None,
            id="asked to wait",
        ),
        pytest.param(
            [sender()], {"circuit": circuit(is_open=False)}, "ready", None, id="breaker closed"
        ),
        pytest.param([sender()], {"day": day(50)}, "day_used_up", None, id="day used up"),
        pytest.param([sender()], {"day": day(49)}, "ready", None, id="one of the day left"),
    ],
)
def test_the_state_of_a_provider(
    senders: list[RecentHeartbeat], found: dict[str, Any], state: str, problem: str | None
) -> None:
    circuits = {"acme": found["circuit"]} if "circuit" in found else {}
    present = PresentState(senders, circuits, {}, {"acme": LimitUse(None, found.get("day"))})
    standing = standing_of("acme", present)
    assert standing.state == state
    assert problem in str(standing.problem) if problem else standing.problem is None


def test_the_end_of_a_rest_is_in_utc() -> None:
    present = PresentState([sender()], {"acme": circuit()}, {}, {"acme": LimitUse(None, None)})
    assert standing_of("acme", present).until == NOW.replace(tzinfo=UTC)
