"""Publication of retries (protocol rule 9)."""

from collections.abc import Iterator

from tests.model import decisions
from tests.model.admission import described
from tests.model.fan_out import may_publish, produced
from tests.model.scenario import Part, Scenario
from tests.model.state import Record, Republication, Retry, Stamp, Step, World, put


def steps(scenario: Scenario, world: World) -> Iterator[Step]:
    """List what the retry publisher may do next."""
    pending = world.scheduler.retry
    if pending is None:
        if may_publish(world):
            for index, retry in enumerate(world.ledger.retries):
                if retry is not None and _is_due(scenario, world, index, retry):
                    read = _read(scenario, world, index, retry)
                    if not scenario.map_changes:
                        yield _publish(scenario, world, read)
                    else:
                        what = f"the retry publisher reads {described(read.record)}"
                        yield Step(what, _retrying(world, read))
    elif pending.offset is None:
        yield _publish(scenario, world, pending)
    else:
        yield _stamp(world, pending, pending.offset)


def _is_due(scenario: Scenario, world: World, index: int, retry: Retry) -> bool:
    """Return whether a retry was never published, or no sender will read its record."""
    stamp = retry.stamp
    if stamp is None:
        return True
    shard = scenario.message_shards[index]
    claim = world.claims[shard]
    is_stale = stamp.epoch < world.campaign.epoch
    is_elsewhere = (stamp.topic_id, stamp.partition) != (
        world.map.topic_id,
        decisions.map_of(world.map).partition(shard),
    )
    recorded = claim.recorded
    if scenario.keeps(Part.DELETED_IS_PASSED):
        recorded = max(recorded, world.kafka.logs[stamp.partition].start)
    is_passed = claim.place[:2] == stamp[1:3] and recorded > stamp.offset
    return is_stale or is_elsewhere or (is_passed and scenario.keeps(Part.PASSED_STAMP))


def _read(scenario: Scenario, world: World, index: int, retry: Retry) -> Republication:
    record = Record(
        seq=index + 1,
        shard=scenario.message_shards[index],
        generation=retry.generation,
        try_number=retry.try_number,
        attempts=retry.attempts,
        campaign_epoch=world.campaign.epoch,
        map_version=world.map.version,
    )
    return Republication(record, world.map, None)


def _publish(scenario: Scenario, world: World, pending: Republication) -> Step:
    record = pending.record
    kafka, offset = produced(world.kafka, pending.map, record)
    world = world._replace(kafka=kafka)
    what = f"the retry publisher publishes {described(record)}"
    if scenario.keeps(Part.RETRY_KEPT):
        return Step(what, _retrying(world, pending._replace(offset=offset)))
    forgotten = put(world.ledger.retries, record.seq - 1, None)
    world = world._replace(ledger=world.ledger._replace(retries=forgotten))
    return Step(f"{what} and deletes the retry", _retrying(world, None))


def _stamp(world: World, pending: Republication, offset: int) -> Step:
    record, row = pending.record, pending.map
    world = _retrying(world, None)
    retry = world.ledger.retries[record.seq - 1]
    if retry is None or retry[:2] != (record.generation, record.try_number):
        return Step("the retry publisher stamps nothing: the message has moved on", world)
    partition = decisions.map_of(row).partition(record.shard)
    stamped = retry._replace(stamp=Stamp(record.campaign_epoch, row.topic_id, partition, offset))
    retries = put(world.ledger.retries, record.seq - 1, stamped)
    after = world._replace(ledger=world.ledger._replace(retries=retries))
    return Step(f"the retry publisher stamps message {record.seq} with offset {offset}", after)


def _retrying(world: World, pending: Republication | None) -> World:
    return world._replace(scheduler=world.scheduler._replace(retry=pending))
