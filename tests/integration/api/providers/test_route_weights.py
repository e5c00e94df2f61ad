"""/v1/routes: the routes of the configuration, and weights that are set live."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.content.price import Price
from campaign_common.settings import Settings, SimulatedSettings
from campaign_common.settings.sections.routes import ChoiceSettings, RouteSettings
from tests.integration.api.lost_commits import lose_first_commit
from tests.integration.api.stored import change, value

URL = "/v1/routes/main"
CONFIGURED = [
    {"provider": "a", "weight": 70, "enabled": True},
    {"provider": "b", "weight": 30, "enabled": True},
    {"provider": "c", "weight": 0, "enabled": True},
]
LIVE = [
    {"provider": "a", "weight": 0, "enabled": True},
    {"provider": "b", "weight": 100, "enabled": True},
    {"provider": "c", "weight": 5, "enabled": False},
]


@pytest.fixture
def routed(settings: Settings) -> Settings:
    choose = tuple(
        ChoiceSettings(provider=name, weight=n) for name, n in {"a": 70, "b": 30}.items()
    )
    main = RouteSettings(
        choose=choose, failover=("b", "c"), after_doubt=True, prefixes={"49": "c", "1": "other"}
    )
    other = RouteSettings(choose=(ChoiceSettings(provider="c", weight=1),))
    prices = {"a": "0.1", "b": "0.3", "c": "0.5"}
    providers = {
        name: SimulatedSettings(price=Price("EUR", Decimal(amount), {}))
        for name, amount in prices.items()
    }
    return replace(
        settings,
        providers=providers,
        route_settings={"main": main, "other": other},
        provider="main",
    )


@pytest.fixture
def client(routed: Settings, pool: Database) -> Iterator[FlaskClient]:
    with create_app(routed, Databases((pool,))).test_client() as client:
        yield client


def answered(client: FlaskClient, url: str = URL) -> dict[str, Any]:
    answer = client.get(url)
    assert answer.status_code == 200
    assert answer.json is not None
    return dict(answer.json)


def test_weights_are_set_read_and_deleted(client: FlaskClient) -> None:
    before = answered(client)
    assert before == {
        "name": "main",
        "is_default": True,
        "source": "configured",
        "choices": CONFIGURED,
        "failover": ["b", "c"],
        "after_doubt": True,
        "prefixes": [{"prefix": "1", "takes": "other"}, {"prefix": "49", "takes": "c"}],
        "events": [],
    }
    for _ in range(2):  # the same once more is no change
        assert client.put(URL, json={"choices": LIVE}).status_code == 200
    read = answered(client)
    assert (read["source"], read["choices"]) == ("live", LIVE)
    assert [event["choices"] for event in read["events"]] == [LIVE]
    assert client.put(URL, json={"choices": [{"provider": "b", "weight": 7}]}).json is not None
    assert [one["weight"] for one in answered(client)["choices"]] == [0, 7, 0]
    deleted = client.delete(URL)
    assert deleted.json is not None
    assert (deleted.json["source"], deleted.json["choices"]) == ("configured", CONFIGURED)
    assert [event["choices"] is None for event in deleted.json["events"]] == [True, False, False]
    assert client.delete(URL).json == deleted.json, "nothing was changed"


def test_all_routes_are_listed(client: FlaskClient) -> None:
    client.put("/v1/routes/other", json={"choices": [{"provider": "c", "weight": 9}]})
    items = answered(client, "/v1/routes")["items"]
    assert [(one["name"], one["source"]) for one in items] == [
        ("main", "configured"),
        ("other", "live"),
    ]


@pytest.mark.parametrize(
    ("choices", "field", "message"),
    [
        ([], "choices", "must have 1 to"),
        ([{"provider": "a", "weight": 0}], "choices", "a weight above 0"),
        ([{"provider": "a", "weight": 1, "enabled": False}], "choices", "is enabled"),
        (2 * [{"provider": "a", "weight": 1}], "choices", "each provider once"),
        ([{"provider": "a", "weight": -1}], "choices.0.weight", "from 0 to 1000000"),
        ([{"provider": "a", "weight": 1_000_001}], "choices.0.weight", "from 0 to 1000000"),
        ([{"provider": "a", "weight": 1.5}], "choices.0.weight", "an integer"),
        ([{"provider": "a", "weight": 1, "enabled": 1}], "choices.0.enabled", "true or false"),
        ([{"provider": "a", "weight": 1, "from": "b"}], "choices.0.from", "is not a field"),
        ([{"weight": 1}], "choices.0.provider", "Missing"),
        (
            [{"provider": "b", "weight": 1}, {"provider": "simulated", "weight": 1}],
            "choices.1.provider",
            "must be one of a, b, c",
        ),
        ([{"provider": "nobody", "weight": 1}], "choices.0.provider", "must be one of a, b, c"),
    ],
)
def test_weights_that_mean_nothing_are_refused(
    client: FlaskClient, choices: list[dict[str, Any]], field: str, message: str
) -> None:
    answer = client.put(URL, json={"choices": choices})
    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert message.lower() in answer.json["errors"][0]["message"].lower()
    assert answered(client)["source"] == "configured"


def test_a_route_that_is_not_configured_is_not_there(client: FlaskClient) -> None:
    for name in ("nobody", "a", "é", 65 * "a"):
        url = f"/v1/routes/{name}"
        assert client.get(url).status_code == 404
        assert client.delete(url).status_code == 404
        assert client.put(url, json={"choices": LIVE}).status_code == 404


def test_weights_of_a_route_that_is_gone_can_be_deleted(
    client: FlaskClient, routed: Settings, pool: Database
) -> None:
    """They would hold again with the name."""
    client.put(URL, json={"choices": LIVE})
    left = {"other": routed.route_settings["other"]}
    later = replace(routed, route_settings=left, provider="other")
    with create_app(later, Databases((pool,))).test_client() as without:
        assert without.get(URL).status_code == 404
        assert without.delete(URL, headers={"If-Match": '"x"'}).status_code == 412
        assert value(pool, "SELECT COUNT(*) FROM route_weights WHERE choices IS NOT NULL") == 1
        for _ in range(2):  # the same once more is no change
            assert (without.delete(URL).status_code, without.delete(URL).data) == (204, b"")
        assert without.delete("/v1/routes/nobody").status_code == 404
    read = answered(client)
    assert read["source"] == "configured"
    assert [event["choices"] for event in read["events"]] == [None, LIVE]
    assert value(pool, "SELECT COUNT(*) FROM route_weights") == 1


def test_a_change_holds_if_the_route_is_as_it_was_read(client: FlaskClient) -> None:
    tag = client.get(URL).headers["ETag"]
    changed = client.put(URL, json={"choices": LIVE}, headers={"If-Match": tag})
    assert changed.status_code == 200
    for method in ("put", "delete"):
        body = {"json": {"choices": CONFIGURED}} if method == "put" else {}
        refused = getattr(client, method)(URL, headers={"If-Match": tag}, **body)
        assert refused.status_code == 412
    assert answered(client)["choices"] == LIVE
    tag = changed.headers["ETag"]
    assert tag == client.get(URL).headers["ETag"]
    assert client.delete(URL, headers={"If-Match": tag}).status_code == 200


def test_of_two_changes_at_a_time_one_holds(routed: Settings, pool: Database) -> None:
    """Both expect the route as it was before."""
    app = create_app(routed, Databases((pool,)))
    tag = app.test_client().get(URL).headers["ETag"]
    begin = Barrier(4)

    def put(weight: int) -> int:
        body = {"choices": [{"provider": "a", "weight": weight}]}
        begin.wait(timeout=10)
        return app.test_client().put(URL, json=body, headers={"If-Match": tag}).status_code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(put, range(1, 5))) == [200, 412, 412, 412]


def test_a_repeated_request_changes_once(client: FlaskClient) -> None:
    """Also where the weights were changed again meanwhile."""
    headers = {"Idempotency-Key": "once", "If-Match": client.get(URL).headers["ETag"]}
    first = client.put(URL, json={"choices": LIVE}, headers=headers)
    client.delete(URL)
    again = client.put(URL, json={"choices": LIVE}, headers=headers)
    assert (again.status_code, again.json) == (200, first.json)
    assert answered(client)["source"] == "configured"


@pytest.mark.parametrize("method", ["put", "delete"])
def test_a_lost_answer_to_the_commit_is_no_mismatch(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The transaction is repeated, and finds what it did before."""
    if method == "delete":
        client.put(URL, json={"choices": CONFIGURED})
    tag, before = client.get(URL).headers["ETag"], len(answered(client)["events"])
    lost = lose_first_commit(pool, monkeypatch)
    body = {"json": {"choices": LIVE}} if method == "put" else {}
    changed = getattr(client, method)(URL, headers={"If-Match": tag}, **body)
    assert (changed.status_code, lost) == (200, [True])
    assert changed.json == answered(client)
    assert len(answered(client)["events"]) == before + 1


def test_only_a_change_is_logged(client: FlaskClient) -> None:
    stale = {"If-Match": client.get(URL).headers["ETag"]}
    with capture_logs() as logs:
        for _ in range(2):
            assert client.put(URL, json={"choices": LIVE}, headers=stale).status_code == 200
        for _ in range(2):
            assert client.delete(URL).status_code == 200
    events = [each["event"] for each in logs if each["event"].startswith("route weights")]
    assert events == ["route weights set", "route weights deleted"]


def test_weights_of_a_newer_version_can_be_replaced(client: FlaskClient, pool: Database) -> None:
    client.put(URL, json={"choices": LIVE})
    change(pool, "UPDATE route_weights SET choices = JSON_ARRAY(5)")
    change(pool, "UPDATE provider_events SET details = JSON_OBJECT('choices', JSON_ARRAY(5))")
    read = answered(client)
    assert (read["source"], read["choices"]) == ("live", None)
    assert [event["choices"] for event in read["events"]] == [None]
    assert client.put(URL, json={"choices": LIVE}).status_code == 200
    assert answered(client)["choices"] == LIVE
