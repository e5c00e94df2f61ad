"""Rates and priorities of campaigns on one provider, by its own log."""

from collections.abc import Sequence
from typing import Any

import pytest
import requests

from tests.chaos.scene import CAMPAIGN, Scene, boot_time
from tests.chaos.test_limits import OBEYED_AFTER, fullest, set_limit
from tests.support.providers.recording_provider import Faults
from tests.support.waiting import wait_until

RATE = 20
LOWERED = 5
LIMIT = 50
RECIPIENTS = 1_500
SLOW, LATE = CAMPAIGN, CAMPAIGN + 1


WINDOW = 3.0
"""Seconds over which arrivals are counted: on a busy machine requests wait on the way."""


def allowed(rate: int) -> float:
    """Return the requests of a campaign that may arrive in a window."""
    return rate * 1.25 * WINDOW + 1


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
    for campaign_id, recipients in ((LATE, 10), (SLOW, RECIPIENTS)):
        scene.write_csv(recipients)
        scene.system.create(campaign_id, "recipients.csv", delay=3_600)
    change(scene, SLOW, max_rate=RATE)
    change(scene, LATE, priority=10)
    quick = draft(scene, like=SLOW)
    scene.system.change(SLOW, "start")
    wait_until(lambda: len(times_of(scene, SLOW)) > RATE)
    scene.system.change(quick, "start")
    wait_until(lambda: scene.has_finished(quick), interval=0.2)
    assert not scene.has_finished(SLOW), "its rate held the other one back"
    lowered = change(scene, SLOW, max_rate=LOWERED)
    wait_until(lambda: boot_time() > lowered + OBEYED_AFTER + 1.5)
    lifted = boot_time()  # before the request: it takes effect before its response
    change(scene, SLOW, max_rate=None)
    set_limit(scene, per_second=LIMIT)
    scene.system.change(LATE, "start")
    wait_until(lambda: scene.has_finished(LATE), interval=0.2)
    assert not scene.has_finished(SLOW)
    set_limit(scene)
    account = scene.finish(SLOW)
    times = times_of(scene, SLOW)
    assert fullest([at for at in times if at < lowered], WINDOW) <= allowed(RATE)
    obeyed = [at for at in times if lowered + OBEYED_AFTER < at < lifted]
    assert 0 < fullest(obeyed, WINDOW) <= allowed(LOWERED)
    assert (account.lost, account.duplicates) == (0, 0)
    first, *_, last = times_of(scene, LATE)
    meanwhile = sum(first < at < last for at in times)
    assert meanwhile < RECIPIENTS // 4, "it waited behind what had begun before"
