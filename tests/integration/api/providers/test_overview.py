"""GET /v1/providers, and of one."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import Scope
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.metrics.distribution import SECONDS
from campaign_common.settings import Settings
from campaign_common.store.limits.live_limits import set_live
from campaign_common.store.maintenance.statistics import ProviderStatistics
from tests.integration.api.providers.heartbeats import beat, statistics
from tests.integration.api.stored import change
from tests.support.keys import bearer, make_key
from tests.unit.providers.gateways import gateway

OPEN = """
INSERT INTO provider_breakers (provider, open_until, opened_at, opened_by, times_opened)
VALUES ('simulated', NOW(6) + INTERVAL %s SECOND, NOW(6), 's', 3)
"""

REFUSED = """
INSERT INTO provider_account_breakers
  (provider, account, open_until, opened_at, opened_by, times_opened)
VALUES ('simulated', 'digest', NOW(6) + INTERVAL %s SECOND, NOW(6), 's', 1)
"""

ACCEPTED = """
INSERT INTO provider_account_breakers
  (provider, account, open_until, accepted_at, opened_at, opened_by, times_opened)
VALUES ('simulated', 'other', NOW(6), NOW(6), NOW(6), 's', 0)
"""

TAKEN = "INSERT INTO provider_days (provider, day, taken) VALUES ('simulated', UTC_DATE(), %s)"

SLOT = """
INSERT INTO provider_slots (provider, slot, quota, per_second, shares, spare_taken, server)
SELECT 'simulated', FLOOR(UNIX_TIMESTAMP(NOW(6))) + n, 10, 10, '{"a": 3, "b": 2}', 1, ''
FROM (SELECT 0 n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) seconds
"""


def one(client: FlaskClient, name: str = "simulated") -> dict[str, Any]:
    answer = client.get(f"/v1/providers/{name}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json  # type: ignore[assignment]
    return found


def test_all_providers_are_listed(settings: Settings, pool: Database) -> None:
    providers = {"acme": gateway(Body={"Type": "json", "Json": {"t": "{body}"}})}
    configured = replace(settings, providers=MappingProxyType(providers), provider="acme")
    client = create_app(configured, Databases((pool,))).test_client()
    beat(pool)
    beat(pool, "sender-2", acme=statistics(), simulated=statistics("open"))
    items = client.get("/v1/providers").json["items"]  # type: ignore[index]
    assert [
        (item["name"], item["kind"], item["preset"], item["is_default"], item["state"])
        for item in items
    ] == [("simulated", "simulated", None, False, "ready"), ("acme", "http", None, True, "ready")]
    assert [[sender["name"] for sender in item["senders"]] for item in items] == [
        ["sender-1", "sender-2"],
        ["sender-2"],
    ]
    assert items[0]["senders"][1]["breaker"] == "open"


def test_the_state_follows_what_the_database_holds(client: FlaskClient, pool: Database) -> None:
    pool.run(lambda cursor: set_live(cursor, "simulated", ProviderLimits(per_day=50), "me"))
    states = []
    for statement, *arguments in (
        ("DO 0",),
        (TAKEN, 50),
        (REFUSED, 40),
        (ACCEPTED,),
        (OPEN, 90),
    ):
        beat(pool)
        change(pool, statement, *arguments)
        found = one(client)
        states.append((found["state"], found["until"] is not None, found["problem"]))
    assert states == [
        ("ready", False, None),
        ("day_used_up", True, None),
        ("account_refused", True, None),
        ("day_used_up", True, None),  # another account is accepted
        ("circuit_open", True, None),
    ]


def test_limits_and_their_use(client: FlaskClient, pool: Database) -> None:
    limits = ProviderLimits(per_second=Decimal(10), per_day=500)
    pool.run(lambda cursor: set_live(cursor, "simulated", limits, "me"))
    change(pool, TAKEN, 120)
    change(pool, SLOT)
    found = one(client)
    assert (found["limits"]["source"], found["limits"]["limits"]["per_second"]) == ("live", 10.0)
    assert found["second"] == {"quota": 10, "granted": 6}
    assert (found["day"]["per_day"], found["day"]["taken"]) == (500, 120)
    assert found["day"]["ends_at"].endswith("T00:00:00.000Z")
    assert [(event["kind"], event["actor"]) for event in found["events"]] == [("limits", "me")]


def durations(**by_bound: int) -> tuple[list[int], int, float]:
    """Count durations by the bound that they are below, each of half of it."""
    given = {float(bound[1:].replace("_", ".")): n for bound, n in by_bound.items()}
    at_most = [sum(n for each, n in given.items() if each <= bound) for bound in SECONDS]
    return at_most, sum(given.values()), sum(bound / 2 * n for bound, n in given.items())


def test_answers_and_latency_are_those_of_all_senders(client: FlaskClient, pool: Database) -> None:
    first: Mapping[str, ProviderStatistics] = {
        "simulated": statistics(
            answers={"accepted": 90, "throttled": 5}, durations=durations(s0_1=90, s0_25=5)
        )
    }
    second = {"simulated": statistics(answers={"accepted": 5}, durations=durations(s5_0=5))}
    beat(pool, "s-1", **first)
    beat(pool, "s-2", **second)
    found = one(client)
    assert {word: n for word, n in found["answers"].items() if n} == {"success": 95, "throttled": 5}
    latency = found["latency"]
    assert latency["requests"] == 100
    assert latency["mean"] == pytest.approx((90 * 0.05 + 5 * 0.125 + 5 * 2.5) / 100, abs=1e-4)
    assert 0.05 < latency["p50"] < 0.1
    assert latency["p95"] == pytest.approx(0.25)
    assert 2.5 < latency["p99"] <= 5.0


def test_breaker_and_possible_duplicates(
    client: FlaskClient, settings: Settings, pool: Database
) -> None:
    beat(pool)
    found = one(client)
    assert (found["breaker"], found["possible_duplicates"], found["latency"]) == (None, 0, None)
    change(pool, OPEN, -1)
    for campaign in (1, 2):
        change(pool, f"INSERT INTO possible_duplicates VALUES ({campaign}, 0, 'simulated', 3)")
    fresh = create_app(settings, Databases((pool,)))  # sums are cached for seconds
    found = one(fresh.test_client())
    assert (found["breaker"]["times_opened"], found["possible_duplicates"]) == (3, 6)


def test_every_key_reads_and_unknown_ones_are_not_found(
    client: FlaskClient, pool: Database
) -> None:
    headers = bearer(make_key(pool, Scope.READ))
    assert client.get("/v1/providers", headers=headers).status_code == 200
    assert client.get("/v1/providers/simulated", headers=headers).status_code == 200
    assert client.get("/v1/providers/nobody", headers=headers).status_code == 404
    assert client.get("/v1/providers").status_code == 401


def test_why_senders_can_not_send_is_said_to_administrators(
    client: FlaskClient, pool: Database
) -> None:
    """It names a secret and its file."""
    problem = "secret token, /run/secrets/t: No such file or directory"
    beat(pool, providers={"simulated": problem})
    paths = ("/v1/providers", "/v1/providers/simulated")
    for scope in Scope:
        headers = bearer(make_key(pool, scope))
        answers = [client.get(path, headers=headers).get_data(as_text=True) for path in paths]
        shown = [problem in answer for answer in answers]
        assert shown == [scope is Scope.ADMIN] * 2, scope
        assert all("can not send" in answer or problem in answer for answer in answers)
