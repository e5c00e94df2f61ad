"""Limits of a provider, by its own log, while senders are killed, stopped and woken up."""

import signal
from collections.abc import Sequence

import pytest
import requests

from campaign_common.domain.message import Status
from tests.chaos.scene import CAMPAIGN, Scene, boot_time
from tests.support.providers.recording_provider import Faults
from tests.support.services.processes import kill
from tests.support.waiting import wait_until

PER_SECOND = 500
ON_ARRIVAL = 1.15
"""Requests that arrive in a second, as a multiple of those that start: they wait on the way."""
LOWERED = 50
OBEYED_AFTER = 2.0
"""Seconds after the acknowledgement of lower limits."""


def fullest_second(times: Sequence[float]) -> int:
    """Return the most calls in any second."""
    first = most = 0
    for last, at in enumerate(times):
        while times[first] <= at - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def set_limit(scene: Scene, **limits: object) -> float:
    """Set live limits; return the time since boot of the acknowledgement."""
    url = f"{scene.system.url}/v1/providers/http/limits"
    answer = requests.put(url, json=limits, timeout=30)
    assert answer.status_code == 200, answer.text
    return boot_time()


def draft(scene: Scene, provider: str) -> int:
    """Draft a campaign to the recipients of the first one; return its id."""
    campaigns = f"{scene.system.url}/v1/campaigns"
    first = requests.get(f"{campaigns}/{CAMPAIGN}", timeout=30).json()
    drafted = {
        "name": "beside it",
        "recipient_list_id": first["recipient_list_id"],
        "template": "hi {name}",
        "provider": provider,
    }
    answer = requests.post(campaigns, json=drafted, timeout=30)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_limit_holds_whatever_happens_to_senders(scene: Scene) -> None:
    """No second has more calls than the limit allows; one that is lowered is obeyed after 2 s."""
    rows = scene.scale.choose(12_000, 60_000)
    scene.configure_provider(Limits={"PerSecond": PER_SECOND})
    scene.provider.set_faults(Faults(latency=0.05))
    _, senders = scene.start_all(senders=4)
    scene.begin(rows)
    scene.wait_for_calls(1_500)
    senders[0].send_signal(signal.SIGSTOP)
    kill(senders[1])
    scene.start("campaign-sender")
    scene.wait_for_calls(2_500)
    senders[0].send_signal(signal.SIGCONT)
    scene.wait_for_calls(rows * 2 // 3)
    lowered = set_limit(scene, per_second=LOWERED)
    wait_until(lambda: boot_time() > lowered + OBEYED_AFTER + 4)
    raised = set_limit(scene)
    account = scene.finish()
    times = sorted(call.boot for call in scene.provider.calls())
    assert fullest_second([at for at in times if at < lowered]) <= PER_SECOND * ON_ARRIVAL
    obeyed = [at for at in times if lowered + OBEYED_AFTER < at < raised]
    assert 0 < fullest_second(obeyed) <= LOWERED * ON_ARRIVAL
    assert account.lost == 0
    assert account.duplicates <= scene.suspects()


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_day_is_not_exceeded_by_a_restart_and_a_kill(scene: Scene) -> None:
    """The used-up day rests without an attempt; higher limits that are set live end the rest."""
    per_day = scene.scale.choose(600, 6_000)
    scene.configure_provider(Limits={"PerDay": per_day, "Zone": "Asia/Tokyo"})
    scene.provider.set_faults(Faults(latency=0.05))
    _, senders = scene.start_all(senders=2)
    scene.begin(2 * per_day)
    scene.wait_for_calls(per_day // 4)
    kill(senders[0])
    senders[1].terminate()
    scene.start("campaign-sender")
    senders[1].wait(30)
    granted = "SELECT COALESCE(MAX(taken), 0) FROM provider_days"
    wait_until(lambda: scene.count(granted) >= per_day)
    used_up = boot_time()
    wait_until(lambda: boot_time() > used_up + 3)
    sent = scene.calls()
    assert per_day * 3 // 4 < sent <= per_day
    assert (
        scene.count("SELECT COALESCE(MAX(attempts), 0) FROM campaign_messages WHERE status = 3")
        == 0
    )
    set_limit(scene, per_second=100_000)
    scene.hurry()
    account = scene.finish()
    assert account.lost == 0
    assert account.duplicates <= scene.suspects()


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_limited_provider_holds_no_other_back(scene: Scene) -> None:
    """On the same partitions: one is sent ten a second, and the other one is done long before."""
    scene.configure_provider(Limits={"PerSecond": 10})
    scene.system.configure(Providers={"quick": {"Kind": "simulated"}})
    scene.start_all(senders=1)
    scene.begin(3_000)
    scene.wait_for_calls(10)
    quick = draft(scene, "quick")
    began, before = boot_time(), scene.calls()
    scene.system.change(quick, "start")
    wait_until(lambda: scene.has_finished(quick), interval=0.2)
    limited = scene.calls() - before
    assert limited <= 10 * (boot_time() - began + 1)
    assert not scene.has_finished(CAMPAIGN)
    assert set(scene.statuses(quick).values()) == {Status.SENT}
    set_limit(scene)
    account = scene.finish()
    assert (account.lost, account.duplicates) == (0, 0)
