"""Limits of a provider, by its own log, while senders are killed, stopped and woken up."""

import signal
import time
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

import pytest
import requests

from campaign_common.domain.message import Status
from tests.chaos.scene import CAMPAIGN, CONNECTIONS, GATEWAY, Scene, boot_time
from tests.support.providers.recording_provider import Faults
from tests.support.services.processes import kill
from tests.support.waiting import wait_until

RATES = 200, 500
"""Requests a second in the short and in the long form."""
AT_ANY_TIME = 1.05
"""Requests that start in any second, as a multiple of those of a slot."""
ON_ARRIVAL = 1.15
"""Requests that arrive in a window, as a multiple of those that start: they wait on the way."""
WINDOW = 3.0
"""Seconds over which arrivals are counted: on a busy machine the provider may stand still."""
LATE = 0.02
"""Seconds after its instant at which a grant is lost."""
CLOCK = 0.002
"""Seconds by which a sender may err about the server's time."""
MOMENT = 0.1
"""Seconds in which no more starts than the rate gives out, and than are late."""
KEPT = 0.97
"""Share of a rate that is used while no sender is disturbed."""
FIRST_SLOTS = 2
"""Slots of the first messages: the senders begin in them."""
LATENCY = 0.2
"""Seconds that the provider takes to answer, where a day is used up."""
LOST_OF_DAY = 0.25
"""Seconds of its rate that a killed sender has been granted of a day."""
LOST_AT_FIRST = 1.0
"""The same of one that begins."""
LOWERED = 50
OBEYED_AFTER = 2.0
"""Seconds after the acknowledgement of lower limits."""


def fullest(times: Sequence[float], seconds: float) -> int:
    """Return the most calls in any window of so many seconds."""
    first = most = 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def fullest_second(times: Sequence[float]) -> int:
    """Return the most calls in any second."""
    return fullest(times, 1.0)


def starts(scene: Scene) -> list[float]:
    """Return the Unix times at which requests have started, as they themselves say."""
    times = [call.started for call in scene.provider.calls()]
    assert None not in times, "a request does not say when it started"
    return sorted(at / 1_000 for at in times if at is not None)


def slots(times: Sequence[float]) -> Counter[int]:
    """Count times by the second that they are in."""
    return Counter(map(int, times))


def shares_used(times: Sequence[float], rate: int) -> list[float]:
    """Return the part of the rate that each slot has had since the senders began.

    The last slot is left out, which may not be over.
    """
    by_slot = slots(times)
    first, running = min(by_slot, default=0) + FIRST_SLOTS, max(by_slot, default=0)
    return [by_slot[slot] / rate for slot in range(first, running)]


def keeps_the_rate(shares: Sequence[float], seconds: int, *, over_all: bool) -> bool:
    """Return whether so many slots in a row, or all and so many at least, have had their share."""
    windows = [shares[n : n + seconds] for n in range(len(shares) - seconds + 1)]
    if over_all and windows:
        windows = [shares]
    return any(fmean(window) >= KEPT for window in windows)


def disturb(scene: Scene) -> None:
    """Stop a sender and wake it up, in the same slot or later, or kill it and start another."""
    senders = [one for one in scene.running() if "campaign-sender" in str(one.args)]
    victim = scene.random.choice(senders)
    if scene.random.random() < 0.25:
        kill(victim)
        scene.start("campaign-sender")
        return
    victim.send_signal(signal.SIGSTOP)
    longest = scene.random.choice((0.6, scene.scale.choose(0.6, 6.0)))
    time.sleep(scene.random.uniform(0.1, longest))
    victim.send_signal(signal.SIGCONT)


def set_limit(scene: Scene, provider: str = "http", /, **limits: object) -> float:
    """Set live limits; return the time since boot of the acknowledgement."""
    url = f"{scene.system.url}/v1/providers/{provider}/limits"
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


def send_through(scene: Scene, provider: str) -> float:
    """Send a campaign through a provider; return the seconds that it took."""
    campaign_id = draft(scene, provider)
    began = boot_time()
    scene.system.change(campaign_id, "start")
    wait_until(lambda: scene.has_finished(campaign_id), interval=0.1)
    took = boot_time() - began
    assert set(scene.statuses(campaign_id).values()) == {Status.SENT}
    return took


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_limit_holds_whatever_happens_to_senders(scene: Scene) -> None:
    """By the start that requests carry, no slot, second or moment has more than its grants.

    The rate is used while no sender is disturbed: over all slots until then in the long form, and
    over some in a row in the short one, beside which other tests run. One that is lowered is
    obeyed after 2 s.
    """
    rate = scene.scale.choose(*RATES)
    rows = scene.scale.choose(12_000, 120_000)
    scene.send_by_template(Limits={"PerSecond": rate})
    scene.provider.set_faults(Faults(latency=0.05))
    _, senders = scene.start_all(senders=4)
    scene.begin(rows)
    undisturbed, over_all = scene.scale.choose(2, 10), scene.scale.is_long
    wait_until(
        lambda: keeps_the_rate(shares_used(starts(scene), rate), undisturbed, over_all=over_all),
        interval=0.5,
    )
    senders[0].send_signal(signal.SIGSTOP)
    kill(senders[1])
    scene.start("campaign-sender")
    scene.wait_for_calls(scene.calls() + 2 * rate)
    senders[0].send_signal(signal.SIGCONT)
    for _ in range(scene.scale.choose(4, 40)):
        scene.wait_a_random_while(rate)
        disturb(scene)
    scene.wait_for_calls(scene.calls() + rate)
    lowered = set_limit(scene, GATEWAY, per_second=LOWERED)
    obeyed_from = time.time() + OBEYED_AFTER
    wait_until(lambda: boot_time() > lowered + OBEYED_AFTER + 4)
    lifted, lifting = boot_time(), time.time()  # before the request: it holds before its response
    assert not scene.has_finished()
    set_limit(scene, GATEWAY)
    account = scene.finish()
    held = [at for at in starts(scene) if at < lifting]
    assert max(slots(held).values()) <= rate
    assert fullest_second(held) <= rate * AT_ANY_TIME
    assert fullest(held, MOMENT) <= 1 + rate * AT_ANY_TIME * (MOMENT + LATE + 2 * CLOCK)
    obeyed = [at for at in held if at > obeyed_from]
    assert 0 < fullest_second(obeyed) <= 1 + LOWERED * AT_ANY_TIME
    arrivals = sorted(call.boot for call in scene.provider.calls())
    in_window = fullest([at for at in arrivals if at < lifted], WINDOW)
    assert in_window <= rate * WINDOW * ON_ARRIVAL
    late = [at for at in arrivals if lowered + OBEYED_AFTER < at < lifted]
    assert 0 < fullest(late, WINDOW) <= LOWERED * WINDOW * ON_ARRIVAL
    assert account.lost == 0
    assert account.duplicates <= scene.suspects()


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_day_is_not_exceeded_by_a_restart_and_a_kill(scene: Scene) -> None:
    """It is exact after a restart in order; a kill loses what senders were granted, and no more.

    A provider whose day is used up rests, without an attempt; higher live limits end the rest.
    """
    per_day = scene.scale.choose(1_000, 9_000)
    scene.configure_provider(Limits={"PerDay": per_day, "Zone": "Asia/Tokyo"})
    scene.provider.set_faults(Faults(latency=LATENCY))
    _, senders = scene.start_all(senders=2)
    scene.begin(2 * per_day)
    scene.wait_for_calls(per_day // 4)
    for sender in senders:
        sender.terminate()
    for sender in senders:
        sender.wait(30)
    granted = "SELECT COALESCE(MAX(taken), 0) FROM provider_days"
    assert scene.count(granted) == scene.calls(), "grants that were left did not come back"
    for _ in senders:
        scene.start("campaign-sender")
    scene.wait_for_calls(per_day // 2)
    for process in scene.running():
        kill(process)
    wait_until(lambda: scene.provider.status()["in_flight"] == 0)
    lost = scene.count(granted) - scene.calls()
    rate = len(senders) * CONNECTIONS / LATENCY
    held = scene.scale.choose(LOST_AT_FIRST, LOST_OF_DAY)
    assert 0 <= lost <= rate * held + len(senders) * CONNECTIONS, "more than was granted"
    scene.start_all(senders=2)
    wait_until(lambda: scene.count(granted) >= per_day)
    used_up = boot_time()
    wait_until(lambda: boot_time() > used_up + 3)
    sent = scene.calls()
    assert per_day * 3 // 4 < sent <= per_day - lost
    attempts = "SELECT COALESCE(MAX(attempts), 0) FROM campaign_messages WHERE status = 3"
    assert scene.count(attempts) == 0
    set_limit(scene, per_second=100_000)
    scene.hurry()
    account = scene.finish()
    assert account.lost == 0
    assert account.duplicates <= scene.suspects()


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_limited_provider_holds_no_other_back(scene: Scene) -> None:
    """On the same partitions: one is sent ten a second, and the other one as fast as alone."""
    scene.configure_provider(Limits={"PerSecond": 10})
    scene.system.configure(Providers={"quick": {"Kind": "simulated"}})
    scene.start_all(senders=1)
    scene.write_csv(3_000)
    scene.system.create(CAMPAIGN, "recipients.csv", delay=3_600)
    alone = send_through(scene, "quick")
    scene.system.change(CAMPAIGN, "start")
    scene.wait_for_calls(10)
    began, before = boot_time(), scene.calls()
    beside = send_through(scene, "quick")
    limited = scene.calls() - before
    assert limited <= 10 * (boot_time() - began + 1)
    assert beside <= 4 * (alone + 1.0), "at the rate of the other one it takes five minutes"
    assert not scene.has_finished(CAMPAIGN)
    set_limit(scene)
    account = scene.finish()
    assert (account.lost, account.duplicates) == (0, 0)
