"""The whole system as one machine: every step from a state, and what must hold in it."""

from collections.abc import Iterator

from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.message import LedgerEntry, Status
from tests.model import (
    admission,
    calls,
    fan_out,
    faults,
    finishing,
    ledger,
    ownership,
    receipts,
    recording,
    remapping,
    requests,
    retries,
    suppressions,
)
from tests.model.promises import Broken
from tests.model.scenario import Scenario
from tests.model.state import TAKEN, UNTAKEN, Step, World


def steps(scenario: Scenario, world: World) -> Iterator[Step]:
    """List every step that may be taken from a state, in a fixed order."""
    yield from fan_out.steps(scenario, world)
    yield from retries.steps(scenario, world)
    yield from finishing.steps(scenario, world)
    yield from remapping.steps(scenario, world)
    yield from receipts.reports(scenario, world)
    yield from suppressions.wishes(scenario, world)
    for number, sender in enumerate(world.senders):
        # One thread of a sender takes over, fetches and admits, another records, and
        # providers answer beside them.
        yield from ownership.steps(scenario, world, number)
        if sender.proof is None and not ownership.is_draining(sender):
            yield from admission.steps(scenario, world, number)
        yield from recording.steps(scenario, world, number)
        yield from requests.steps(scenario, world, number)
        yield from receipts.steps(scenario, world, number)
        yield from suppressions.steps(scenario, world, number)
        yield from calls.steps(scenario, world, number)
    if not is_over(world) or world.campaign.state is CampaignState.FINISHED:
        yield from faults.steps(scenario, world)


def broken_promise(scenario: Scenario, world: World) -> Broken | None:
    """Name the promise that a state breaks, if there is one."""
    if world.broken:
        return world.broken
    if ledger.counters_of(world.ledger) != world.ledger.counters:
        return Broken.MISCOUNTED
    if any(map(_is_untrue, world.ledger.rows, world.taken)):
        return Broken.UNTRUE
    if world.campaign.state is CampaignState.CANCELLED and _reads_as_untaken(scenario, world):
        return Broken.UNTRUE
    if world.campaign.state is CampaignState.FINISHED and not ledger.is_complete(world.ledger):
        return Broken.FINISHED_EARLY
    return None


def _is_untrue(entry: LedgerEntry | None, taken: tuple[int, ...]) -> bool:
    """Return whether `sent` was not taken, or what reads as not taken may have been.

    A refusal proves a failure.
    """
    if entry is None:
        return False
    if entry.status == Status.SENT:
        return taken[entry.generation] != TAKEN
    reads_as_untaken = entry.status in {Status.FAILED, Status.SUPPRESSED}
    return reads_as_untaken and taken[entry.generation] not in UNTAKEN


def _reads_as_untaken(scenario: Scenario, world: World) -> bool:
    """Return whether a message that may have been taken reads as cancelled.

    Claimed messages, and those of a shard with an open order, have no outcome yet.
    """
    for index, shard in enumerate(scenario.message_shards):
        entry = world.ledger.rows[index]
        if entry is not None and entry.status not in {Status.WAITING, Status.CANCELLED}:
            continue
        is_claimed = any(message.seq == index + 1 for message in world.claims[shard].claimed)
        generation = entry.generation if entry else 0
        if (
            not is_claimed
            and shard not in world.ledger.settle_orders
            and world.taken[index][generation] not in UNTAKEN
        ):
            return True
    return False


def is_over(world: World) -> bool:
    """Return whether the campaign has reached its end."""
    if world.campaign.state is CampaignState.CANCELLED:
        return not world.ledger.settle_orders
    return world.campaign.state is CampaignState.FINISHED
