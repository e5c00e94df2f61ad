"""A person's wish not to be written to any more, and how senders come to know it (rule 18)."""

from collections.abc import Iterator

from tests.model.scenario import Part, Scenario
from tests.model.state import (
    CONFIRMED,
    NAMES,
    SUPPRESSED,
    WANTED,
    Held,
    Sender,
    Step,
    World,
    put,
)


def wishes(scenario: Scenario, world: World) -> Iterator[Step]:
    """List what people do and how time passes; neither need happen."""
    if not scenario.suppressions:
        return
    if world.suppression == WANTED:
        after = world._replace(suppression=SUPPRESSED)
        yield Step("everybody is suppressed, and told so", after, is_fault=True)
    elif world.suppression == SUPPRESSED:
        after = world._replace(suppression=CONFIRMED)
        yield Step("2 s have passed since somebody was told so", after, is_fault=True)


def steps(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """List the views that a sender may read next: the first one that shows the suppression."""
    sender = world.senders[number]
    if world.suppression == WANTED or sender.view_shows:
        return
    after = sender._replace(view_shows=True, changed=sender.looked is not None)
    if scenario.keeps(Part.SUPPRESSED_HELD):
        after = _marked(after)
    what = f"sender {NAMES[number]} reads that everybody is suppressed"
    yield Step(what, world._replace(senders=put(world.senders, number, after)))


def is_found(scenario: Scenario, world: World, sender: Sender) -> bool:
    """Return whether the look-up of a batch finds the suppression.

    It is left out where the latest view shows that nobody is suppressed.
    """
    is_looked_up = sender.view_shows and scenario.keeps(Part.SUPPRESSED_LOOKUP)
    return is_looked_up and world.suppression != WANTED


def has_changed(scenario: Scenario, sender: Sender) -> bool:
    """Return whether a view has shown the suppression since the look-up of a batch began."""
    return sender.changed and scenario.keeps(Part.SUPPRESSED_ONE_STEP)


def rests_on_view(scenario: Scenario, world: World, sender: Sender) -> bool:
    """Return whether the view of a sender is young enough for a call."""
    if world.suppression != CONFIRMED or not scenario.keeps(Part.SUPPRESSED_VIEW):
        return True
    return sender.view_shows


def _marked(sender: Sender) -> Sender:
    doubt = sender.doubt
    return sender._replace(
        admitted=tuple(map(_unwanted, sender.admitted)),
        to_call=tuple(map(_unwanted, sender.to_call)),
        doubt=doubt and doubt._replace(claims=tuple(map(_unwanted, doubt.claims))),
    )


def _unwanted(held: Held) -> Held:
    return held._replace(suppressed=True)
