"""The doctor's comparison of the live weights of routes with the configuration."""

import pytest

from campaign_admin.doctor.live_weights import compare_live_weights
from campaign_common.domain.routing.route_choice import RouteChoice
from campaign_common.domain.routing.routes import LiveWeights
from campaign_common.settings.sections.routes import ChoiceSettings, RouteSettings

CHOOSE = tuple(ChoiceSettings(provider=name, weight=1) for name in ("a", "b"))
ROUTES = {"main": RouteSettings(choose=CHOOSE, failover=("c",))}


def choices(*providers: str) -> tuple[RouteChoice, ...]:
    return tuple(RouteChoice(provider, 0, enabled=True) for provider in providers)


@pytest.mark.parametrize(
    ("live", "said", "remedies"),
    [
        ({}, [], []),
        ({"main": choices("a", "b")}, [], []),
        ({"main": choices("a", "b", "gone")}, [], []),
        ({"main": None}, [], []),
        (
            {"main": choices("a", "c")},
            ["main has some without b of its Choose, with which no message begins"],
            ["PUT /v1/routes/main with all providers, or DELETE /v1/routes/main"],
        ),
        (
            {"gone": None, "main": choices("b", "a")},
            ["gone has some and is no configured route: they hold once it is one again"],
            ["DELETE /v1/routes/gone"],
        ),
    ],
    ids=["none", "all", "more", "of a newer version", "without one", "of an unknown route"],
)
def test_live_weights_agree_with_the_configuration(
    live: LiveWeights, said: list[str], remedies: list[str]
) -> None:
    found = list(compare_live_weights(live, ROUTES))
    assert [finding.message for finding in found] == said
    assert [finding.remedy for finding in found] == remedies
