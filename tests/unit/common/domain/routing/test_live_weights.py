"""Weights of a route that are set while messages are sent."""

from collections import Counter
from collections.abc import Collection, Iterator, KeysView, Sequence

import pytest

from campaign_common.domain.message import idempotency_key
from campaign_common.domain.routing.route import Route, provider_of
from campaign_common.domain.routing.route_choice import (
    RouteChoice,
    UnreadableWeights,
    choices_as_json,
    choices_of_json,
)
from campaign_common.domain.routing.routes import Routes

CONFIGURED = Route((("a", 100), ("b", 0)), ("b", "c"))
KEYS = [idempotency_key(7, seq, 0) for seq in range(1, 2_001)]
TO_B = (RouteChoice("a", 0), RouteChoice("b", 100))
A_OFF = (RouteChoice("a", 100, enabled=False), RouteChoice("b", 100))


def none_rests(_: str) -> bool:
    return False


def routes() -> Routes:
    return Routes({"main": CONFIGURED, "other": CONFIGURED}, {"other": {"49": "main"}})


def first_choices(of: Routes) -> dict[str, int]:
    return Counter(of.of("main", "331").first(key, none_rests) for key in KEYS)


def test_messages_are_shared_out_by_the_weights_that_hold() -> None:
    changed = routes()
    assert first_choices(changed) == {"a": 2_000}
    changed.set_live({"main": TO_B})
    assert first_choices(changed) == {"b": 2_000}
    changed.set_live({"main": (RouteChoice("a", 1), RouteChoice("c", 3))})
    assert first_choices(changed)["c"] == pytest.approx(1_500, abs=80)  # four standard deviations
    changed.set_live({})
    assert first_choices(changed) == {"a": 2_000}


def test_a_raised_weight_takes_messages_of_the_others_only() -> None:
    """The choice of a message changes to the provider whose weight is raised, or not at all."""
    raised = CONFIGURED.weighted((RouteChoice("a", 100), RouteChoice("b", 50)))
    more = CONFIGURED.weighted((RouteChoice("a", 100), RouteChoice("b", 80)))
    moved = {
        (raised.first(key, none_rests), more.first(key, none_rests))
        for key in KEYS
        if raised.first(key, none_rests) != more.first(key, none_rests)
    }
    assert moved == {("a", "b")}


def test_routes_that_prefixes_lead_to_have_weights_of_their_own() -> None:
    changed = routes()
    changed.set_live({"main": TO_B})
    assert changed.of("other", "49170").first(KEYS[0], none_rests) == "b"
    assert changed.of("other", "33170").first(KEYS[0], none_rests) == "a"


def test_failover_goes_on_behind_a_provider_turned_off() -> None:
    route = Route((("a", 1),), ("a", "d", "b"))
    turned_off = route.weighted((RouteChoice("a", 1), RouteChoice("d", 0, enabled=False)))
    assert turned_off.after_proof("d", none_rests) == "b"
    assert turned_off.instead_of("d", KEYS[0], none_rests) == "b"
    assert turned_off.after_proof("a", none_rests) == "b"


def test_a_prefix_of_a_provider_turned_off_takes_the_route() -> None:
    changed = Routes({"main": CONFIGURED}, {"main": {"43": "a", "49": "far"}})
    assert changed.of("main", "43").providers == ("a",)
    changed.set_live({"main": (*A_OFF, RouteChoice("far", 0, enabled=False))})
    assert changed.of("main", "43").first(KEYS[0], none_rests) == "b"
    assert changed.of("main", "49").providers == ("far",), "not on the route"
    assert changed.active("main") == {"b", "c", "far"}
    assert changed.providers("main") == {"a", "b", "c", "far"}


@pytest.mark.parametrize(
    ("choices", "after", "following"),
    [
        pytest.param(TO_B, "b", "c", id="of failover"),
        pytest.param(TO_B, "c", "b", id="without weight, too"),
        pytest.param(A_OFF, "b", "c", id="not one that is turned off"),
        pytest.param(
            (RouteChoice("a", 1), RouteChoice("b", 1, enabled=False)), "c", "c", id="the only other"
        ),
    ],
)
def test_a_provider_that_is_turned_off_does_not_stand_in(
    choices: Sequence[RouteChoice], after: str, following: str
) -> None:
    assert CONFIGURED.weighted(choices).after_proof(after, none_rests) == following


@pytest.mark.parametrize("choices", [TO_B, A_OFF], ids=["without weight", "turned off"])
@pytest.mark.parametrize(
    ("chosen", "doubts"),
    [("a", ()), (None, ("a",)), ("b", ("a",))],
    ids=["a choice", "a doubt", "a doubt beside a choice"],
)
def test_a_chosen_provider_stays(
    choices: Sequence[RouteChoice], chosen: str | None, doubts: Collection[str | None]
) -> None:
    route = CONFIGURED.weighted(choices)
    assert provider_of(route, KEYS[0], none_rests, chosen=chosen, doubts=doubts) == "a"


def test_a_route_goes_on_for_messages_of_a_provider_turned_off() -> None:
    changed = routes()
    changed.set_live({"main": A_OFF})
    assert changed.within({"b", "c"}) == []
    assert changed.within({"a", "b", "c"}) == ["main", "other"]
    assert changed.active("main") == {"b", "c"}
    assert changed.providers("main") == {"a", "b", "c"}, "campaigns are checked against all"


def test_weights_that_cannot_be_read_leave_those_of_before() -> None:
    changed = routes()
    assert changed.set_live({"main": None}) == ["main"], "it says so"
    assert first_choices(changed) == {"a": 2_000}
    changed.set_live({"main": TO_B})
    assert changed.set_live({"main": None}) == ["main"]
    assert first_choices(changed) == {"b": 2_000}
    assert changed.set_live({"main": None}) == [], "once"
    changed.set_live({})
    assert first_choices(changed) == {"a": 2_000}


def test_weights_that_are_set_at_once_do_not_stay_mixed() -> None:
    """Others are set in the midst of it: either hold with all that belongs to them."""
    changed = routes()

    class Interrupted(dict[str, Sequence[RouteChoice]]):
        """Sets others when it is copied."""

        def __iter__(self) -> Iterator[str]:
            return iter(self.keys())

        def keys(self) -> KeysView[str]:  # type: ignore[override]
            changed.set_live({"main": TO_B})
            return dict(self.items()).keys()

    changed.set_live(Interrupted(main=A_OFF))
    changed.set_live({"main": A_OFF})
    assert changed.of("main", "33") == CONFIGURED.weighted(A_OFF)


def test_weights_of_providers_that_are_gone_do_not_hold() -> None:
    """The configuration was changed since, and what is left has no weight."""
    changed = routes()
    changed.set_live({"main": (RouteChoice("gone", 5), RouteChoice("a", 0)), "gone": TO_B})
    assert first_choices(changed) == {"a": 2_000}


@pytest.mark.parametrize(
    ("off", "chosen"), [("a", {"c"}), ("b", {"a", "c"})], ids=["one of two", "one without weight"]
)
def test_what_is_turned_off_stays_off_when_others_are_gone(off: str, chosen: set[str]) -> None:
    changed = Routes({"main": Route((("a", 70), ("c", 30), ("b", 0)))})
    changed.set_live({"main": (RouteChoice(off, 1, enabled=False), RouteChoice("gone", 5))})
    assert changed.chosen("main") == chosen
    assert changed.of("main", "49").disabled == {off}


def test_a_route_of_which_all_are_turned_off_is_as_configured() -> None:
    changed = Routes({"main": CONFIGURED})
    changed.set_live({"main": (RouteChoice("a", 1, enabled=False), RouteChoice("gone", 5))})
    assert changed.of("main", "49") == CONFIGURED


def test_choices_survive_storing() -> None:
    for choices in (TO_B, A_OFF):
        assert choices_of_json(choices_as_json(choices)) == choices


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        {"a": 1},
        [{"provider": "a", "weight": 1}],
        [{"provider": "a", "weight": 1, "enabled": True, "from": "2030"}],
        [{"provider": "a", "weight": 1.5, "enabled": True}],
        [{"provider": "a", "weight": -1, "enabled": True}],
        [{"provider": "a", "weight": True, "enabled": True}],
        [{"provider": "a", "weight": 1, "enabled": 1}],
        [{"provider": 1, "weight": 1, "enabled": True}],
    ],
)
def test_weights_of_another_version_are_not_read(stored: object) -> None:
    with pytest.raises(UnreadableWeights):
        choices_of_json(stored)
