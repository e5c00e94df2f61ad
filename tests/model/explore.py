"""Exhaustive search: every state that can be reached, breadth first, shortest schedules.

States are remembered by their 64-bit hash, as TLC's fingerprints are: at a million states the
chance that two of them share one, and that a state is therefore overlooked, is below 1e-7.
"""

from array import array
from collections import deque
from dataclasses import dataclass

from tests.model import protocol
from tests.model.normal_form import normal_form
from tests.model.promises import Broken
from tests.model.scenario import Scenario
from tests.model.state import World, swapped


class SearchTooLarge(RuntimeError):
    """A search was given up before it had seen every state; perhaps a number grows unboundedly."""


@dataclass(frozen=True)
class Violation:
    """A broken promise, and the shortest schedule that breaks it."""

    promise: Broken
    schedule: tuple[str, ...]

    def __str__(self) -> str:
        """Show the schedule, one step a line."""
        lines = [f"{n:3}. {what}" for n, what in enumerate(self.schedule, 1)]
        return "\n".join([self.promise, *lines])


@dataclass(frozen=True)
class Exploration:
    """The result and the size of a search."""

    states: int
    steps: int
    violation: Violation | None


def explore(scenario: Scenario, most_states: int) -> Exploration:
    """Search until a promise is broken or every reachable state has been seen.

    The last promise needs all of them: from each state, the campaign can come to its end
    without another fault.

    Raises:
        SearchTooLarge: there are more than `most_states` states.
    """
    search = _Search(scenario, most_states)
    search.visit(scenario.start(), 0, 0)
    broken = search.first_broken()
    if broken is None and (stuck := search.first_stuck()) is not None:
        broken = (Broken.STUCK, stuck)
    violation = broken and Violation(broken[0], search.schedule_to(broken[1]))
    return Exploration(len(search.seen), search.steps, violation)


def fingerprint(world: World) -> int:
    """Name a state; two that differ in the names of the senders only are one."""
    return hash(swapped(world) if world.kafka.assignment[0] else world)


class _Search:
    """The states seen, by number, and how each was reached first."""

    def __init__(self, scenario: Scenario, most_states: int) -> None:
        self.seen: dict[int, int] = {}
        self.steps = 0
        self._scenario = scenario
        self._most_states = most_states
        self._seen_as_is: dict[int, int] = {}
        self._frontier: deque[tuple[int, World]] = deque()
        self._parents, self._ordinals = array("q"), array("q")
        # The ends of every step that is no fault, and the states where all is over.
        self._sources, self._targets = array("q"), array("q")
        self._over: list[int] = []

    def visit(self, world: World, parent: int, ordinal: int) -> int:
        """Number a state; a new one is to be searched on from."""
        key_as_is = hash(world)
        state = self._seen_as_is.get(key_as_is)
        if state is not None:
            return state
        world = normal_form(self._scenario, world)
        key = fingerprint(world)
        state = self.seen.get(key)
        if state is None:
            state = self.seen[key] = len(self.seen)
            self._parents.append(parent)
            self._ordinals.append(ordinal)
            self._frontier.append((state, world))
        self._seen_as_is[key_as_is] = state
        return state

    def first_broken(self) -> tuple[Broken, int] | None:
        """Visit everything, up to the first state that breaks a promise, if one does."""
        while self._frontier:
            if len(self.seen) > self._most_states:
                raise SearchTooLarge(f"{len(self.seen)} states and more to come")
            state, world = self._frontier.popleft()
            promise = protocol.broken_promise(self._scenario, world)
            if promise:
                return promise, state
            if protocol.is_over(world):
                self._over.append(state)
            for ordinal, step in enumerate(protocol.steps(self._scenario, world)):
                self.steps += 1
                target = self.visit(step.world, state, ordinal)
                if not step.is_fault:
                    self._sources.append(state)
                    self._targets.append(target)
        return None

    def first_stuck(self) -> int | None:
        """Return the first state from which no way leads to the end, if there is one."""
        before: list[list[int]] = [[] for _ in self.seen]
        for source, target in zip(self._sources, self._targets, strict=True):
            before[target].append(source)
        ends = bytearray(len(self.seen))
        pending = list(self._over)
        for state in pending:
            ends[state] = 1
        while pending:
            for state in before[pending.pop()]:
                if not ends[state]:
                    ends[state] = 1
                    pending.append(state)
        stuck = ends.find(0)
        return None if stuck < 0 else stuck

    def schedule_to(self, state: int) -> tuple[str, ...]:
        """Walk the shortest way to a state again, naming its steps.

        The way is walked twice at once, in normal forms and as it would really happen, so
        that the numbers in the schedule are real ones. A normal form that leaves out what
        matters is found here.
        """
        ordinals = []
        while state:
            ordinals.append(self._ordinals[state])
            state = self._parents[state]
        schedule = []
        stand_in = world = self._scenario.start()
        for ordinal in reversed(ordinals):
            following = list(protocol.steps(self._scenario, stand_in))[ordinal].world
            stand_in = normal_form(self._scenario, following)
            step = next(
                step
                for step in protocol.steps(self._scenario, world)
                if normal_form(self._scenario, step.world) == stand_in
            )
            schedule.append(step.what)
            world = step.world
        return tuple(schedule)
