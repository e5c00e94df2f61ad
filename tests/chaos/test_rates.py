"""Rates and priorities of campaigns on one provider, by its own log."""

from collections.abc import Sequence
from typing import Any

import pytest
import requests

from tests.chaos.scene import CAMPAIGN, Scene, boot_time
from tests.chaos.test_limits import OBEYED_AFTER, fullest_second, set_limit
from tests.support.providers.recording_provider import Faults
from tests.support.waiting import wait_until

RATE = 20
LOWERED = 5
SMALL = CAMPAIGN + 1
OF_SMALL = 10
OF_LARGE = 1_500
LIMIT = 50


def allowed(rate: int) -> float:
    """Return the requests of a campaign that may arrive in a second: they wait on the way."""
    return rate * 1.4 + 1


def change(scene: Scene, campaign_id: int, **fields: Any) -> float:  # noqa: ANN401 - JSON
    """Change a campaign; return the time since boot of the acknowledgement."""
    url = f"{scene.system.url}/v1/campaigns/{campaign_id}"
    answer = requests.patch(url, json=fields, timeout=30)
    assert answer.status_code == 200, answer.text
    return boot_time()


def draft(scene: Scene, like: int, **fields: Any) -> int:  # noqa: ANN401 - JSON
    """Draft a campaign to the recipients of another one; return its id."""
    campaigns = f"{scene.system.url}/v1/campaigns"
    recipients = requests.get(f"{campaigns}/{like}", timeout=30).json()["recipient_list_id"]
    fields |= {"name": "beside it", "recipient_list_id": recipients, "template": "hi {name}"}
    answer = requests.post(campaigns, json=fields, timeout=30)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def times_of(scene: Scene, campaign_id: int) -> Sequence[float]:
    calls = scene.provider.calls()
    return sorted(call.boot for call in calls if call.sent.campaign_id == campaign_id)


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_rates_and_priorities_of_campaigns(scene: Scene) -> None:
    """A rate holds over both senders, and holds no other back; a late campaign has its share."""
    scene.provider.set_faults(Faults(latency=0.02))
    scene.start_all(senders=2)
    scene.begin(OF_SMALL, SMALL)
    wait_until(lambda: scene.has_finished(SMALL), interval=0.2)
    scene.begin(OF_LARGE)
    wait_until(lambda: scene.has_finished(), interval=0.2)
    slow = draft(scene, CAMPAIGN, max_rate=RATE)
    quick, late = draft(scene, CAMPAIGN), draft(scene, SMALL, priority=10)
    scene.system.change(slow, "start")
    wait_until(lambda: len(times_of(scene, slow)) > RATE)
    began = boot_time()
    scene.system.change(quick, "start")
    wait_until(lambda: scene.has_finished(quick), interval=0.2)
    took = boot_time() - began
    lowered = change(scene, slow, max_rate=LOWERED)
    wait_until(lambda: boot_time() > lowered + OBEYED_AFTER + 2)
    lifted = change(scene, slow, max_rate=None)
    set_limit(scene, per_second=LIMIT)
    scene.system.change(late, "start")
    wait_until(lambda: scene.has_finished(late), interval=0.2)
    assert not scene.has_finished(slow)
    set_limit(scene)
    account = scene.finish(slow)
    times = times_of(scene, slow)
    assert fullest_second([at for at in times if at < lowered]) <= allowed(RATE)
    obeyed = [at for at in times if lowered + OBEYED_AFTER < at < lifted]
    assert 0 < fullest_second(obeyed) <= allowed(LOWERED)
    assert took < OF_LARGE / RATE / 4
    assert (account.lost, account.duplicates) == (0, 0)
    began, *_, ended = times_of(scene, late)
    assert ended - began < 3.0
