"""GET /v1/campaigns: pages of campaigns, filtered."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_common.database import Database
from tests.integration.api.drafted import PATH, body, made, problem
from tests.integration.api.stored import add_list, change


@pytest.fixture(autouse=True)
def recipients(pool: Database) -> None:
    add_list(pool, [("13961467500", "Ann", {"city": "Oslo"}), ("13961467501", "Bob", {})])


def names(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [campaign["name"] for campaign in body(answer)["campaigns"]]


def test_pages_are_stable_while_campaigns_are_added(client: FlaskClient, pool: Database) -> None:
    for n in range(5):
        made(client, name=f"c{n}")
    change(
        pool, "UPDATE campaigns SET created_at = '2026-01-02 03:04:05.678901' WHERE name <> 'c4'"
    )
    first = client.get(PATH, query_string={"limit": 2})
    assert names(first) == ["c4", "c3"]
    made(client, name="new")
    link = first.headers["Link"]
    assert link.endswith('; rel="next"')
    second = client.get(link[1 : link.index(">")])
    assert names(second) == ["c2", "c1"]
    third = client.get(PATH, query_string={"limit": 2, "cursor": body(second)["next_cursor"]})
    assert names(third) == ["c0"]
    assert body(third)["next_cursor"] is None
    assert "Link" not in third.headers
    assert "template" not in body(first)["campaigns"][0]


def test_filters_take_names_as_they_stand(client: FlaskClient, pool: Database) -> None:
    for name in ("Spring 100%", "spring_sale", "ÉTÉ", "a|b", "spring sale", "😀 party"):
        made(client, name=name)
    change(pool, "UPDATE campaigns SET state = 'finished' WHERE name = 'spring sale'")

    def found(**parameters: str) -> list[str]:
        return sorted(names(client.get(PATH, query_string=parameters)))

    assert found(name="SPRING") == ["Spring 100%", "spring sale", "spring_sale"]
    assert found(name="%") == ["Spring 100%"]
    assert found(name="_") == ["spring_sale"]
    assert found(name="|") == ["a|b"]
    assert found(name="été") == ["ÉTÉ"]
    assert found(name="😀") == ["😀 party"]
    assert found(name="'; --") == []
    assert found(state="finished") == ["spring sale"]
    assert found(state="draft", name="spring") == ["Spring 100%", "spring_sale"]


def test_a_span_of_planned_times_has_its_first_instant_alone(client: FlaskClient) -> None:
    """`from` is inside of the span and `to` outside; a draft is in none; pages keep the span."""
    for name, at in (("early", "2036-05-01T00:00:00Z"), ("late", "2036-06-01T00:00:00Z")):
        made(client, name=name, scheduled_at=at)
    made(client, name="draft")

    def found(**parameters: str) -> list[str]:
        return sorted(names(client.get(PATH, query_string=parameters)))

    assert found(**{"from": "2036-05-01T02:00:00+02:00"}) == ["early", "late"]
    assert found(**{"from": "2036-05-01T00:00:00.001Z"}) == ["late"]
    assert found(to="2036-06-01T00:00:00Z") == ["early"]
    assert found(**{"from": "2036-05-01T00:00:00Z", "to": "2036-05-01T00:00:00Z"}) == []
    page = client.get(PATH, query_string={"from": "2036-05-01T00:00:00Z", "limit": 1})
    link = page.headers["Link"]
    assert names(page) == ["late"]
    assert names(client.get(link[1 : link.index(">")])) == ["early"]


def test_counts_stand_in_the_list(client: FlaskClient, pool: Database) -> None:
    campaign = made(client)
    change(pool, "UPDATE campaigns SET state = 'running', total = 2, started_at = NOW(6)")
    change(pool, "INSERT INTO campaign_counters VALUES (%s, 0, 1, 1)", campaign["id"])
    (found,) = body(client.get(PATH))["campaigns"]
    assert (found["counts"]["sent"], found["pending"]) == (1, 1)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"limit": "1_0"}, "limit"),
        ({"limit": "+5"}, "limit"),
        ({"limit": " 5"}, "limit"),
        ({"limit": "\u0665"}, "limit"),
        ({"limit": "9" * 4_000}, "limit"),
        ({"limit": "9" * 5_000}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "WzFd"}, "cursor"),  # [1]
        ({"cursor": "Wy0xLDFd"}, "cursor"),  # [-1,1]
        ({"cursor": "WzkyMjMzNzIwMzY4NTQ3NzU4MDcsMV0"}, "cursor"),  # beyond the year 9999
        ({"cursor": "WzkyMjMzNzIwMzY4NTQ3NzU4MDgsMV0"}, "cursor"),  # [2**63,1]
        ({"state": "lost"}, "state"),
        ({"name": ""}, "name"),
        ({"order": "name"}, "order"),
        ({"from": "2036-05-01"}, "from"),
        ({"to": "tomorrow"}, "to"),
    ],
)
def test_wrong_parameters_are_named(
    client: FlaskClient, parameters: dict[str, str], field: str
) -> None:
    status, kind, errors = problem(client.get(PATH, query_string=parameters))
    assert (status, kind, list(errors)) == (422, "invalid-fields", [field])
    assert client.get(PATH, query_string={"limit": "1000"}).status_code == 200
