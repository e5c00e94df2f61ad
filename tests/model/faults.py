"""Faults, and actions of people, that may happen between any two steps."""

from collections.abc import Iterator

from campaign_common.domain.campaign import CampaignState
from tests.model.ledger import RETRIED_BY_HAND
from tests.model.ownership import without_shard
from tests.model.scenario import Fault, Part, Scenario
from tests.model.state import (
    NAMES,
    NOT_TAKEN,
    REFUSED,
    Kafka,
    Log,
    Scheduler,
    Step,
    World,
    put,
)


def steps(scenario: Scenario, world: World) -> Iterator[Step]:
    """List the faults that may happen now, each of which costs one of those left."""
    if not world.faults_left:
        return
    is_finished = world.campaign.state is CampaignState.FINISHED
    for fault, happen in _FAULTS.items():
        if fault in scenario.faults and (fault is Fault.PERSON_RETRIES or not is_finished):
            for what, after in happen(scenario, world):
                counted = after._replace(faults_left=world.faults_left - 1)
                yield Step(what, counted, is_fault=True)


Happening = tuple[str, World]


def _sender_crash(scenario: Scenario, world: World) -> Iterator[Happening]:
    for number, sender in enumerate(world.senders):
        if sender == scenario.new_sender():
            continue
        what = f"sender {NAMES[number]} is killed"
        after = world._replace(senders=put(world.senders, number, scenario.new_sender()))
        yield f"{what} and started again", after
        moved = tuple(1 - number if one == number else one for one in world.kafka.assignment)
        if moved != world.kafka.assignment:
            yield f"{what}, its partitions move", _assigned(after, moved)


def _reassignment(_: Scenario, world: World) -> Iterator[Happening]:
    for partition, number in enumerate(world.kafka.assignment):
        what = f"partition {partition} moves to sender {NAMES[1 - number]}"
        yield what, _assigned(world, put(world.kafka.assignment, partition, 1 - number))


def _revocation(_: Scenario, world: World) -> Iterator[Happening]:
    """The group takes every partition of a sender away and gives it back."""
    for number, sender in enumerate(world.senders):
        if any(sender.owned) and sender.looked is None and sender.proof is None:
            after = sender
            for shard in range(len(sender.owned)):
                after = without_shard(after, shard)
            what = f"sender {NAMES[number]} loses its partitions and gets them back"
            yield what, world._replace(senders=put(world.senders, number, after))


def _scheduler_crash(_: Scenario, world: World) -> Iterator[Happening]:
    """The new holder of the lease raises its epoch."""
    if world.scheduler == Scheduler():
        return
    campaign = world.campaign._replace(lease_epoch=world.campaign.lease_epoch + 1)
    yield "the scheduler is killed", world._replace(scheduler=Scheduler(), campaign=campaign)


def _pause(_: Scenario, world: World) -> Iterator[Happening]:
    if world.campaign.state is CampaignState.RUNNING:
        yield "the campaign is paused", _ended(world, CampaignState.PAUSED)


def _cancel(scenario: Scenario, world: World) -> Iterator[Happening]:
    """The orders to settle it are part of the same transaction."""
    if world.campaign.state in {CampaignState.RUNNING, CampaignState.PAUSED}:
        after = _ended(world, CampaignState.CANCELLED)
        if scenario.keeps(Part.SETTLE_CANCELLED):
            orders = frozenset(range(scenario.shards))
            after = after._replace(ledger=after.ledger._replace(settle_orders=orders))
        yield "the campaign is cancelled", after


def _retention(_: Scenario, world: World) -> Iterator[Happening]:
    for partition, log in enumerate(world.kafka.logs):
        if log.start < log.end:
            emptied = Log(log.end, (None,) * log.end)
            kafka = world.kafka._replace(logs=put(world.kafka.logs, partition, emptied))
            yield f"retention empties partition {partition}", world._replace(kafka=kafka)


def _new_topic(_: Scenario, world: World) -> Iterator[Happening]:
    kafka = world.kafka
    logs = (Log(0, ()),) * len(kafka.logs)
    made_anew = kafka._replace(topic_id=f"{kafka.topic_id}+", logs=logs)
    yield "the topic is deleted and made anew", world._replace(kafka=made_anew)


def _more_partitions(scenario: Scenario, world: World) -> Iterator[Happening]:
    kafka = world.kafka
    if len(kafka.logs) == scenario.most_partitions:
        return
    for number in range(2):
        raised = Kafka(kafka.topic_id, (*kafka.logs, Log(0, ())), (*kafka.assignment, number))
        what = f"the topic gets a partition, assigned to sender {NAMES[number]}"
        yield what, world._replace(kafka=raised)


def _person_retries(scenario: Scenario, world: World) -> Iterator[Happening]:
    """The order and the campaign's new epoch are one transaction (rule 8).

    The fan-out of a finished campaign stays complete.
    """
    campaign = world.campaign
    if (
        not any(
            entry and entry.status in RETRIED_BY_HAND and entry.generation == 0
            for entry in world.ledger.rows
        )
        or world.ledger.has_open_order
        or campaign.state not in {CampaignState.RUNNING, CampaignState.FINISHED}
    ):
        return
    fanned = 0 if campaign.state is CampaignState.RUNNING else campaign.fanned
    campaign = campaign._replace(
        state=CampaignState.RUNNING, epoch=campaign.epoch + 1, fanned=fanned
    )
    orders = frozenset(range(scenario.shards))
    yield (
        "a person has what failed or is unknown sent again",
        world._replace(campaign=campaign, ledger=world.ledger._replace(retry_orders=orders)),
    )


def _older_sender(_: Scenario, world: World) -> Iterator[Happening]:
    """A claim was written by a sender of a version that names no provider in it."""
    for shard, claim in enumerate(world.claims):
        if any(message.provider for message in claim.claimed):
            claimed = tuple(message._replace(provider=None) for message in claim.claimed)
            claims = put(world.claims, shard, claim._replace(claimed=claimed))
            yield f"the claim of shard {shard} names no provider", world._replace(claims=claims)


def _keys_forgotten(_: Scenario, world: World) -> Iterator[Happening]:
    """Messages that were refused may be taken from then on; those that were taken stay so.

    Senders that have lost a shard have made their last calls for it by then: rule 7 gives them a
    second.
    """
    is_settled = all(
        held.claim_epoch == world.claims[held.record.shard].epoch
        for sender in world.senders
        for held in sender.to_call
    )
    if is_settled and not world.keys_forgotten:
        taken = tuple(
            tuple(NOT_TAKEN if one == REFUSED else one for one in by_generation)
            for by_generation in world.taken
        )
        forgotten = world._replace(keys_forgotten=True, taken=taken)
        yield "the provider forgets every key", forgotten


def _assigned(world: World, assignment: tuple[int, ...]) -> World:
    return world._replace(kafka=world.kafka._replace(assignment=assignment))


def _ended(world: World, state: CampaignState) -> World:
    campaign = world.campaign._replace(state=state, epoch=world.campaign.epoch + 1)
    return world._replace(campaign=campaign)


_FAULTS = {
    Fault.SENDER_CRASH: _sender_crash,
    Fault.REASSIGNMENT: _reassignment,
    Fault.REVOCATION: _revocation,
    Fault.SCHEDULER_CRASH: _scheduler_crash,
    Fault.PAUSE: _pause,
    Fault.CANCEL: _cancel,
    Fault.RETENTION: _retention,
    Fault.NEW_TOPIC: _new_topic,
    Fault.MORE_PARTITIONS: _more_partitions,
    Fault.PERSON_RETRIES: _person_retries,
    Fault.OLDER_SENDER: _older_sender,
    Fault.KEYS_FORGOTTEN: _keys_forgotten,
}
"""LOST_ANSWER is part of a transaction and stands in `recording`."""
