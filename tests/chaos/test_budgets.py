"""Budget of a campaign, by the provider's own log, while a sender is killed."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
import requests

from campaign_common.domain.content.price import Price
from campaign_common.domain.message import Status
from campaign_common.store.campaigns.transitions import BUDGET_USED_UP
from tests.chaos.scene import CAMPAIGN, Scene
from tests.support.providers.recording_provider import Call, Faults
from tests.support.services.processes import kill
from tests.support.waiting import wait_until

AMOUNTS = {"139000001": "0.05", "1390000": "0.035", "default": "1"}
PRICE = Price(
    "EUR",
    Decimal(AMOUNTS["default"]),
    {prefix: Decimal(text) for prefix, text in AMOUNTS.items() if prefix != "default"},
)


def cost_of(calls: Sequence[Call]) -> Decimal:
    """Return the sum of the prices of calls, each of one segment."""
    return sum((PRICE.cost_of(call.sent.phone, 1).amount for call in calls), Decimal())


def ask(scene: Scene, method: str, path: str = "", **body: object) -> dict[str, object]:
    """Send a request about the campaign."""
    url = f"{scene.system.url}/v1/campaigns/{CAMPAIGN}{path}"
    answer = requests.request(method, url, json=body or None, timeout=30)
    assert answer.ok, answer.text
    described: dict[str, object] = answer.json()
    return described


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_budget_holds_whoever_is_killed(scene: Scene) -> None:
    """It is not exceeded, and pauses the campaign; raised and resumed, everybody is sent one."""
    rows = scene.scale.choose(1_200, 20_000)
    # So few that a sender holds the money of few messages when it is killed.
    scene.configure_provider(Price={"Currency": "EUR", "PerSegment": AMOUNTS}, Connections=16)
    scene.provider.set_faults(Faults(latency=0.1))
    _, senders = scene.start_all(senders=2)
    scene.write_csv(rows)
    scene.system.create(CAMPAIGN, "recipients.csv", delay=3_600)
    total = sum((PRICE.cost_of(phone, 1).amount for phone in scene.phones), Decimal())
    budget = (total / 2).quantize(Decimal("0.000001"))
    ask(scene, "PATCH", budget=str(budget))
    ask(scene, "POST", "/start")
    scene.wait_for_calls(rows // 6)
    kill(senders[0])
    wait_until(lambda: ask(scene, "GET")["state"] == "paused", scene.scale.patience(60))
    progress = ask(scene, "GET", "/progress")
    assert progress["paused"]["reason"] == BUDGET_USED_UP  # type: ignore[index]
    spent = cost_of(scene.provider.calls())
    assert budget * 3 / 4 < spent <= budget
    # The others have not started, or wait: more of them than a sender keeps went back.
    ended = f"status NOT IN ({Status.NOT_STARTED:d}, {Status.SENT:d}, {Status.WAITING:d})"
    assert scene.count(f"SELECT COUNT(*) FROM campaign_messages WHERE {ended}") == 0
    scene.hurry()
    ask(scene, "PATCH", budget=str(2 * total))
    ask(scene, "POST", "/resume")
    account = scene.finish()
    assert (account.lost, account.unknown) == (0, 0)
    assert account.duplicates <= scene.suspects()
    assert cost_of(scene.provider.calls()) <= 2 * total
