"""POST /v1/campaigns/{id}/dry-run: the whole list, without sending anything."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_api.campaigns import dry_run
from campaign_api.campaigns.dry_run import DryRuns
from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.price import Price
from campaign_common.domain.message import idempotency_key
from campaign_common.domain.shard import shard_of
from campaign_common.settings import Settings, SimulatedSettings
from campaign_common.settings.sections.routes import ChoiceSettings, RouteSettings
from tests.integration.api.conftest import SHARDS
from tests.integration.api.stored import add_list, change

PATH = "/v1/campaigns"
PHONES = [str(13961467500 + n) for n in range(10)]

INSERT_CAMPAIGN = (
    "INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, shards, total,"
    " started_at, finished_at, created_at) VALUES (%s, '', '', %s, 'at_least_once', 'simulated',"
    " 'finished', %s, %s, NOW(6) - INTERVAL %s SECOND, NOW(6) - INTERVAL %s SECOND, NOW(6))"
)


def people(count: int = 10, **changes: tuple[str, Mapping[str, str]]) -> Sequence[Any]:
    """People with a name and a city, but for those that `changes` names as p0, p1, …"""
    usual = ("Ann", {"city": "Oslo"})
    return [(PHONES[n], *changes.get(f"p{n}", usual)) for n in range(count)]


def draft(
    client: FlaskClient,
    template: str = "hi {name} in {city|town}",
    list_id: int = 1,
    budget: str | None = None,
) -> int:
    new = {"name": "spring", "template": template, "recipient_list_id": list_id, "budget": budget}
    answer = client.post(PATH, json=new)
    assert answer.json is not None
    return int(answer.json["id"])


def played(client: FlaskClient, campaign_id: int) -> dict[str, Any]:
    answer = client.post(f"{PATH}/{campaign_id}/dry-run")
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json, dict)
    return answer.json


def started(pool: Database, campaign_id: int, list_id: int, days_ago: float = 1.0) -> None:
    seconds = int(days_ago * 86_400)
    change(pool, INSERT_CAMPAIGN, campaign_id, list_id, SHARDS, 1_000, seconds, seconds - 10)


def record(pool: Database, campaign_id: int, seq: int, phone: str, status: int = 1) -> None:
    change(
        pool,
        f"INSERT INTO messages_{shard_of(phone, SHARDS)} (campaign_id, seq, status, generation,"
        " try_number, attempts, sent_at) VALUES (%s, %s, %s, 0, 1, 1, NOW(6))",
        campaign_id,
        seq,
        status,
    )


def test_every_message_is_counted_with_what_it_takes(client: FlaskClient, pool: Database) -> None:
    add_list(
        pool,
        people(
            p1=("小红", {"city": "Oslo"}),
            p2=("红", {}),
            p3=(" ", {"city": "\u00a0"}),
            p4=("x" * 200, {}),
        ),
    )
    found = played(client, draft(client))
    assert (found["recipients"], found["complete"]) == (10, True)
    lengths = found["characters"]
    assert (lengths["shortest"], lengths["longest"]) == (11, 211)
    assert lengths["mean"] == round((6 * 14 + 13 + 12 + 11 + 211) / 10, 1)
    assert lengths["distribution"] == [
        {"from": 0, "to": 19, "messages": 9},
        {"from": 200, "to": 219, "messages": 1},
    ]
    assert (found["segments"], found["max_segments"]) == (11, 2)
    assert found["encodings"] == {
        "gsm7": {"messages": 8, "segments": 9},
        "ucs2": {"messages": 2, "segments": 2},
    }
    assert found["ucs2_characters"] == [
        {"character": "小", "code_point": "U+5C0F", "messages": 1},
        {"character": "红", "code_point": "U+7EA2", "messages": 1},
    ]
    assert found["missing_values"] == [
        {"placeholder": "city", "messages": 3},
        {"placeholder": "name", "messages": 1},
    ]
    assert (found["rate"], found["estimated_seconds"]) == (None, None)


def test_erased_people_are_not_counted(client: FlaskClient, pool: Database) -> None:
    add_list(pool, people())
    change(
        pool,
        "UPDATE recipients SET phone = 'x1', erased_shard = 0, erased_shard_count = 2"
        " WHERE seq = 1",
    )
    assert played(client, draft(client))["recipients"] == 9


def test_who_was_sent_something_lately_is_a_duplicate(client: FlaskClient, pool: Database) -> None:
    add_list(pool, people())
    # The same people on another list, in the opposite order; the last three are not on it.
    other = [(phone, "Ann", {}) for phone in reversed(PHONES[:7])]
    add_list(pool, other, list_id=2)
    for campaign_id, list_id, days_ago in ((7, 1, 6.9), (8, 2, 1.0), (9, 2, 7.1)):
        started(pool, campaign_id, list_id, days_ago)
    record(pool, 7, 1, PHONES[0])
    record(pool, 7, 2, PHONES[1], status=2)  # failed
    record(pool, 8, 7, PHONES[0])  # again
    record(pool, 8, 1, PHONES[6])
    record(pool, 9, 2, PHONES[5])  # too long ago
    record(pool, 7, 10, PHONES[9])
    campaign_id = draft(client)
    assert played(client, campaign_id)["recently_messaged"] == {"recipients": 3, "days": 7}
    change(pool, "DELETE FROM campaigns WHERE id = 7")
    assert played(client, campaign_id)["recently_messaged"]["recipients"] == 2


def test_suppressed_people_are_counted_once_by_reason(client: FlaskClient, pool: Database) -> None:
    """A person with two suppressions counts once; other scopes and past ones do not count."""
    add_list(pool, people())
    for phone, scope, until in (
        (PHONES[0], "*", None),
        (PHONES[0], "topic:offers", None),
        (PHONES[1], "topic:offers", None),
        (PHONES[2], "topic:news", None),
        (PHONES[3], "*", "2020-01-01"),
        (PHONES[4], "provider:simulated", None),
        ("4917600000000", "*", None),
    ):
        change(
            pool,
            "INSERT INTO suppressions VALUES (%s, %s, 'stop', 'api', NOW(6), %s, NULL)",
            *(phone, scope, until),
        )
    campaign_id = draft(client)
    assert client.patch(f"/v1/campaigns/{campaign_id}", json={"topic": "offers"}).status_code == 200
    found = played(client, campaign_id)["suppressed"]
    assert found["recipients"] == 3
    assert {(row["scope"], row["reason"], row["recipients"]) for row in found["by_reason"]} == {
        ("*", "stop", 1),
        ("topic:offers", "stop", 1),
        ("provider:simulated", "stop", 1),
    }


def test_duplicates_far_apart_on_the_other_list_are_found(
    client: FlaskClient, pool: Database
) -> None:
    """Duplicates are found however far apart they stand on the other list."""
    add_list(pool, people())
    add_list(pool, [(phone, "Ann", {}) for phone in PHONES], list_id=2)
    change(pool, "UPDATE recipients SET seq = seq * 100000 WHERE list_id = 2")
    started(pool, 7, 2)
    for position in (0, 4, 9):
        record(pool, 7, (position + 1) * 100_000, PHONES[position])
    record(pool, 7, 200_000, PHONES[1], status=2)  # failed
    assert played(client, draft(client))["recently_messaged"]["recipients"] == 3


def test_a_dry_run_takes_a_template_without_columns(client: FlaskClient, pool: Database) -> None:
    """A template without further columns is played through as well."""
    add_list(pool, people(p3=("", {"city": "Rome"})))
    found = played(client, draft(client, "hi {name|you} {phone}"))
    assert (found["recipients"], found["characters"]["longest"]) == (10, 18)
    assert found["missing_values"] == [{"placeholder": "name", "messages": 1}]


def test_the_time_is_estimated_by_the_quickest_recent_campaign(
    client: FlaskClient, pool: Database
) -> None:
    add_list(pool, people())
    campaign_id = draft(client)
    started(pool, 7, 1)
    change(pool, "UPDATE campaigns SET total = 10 WHERE id = 7")
    started(pool, 8, 1)
    found = played(client, campaign_id)
    assert (found["rate"], found["estimated_seconds"]) == (100.0, 0.1)


def test_slices_together_are_the_whole_list(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_list(pool, people())
    started(pool, 7, 1)
    for seq in range(1, 11):
        record(pool, 7, seq, PHONES[seq - 1])
    campaign_id = draft(client)
    whole = played(client, campaign_id)
    assert whole["recently_messaged"]["recipients"] == 10
    for rows in (1, 3, 5, 10):
        monkeypatch.setattr(dry_run, "ROWS_AT_ONCE", rows)
        assert played(client, campaign_id) == whole


def test_a_dry_run_of_a_long_list_reports_the_part_it_read(
    client: FlaskClient, pool: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run of a list that takes too long reports the part that it has read."""
    add_list(pool, people())
    campaign_id = draft(client)
    monkeypatch.setattr(dry_run, "ROWS_AT_ONCE", 4)
    moments = iter([0.0, 1.0, 2.0, dry_run.LONGEST_RUN])
    found = DryRuns(Databases((pool,)), settings, lambda: next(moments)).run(campaign_id)
    assert (found["recipients"], found["complete"]) == (8, False)


def test_the_cost_is_that_of_all_segments_by_prefix(settings: Settings, pool: Database) -> None:
    price = Price("EUR", Decimal("0.1"), {"1396146750": Decimal("0.07"), "49": Decimal(1)})
    priced = replace(settings, simulated=SimulatedSettings(price=price))
    client = create_app(priced, Databases((pool,))).test_client()
    elsewhere = ("4917612345678", "Ann", {"city": "Oslo"})
    add_list(pool, [*people(3, p1=("x" * 200, {})), elsewhere])
    assert played(client, draft(client))["cost"] == {
        "currency": "EUR",
        "amount": "1.28",
        "budget": None,
        "warning": None,
        "by_prefix": [
            {
                "prefix": prefix,
                "per_segment": per_segment,
                "messages": messages,
                "segments": segments,
                "amount": amount,
            }
            for prefix, per_segment, messages, segments, amount in (
                ("1396146750", "0.07", 3, 4, "0.28"),
                ("49", "1", 1, 1, "1"),
            )
        ],
    }


@pytest.mark.parametrize(
    ("budget", "warning"),
    [
        ("0.3", None),
        ("0.25", "the budget lacks 0.05 EUR: the campaign is paused when it is used up"),
    ],
)
def test_the_cost_is_compared_with_the_budget(
    settings: Settings, pool: Database, budget: str, warning: str | None
) -> None:
    price = Price("EUR", Decimal("0.1"), {})
    priced = replace(settings, simulated=SimulatedSettings(price=price))
    client = create_app(priced, Databases((pool,))).test_client()
    add_list(pool, people(3))
    campaign_id = draft(client, budget=budget)
    cost = played(client, campaign_id)["cost"]
    assert (cost["amount"], cost["budget"], cost["warning"]) == ("0.3", budget, warning)


@pytest.mark.parametrize(("currency", "known"), [("EUR", True), ("USD", False)])
def test_a_route_costs_what_its_first_choices_do(
    settings: Settings, pool: Database, currency: str, *, known: bool
) -> None:
    """By the weights, if all prices are in one currency; what fails over may cost otherwise."""
    prices = {"one": Price("EUR", Decimal("0.1"), {}), "two": Price(currency, Decimal("0.3"), {})}
    choices = tuple(ChoiceSettings(provider=name, weight=1) for name in prices)
    routed = replace(
        settings,
        providers={name: SimulatedSettings(price=price) for name, price in prices.items()},
        route_settings={"both": RouteSettings(choose=choices)},
        provider="both",
    )
    client = create_app(routed, Databases((pool,))).test_client()
    add_list(pool, people())
    campaign_id = draft(client)
    cost = played(client, campaign_id)["cost"]
    assert (cost is not None) is known
    if known:
        at_two = sum(
            routed.routes.of("both", PHONES[0]).first(
                idempotency_key(CampaignId(campaign_id), n + 1, 0), lambda _: False
            )
            == "two"
            for n in range(10)
        )
        assert Decimal(cost["amount"]) == 1 + at_two * Decimal("0.2")


def test_a_route_costs_by_its_live_weights(settings: Settings, pool: Database) -> None:
    prices = {"one": "0.1", "two": "0.3"}
    choices = tuple(ChoiceSettings(provider=name, weight=1) for name in prices)
    routed = replace(
        settings,
        providers={
            name: SimulatedSettings(price=Price("EUR", Decimal(amount), {}))
            for name, amount in prices.items()
        },
        route_settings={"both": RouteSettings(choose=choices)},
        provider="both",
    )
    client = create_app(routed, Databases((pool,))).test_client()
    add_list(pool, people())
    campaign_id = draft(client)
    for name, cost in {"two": "3", "one": "1"}.items():
        body = {"choices": [{"provider": name, "weight": 5}]}
        assert client.put("/v1/routes/both", json=body).status_code == 200
        assert Decimal(played(client, campaign_id)["cost"]["amount"]) == Decimal(cost)


def test_without_a_price_there_is_no_cost(client: FlaskClient, pool: Database) -> None:
    add_list(pool, people(1))
    assert played(client, draft(client))["cost"] is None


def test_the_duration_is_estimated_by_the_campaigns_own_rate(
    client: FlaskClient, pool: Database
) -> None:
    add_list(pool, people(10), columns=["city"])
    new = {"name": "slow", "template": "hi", "recipient_list_id": 1, "max_rate": 0.5}
    answer = client.post(PATH, json=new)
    assert answer.json is not None
    assert played(client, int(answer.json["id"]))["estimated_seconds"] == 20.0
