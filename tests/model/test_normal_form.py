"""States that the search takes for one do lead to the same places."""

from campaign_common.domain.campaign import Delivery
from tests.model import protocol
from tests.model.explore import explore, fingerprint
from tests.model.normal_form import normal_form
from tests.model.scenario import Fault, Scenario

SMALL = Scenario(
    Delivery.AT_MOST_ONCE,
    faults=frozenset({Fault.SENDER_CRASH, Fault.PAUSE, Fault.REASSIGNMENT}),
    fault_budget=1,
)


def test_nothing_is_overlooked_by_searching_normal_forms_only() -> None:
    seen = {SMALL.start()}
    pending = list(seen)
    while pending:
        for step in protocol.steps(SMALL, pending.pop()):
            if step.world not in seen:
                seen.add(step.world)
                pending.append(step.world)
    as_they_are = {fingerprint(normal_form(SMALL, world)) for world in seen}
    assert explore(SMALL, most_states=100_000).states == len(as_they_are) < len(seen)
