"""The whole system as one machine: every step from a state, and what must hold in it."""

from collections.abc import Iterator

from campaign_common.campaign import CampaignState
from tests.model import (
    calls,
    faults,
    intake,
    ledger,
    ownership,
    recording,
    remapping,
    requests,
    scheduler,
)
from tests.model.scenario import Scenario
from tests.model.state import Step, World

MISCOUNTED = "the counters do not say what the ledger says"
FINISHED_EARLY = "the campaign is finished while a message has no final outcome"


def steps(scenario: Scenario, world: World) -> Iterator[Step]:
    """List every step that may be taken from a state, in a fixed order."""
    yield from scheduler.steps(scenario, world)
    yield from remapping.steps(scenario, world)
    for number, sender in enumerate(world.senders):
        # One thread of a sender takes over, fetches and admits, another records, and
        # providers answer beside them.
        yield from ownership.steps(scenario, world, number)
        if sender.proof is None:
            yield from intake.steps(scenario, world, number)
        yield from recording.steps(scenario, world, number)
        yield from requests.steps(scenario, world, number)
        yield from calls.steps(scenario, world, number)
    if not is_over(world):
        yield from faults.steps(scenario, world)


def broken_promise(world: World) -> str:
    """Name the promise that a state breaks; empty where all are kept."""
    if world.broken:
        return world.broken
    if ledger.counters_of(world.ledger) != world.ledger.counters:
        return MISCOUNTED
    if world.campaign.state is CampaignState.FINISHED and not ledger.is_complete(world.ledger):
        return FINISHED_EARLY
    return ""


def is_over(world: World) -> bool:
    """Tell whether the campaign has reached its end."""
    return world.campaign.state in {CampaignState.FINISHED, CampaignState.CANCELLED}
