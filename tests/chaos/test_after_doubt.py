"""A route that goes on after doubt, and weights that change, by what two gateways have written."""

from collections import Counter
from pathlib import Path

import requests

from campaign_common.domain.message import Status
from tests.chaos.scene import CAMPAIGN, Scene
from tests.chaos.spare_provider import MAIN, PAIR, SPARE, add_spare
from tests.support.providers.recording_provider import Faults
from tests.support.waiting import wait_until

ROWS = 200
LOST_ANSWERS = Faults(half=1.0)
ROUTE = {
    "Choose": [{"Provider": MAIN, "Weight": 100}, {"Provider": SPARE, "Weight": 1}],
    "Failover": [SPARE, MAIN],
    "AfterDoubt": True,
}


def test_the_next_gateway_gets_what_the_first_one_took(scene: Scene, tmp_path: Path) -> None:
    """The first one takes and loses its answers; each send after that is counted.

    Then all weight is moved to the other one, which gets the whole of the next campaign.
    """
    spare = add_spare(scene, tmp_path, ROUTE)
    scene.provider.set_faults(LOST_ANSWERS)
    scene.start_all()
    weigh(scene, {MAIN: 100, SPARE: 0})
    scene.begin(ROWS)
    wait_until(scene.has_finished, scene.scale.patience(120))
    assert set(scene.recorded().values()) == {Status.SENT}
    at_main = Counter(call.sent.phone for call in scene.provider.calls())
    at_spare = Counter(call.sent.phone for call in spare.calls())
    assert set(at_spare) == set(scene.phones), "the first one never says that it has taken one"
    assert len(at_main) > ROWS // 10, "it was sent hardly any: nothing was shown"
    assert max((at_main + at_spare).values()) == 2, "once at each"
    assert duplicates(scene, CAMPAIGN) == len(at_main)
    weigh(scene, {MAIN: 0, SPARE: 100})
    scene.begin(ROWS, CAMPAIGN + 1)
    wait_until(lambda: scene.has_finished(CAMPAIGN + 1), scene.scale.patience(120))
    assert len(scene.provider.calls()) == at_main.total()
    assert len(spare.calls()) == 2 * ROWS
    assert duplicates(scene, CAMPAIGN + 1) == 0


def weigh(scene: Scene, weights: dict[str, int]) -> None:
    choices = [{"provider": name, "weight": weight} for name, weight in weights.items()]
    url = f"{scene.system.url}/v1/routes/{PAIR}"
    answer = requests.put(url, json={"choices": choices}, timeout=30)
    assert answer.status_code == 200, answer.text


def duplicates(scene: Scene, campaign_id: int) -> int:
    url = f"{scene.system.url}/v1/campaigns/{campaign_id}/progress"
    return int(requests.get(url, timeout=30).json()["possible_duplicates"])
