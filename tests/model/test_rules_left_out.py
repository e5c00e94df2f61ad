"""Each part of the protocol's rules is needed: without it the search finds a broken promise.

With `--log-cli-level=INFO` the shortest schedules are shown.
"""

import logging

import pytest

from tests.model.explore import explore
from tests.model.left_out import LEFT_OUT
from tests.model.scenario import Part

MODELLED_RULES = {1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 14, 17, 18}

MOST_STATES = 200_000

log = logging.getLogger(__name__)


@pytest.mark.parametrize("part", LEFT_OUT, ids=lambda part: f"rule-{part.rule}-{part.name.lower()}")
def test_without_it_a_promise_is_broken(part: Part) -> None:
    scenario, promise = LEFT_OUT[part]
    violation = explore(scenario.leaving_out(part), MOST_STATES).violation
    assert violation is not None
    log.info("without rule %s, %s: %s", part.rule, part.asks, violation)
    assert violation.promise is promise


@pytest.mark.parametrize("part", LEFT_OUT, ids=lambda part: f"rule-{part.rule}-{part.name.lower()}")
def test_with_it_the_same_search_finds_nothing(part: Part) -> None:
    scenario, _ = LEFT_OUT[part]
    assert explore(scenario, MOST_STATES).violation is None


def test_every_part_is_left_out_once() -> None:
    assert set(LEFT_OUT) == set(Part)


def test_every_rule_that_was_found_by_search_has_a_part() -> None:
    assert {part.rule for part in Part} >= MODELLED_RULES
