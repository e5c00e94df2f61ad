"""Routes: the choice of a message's provider, and what doubt leaves of it (protocol rule 3)."""

from collections import Counter
from collections.abc import Collection

import pytest

from campaign_common.domain.message import idempotency_key
from campaign_common.domain.routing.route import IsResting, Route, provider_of
from campaign_common.domain.routing.routes import Routes

TWO = Route((("a", 70), ("b", 30)), ("b", "a"))
ONE = Route((("a", 1),))
KEYS = [idempotency_key(7, seq, 0) for seq in range(1, 5_001)]


def resting(*names: str) -> IsResting:
    return lambda name: name in names


NONE = resting()


def test_messages_are_shared_out_by_weight() -> None:
    chosen = Counter(TWO.first(key, NONE) for key in KEYS)
    assert chosen["a"] == pytest.approx(3_500, abs=130)  # four standard deviations


def test_a_message_chooses_alike_each_time() -> None:
    assert [TWO.first(key, NONE) for key in KEYS[:50]] == [TWO.first(k, NONE) for k in KEYS[:50]]


def test_a_provider_that_rests_moves_its_own_messages_only() -> None:
    three = Route((("a", 1), ("b", 1), ("c", 1)))
    before = {key: three.first(key, NONE) for key in KEYS}
    moved = {key: three.first(key, resting("c")) for key in KEYS}
    assert {before[key] for key in KEYS if before[key] != moved[key]} == {"c"}
    assert set(Counter(moved.values())) == {"a", "b"}


@pytest.mark.parametrize(
    ("provider", "rest", "following"),
    [
        pytest.param("a", (), "b", id="the next one"),
        pytest.param("c", (), "a", id="after the last one the first"),
        pytest.param("other", (), "a", id="one that is not listed: the first"),
        pytest.param("a", ("b",), "c", id="one that rests is passed over"),
        pytest.param("a", ("b", "c"), "a", id="all others rest: the same one"),
    ],
)
def test_after_proof_the_next_provider_is_taken(
    provider: str, rest: Collection[str], following: str
) -> None:
    route = Route((("a", 1),), ("a", "b", "c"))
    assert route.after_proof(provider, resting(*rest)) == following


def test_without_failover_the_provider_stays() -> None:
    assert Route((("a", 1), ("b", 1))).after_proof("a", NONE) == "a"


@pytest.mark.parametrize(
    ("route", "chosen", "doubts", "rest", "provider"),
    [
        pytest.param(TWO, "b", (), (), "b", id="the one that was chosen before"),
        pytest.param(TWO, "b", (), ("b",), "a", id="not one that rests"),
        pytest.param(TWO, "a", ("b",), (), "b", id="doubt goes before the choice"),
        pytest.param(TWO, None, ("b",), ("b",), "b", id="doubt waits for one that rests"),
        pytest.param(TWO, None, ("gone",), (), "gone", id="doubt at one no longer on the route"),
        pytest.param(TWO, "gone", (), ("b",), "a", id="a choice no longer on the route"),
        pytest.param(TWO, None, (None,), (), None, id="doubt at one of several"),
        pytest.param(TWO, "a", (None,), (), None, id="a choice is no knowledge of a doubt"),
        pytest.param(TWO, None, (None, "a"), (), "a", id="a late result says where"),
        pytest.param(TWO, None, ("a", "b"), (), None, id="doubts at two providers"),
        pytest.param(ONE, None, (None,), (), None, id="the route may have had others"),
        pytest.param(TWO, "a", (), ("a", "b"), "a", id="all rest: as if none did"),
    ],
)
def test_the_provider_of_the_next_send(
    route: Route,
    chosen: str | None,
    doubts: Collection[str | None],
    rest: Collection[str],
    provider: str | None,
) -> None:
    found = provider_of(route, KEYS[0], resting(*rest), chosen=chosen, doubts=doubts)
    assert found == provider


@pytest.mark.parametrize(
    ("chosen", "doubts", "rest", "provider"),
    [
        pytest.param(None, ("b",), (), "b", id="the provider of the doubt, that knows the key"),
        pytest.param(None, ("b",), ("b",), "a", id="another one while that rests"),
        pytest.param(None, ("gone",), (), "gone", id="one that the route has lost"),
        pytest.param(None, ("gone",), ("gone",), "b", id="of failover, where it is gone"),
        pytest.param("b", ("a",), (), "b", id="the one that was chosen since"),
        pytest.param("b", ("a",), ("b",), "a", id="back from one that rests"),
        pytest.param("other", ("b",), (), "b", id="a choice no longer on the route"),
        pytest.param(None, (None,), (), "a", id="a doubt that is not known: by weight"),
        pytest.param("b", (None,), (), "b", id="a choice beside such a doubt"),
        pytest.param(None, (None, "b"), (), "b", id="the one that is known"),
        pytest.param(None, ("a", "b"), ("a",), "b", id="doubts at two providers"),
        pytest.param(None, ("b",), ("a", "b"), "b", id="all rest: it stays"),
    ],
)
def test_a_route_that_goes_on_after_doubt(
    chosen: str | None, doubts: Collection[str | None], rest: Collection[str], provider: str
) -> None:
    route = Route((("a", 1), ("b", 0)), ("b", "a"), after_doubt=True)
    found = provider_of(route, KEYS[0], resting(*rest), chosen=chosen, doubts=doubts)
    assert found == provider


@pytest.mark.parametrize(
    ("takes", "rest", "first"),
    [
        pytest.param("b", (), "b", id="the one that takes it"),
        pytest.param("b", ("b",), "b", id="that waits, where it rests"),
        pytest.param("c", (), "c", id="of failover"),
        pytest.param("", (), "a", id="none takes it: as if all did"),
    ],
)
def test_only_providers_that_take_a_message_are_chosen(
    takes: str, rest: Collection[str], first: str
) -> None:
    route = Route((("a", 1),), ("b", "c")).of_those(lambda name: name == takes)
    assert route.first(KEYS[0], resting(*rest)) == first
    assert route.after_proof(first, NONE) in (first, "b")


def test_the_longest_prefix_of_a_number_takes_its_route() -> None:
    routes = Routes({"main": ONE, "de": TWO}, {"main": {"49": "de", "4930": "berlin"}})
    found = [routes.of("main", phone).providers for phone in ("331", "49170", "493012")]
    assert found == [("a",), ("a", "b"), ("berlin",)]
    assert routes.providers("main") == {"a", "b", "berlin"}


@pytest.mark.parametrize(
    ("rest", "routes"),
    [(("a",), ["only"]), (("a", "b"), ["only", "both"]), (("b",), [])],
    ids=["its one", "all of them", "not all of them"],
)
def test_a_route_rests_when_all_its_providers_do(rest: Collection[str], routes: list[str]) -> None:
    assert Routes({"only": ONE, "both": TWO}).within(rest) == routes


def test_a_prefix_of_a_provider_goes_on_as_its_route_does() -> None:
    going_on = Route((("a", 1),), after_doubt=True)
    routes = Routes({"main": going_on, "de": ONE}, {"main": {"49": "de", "43": "b"}})
    found = {phone: routes.of("main", phone).after_doubt for phone in ("331", "43", "49")}
    assert found == {"331": True, "43": True, "49": False}
    assert not routes.of("b", "43").after_doubt


def test_a_provider_of_failover_or_without_weight_is_not_chosen() -> None:
    route = Route((("main", 2), ("new", 0)), ("spare",))
    routes = Routes({"all": route, "de": Route((("berlin", 1),))}, {"all": {"49": "de"}})
    assert routes.chosen("all") == {"main", "berlin"}
    assert routes.chosen("http") == {"http"}
