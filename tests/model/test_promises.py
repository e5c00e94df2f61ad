"""With all rules kept no schedule breaks a promise, at the sizes searched.

`CAMP_MODEL=long` searches larger sizes, too, which takes five minutes more.
"""

import logging
import os
from time import perf_counter

import pytest

from tests.model.explore import explore
from tests.model.scenario import Scenario
from tests.model.searches import LONG_SEARCHES, SEARCHES

MOST_STATES = 2_000_000

log = logging.getLogger(__name__)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    searches = dict(SEARCHES)
    if os.environ.get("CAMP_MODEL") == "long":
        searches |= LONG_SEARCHES
    if "scenario" in metafunc.fixturenames:
        metafunc.parametrize("scenario", searches.values(), ids=searches.keys())


@pytest.mark.timeout(900)
def test_no_schedule_breaks_a_promise(scenario: Scenario) -> None:
    began = perf_counter()
    found = explore(scenario, MOST_STATES)
    seconds = perf_counter() - began
    log.info("%d states, %d steps, %.1f s", found.states, found.steps, seconds)
    assert found.violation is None, str(found.violation)
