"""Exhaustive search: every state that can be reached, breadth first, shortest traces.

States are remembered by their 64-bit hash, as TLC's fingerprints are: at a million states the
chance that two of them share one, and that a state is therefore overlooked, is below 1e-7.
"""

from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.model import protocol
from tests.model.normal_form import normal_form
from tests.model.scenario import Scenario
from tests.model.state import World, swapped

STUCK = "nothing more need go wrong, and still a message never gets its outcome"


@dataclass(frozen=True)
class Violation:
    """A broken promise, and the shortest schedule that breaks it."""

    promise: str
    trace: tuple[str, ...]

    def __str__(self) -> str:
        """Show the schedule, one step a line."""
        lines = [f"{n:3}. {what}" for n, what in enumerate(self.trace, 1)]
        return "\n".join([self.promise, *lines])


@dataclass
class Exploration:
    """What a search has found."""

    scenario: Scenario
    states: int = 0
    steps: int = 0
    violation: Violation | None = None
    _parents: "array[int]" = field(default_factory=lambda: array("q"))
    _ordinals: "array[int]" = field(default_factory=lambda: array("q"))

    def trace(self, state: int) -> tuple[str, ...]:
        """Walk again the shortest way to a state, naming its steps.

        The way is walked twice at once, in normal forms and as it would really happen, so
        that the numbers in the trace are real ones; a normal form that leaves out something
        that matters is found here.
        """
        ordinals = []
        while state:
            ordinals.append(self._ordinals[state])
            state = self._parents[state]
        trace = []
        stand_in = world = self.scenario.start()
        for ordinal in reversed(ordinals):
            following = list(protocol.steps(self.scenario, stand_in))[ordinal].world
            stand_in = normal_form(self.scenario, following)
            step = next(
                step
                for step in protocol.steps(self.scenario, world)
                if normal_form(self.scenario, step.world) == stand_in
            )
            trace.append(step.what)
            world = step.world
        return tuple(trace)


def explore(scenario: Scenario) -> Exploration:
    """Search until a promise is broken or every reachable state has been seen.

    The last promise needs all of them: from each state, the campaign can come to its end
    without another fault.
    """
    found = Exploration(scenario)
    seen: dict[int, int] = {}
    seen_as_is: dict[int, int] = {}
    frontier: deque[tuple[int, World]] = deque()
    # Pairs (from, to) of every step that is no fault, and the states where all is over.
    sources, targets = array("q"), array("q")
    over: list[int] = []

    def visit(world: World, parent: int, ordinal: int) -> int:
        key_as_is = hash(world)
        state = seen_as_is.get(key_as_is)
        if state is not None:
            return state
        world = normal_form(scenario, world)
        key = _fingerprint(world)
        state = seen.get(key)
        if state is None:
            state = seen[key] = len(seen)
            found._parents.append(parent)
            found._ordinals.append(ordinal)
            frontier.append((state, world))
        seen_as_is[key_as_is] = state
        return state

    visit(scenario.start(), 0, 0)
    while frontier:
        state, world = frontier.popleft()
        promise = protocol.broken_promise(world)
        if promise:
            found.violation = Violation(promise, found.trace(state))
            break
        if protocol.is_over(world):
            over.append(state)
        for ordinal, step in enumerate(protocol.steps(scenario, world)):
            found.steps += 1
            target = visit(step.world, state, ordinal)
            if not step.is_fault:
                sources.append(state)
                targets.append(target)
    found.states = len(seen)
    if found.violation is None:
        stuck = _first_stuck(found.states, over, sources, targets)
        if stuck is not None:
            found.violation = Violation(STUCK, found.trace(stuck))
    return found


def _fingerprint(world: World) -> int:
    """Name a state; two that differ in the names of the senders only are one."""
    return hash(swapped(world) if world.kafka.assignment[0] else world)


def _first_stuck(
    states: int, over: list[int], sources: "array[int]", targets: "array[int]"
) -> int | None:
    """Return the first state from which no way leads to the end, if there is one."""
    before: list[list[int]] = [[] for _ in range(states)]
    for source, target in zip(sources, targets, strict=True):
        before[target].append(source)
    ends = bytearray(states)
    pending = list(over)
    for state in pending:
        ends[state] = 1
    while pending:
        for state in before[pending.pop()]:
            if not ends[state]:
                ends[state] = 1
                pending.append(state)
    stuck = ends.find(0)
    return None if stuck < 0 else stuck
