"""What the scheduler does: fan out, publish retries, finish (protocol rules 8 to 10 and 15)."""

from collections.abc import Iterator

from campaign_common.campaign import CampaignState
from campaign_scheduler.finisher import is_complete
from tests.model import decisions
from tests.model.intake import described
from tests.model.scenario import Fault, Part, Scenario
from tests.model.state import (
    Chunk,
    Kafka,
    MapRow,
    Record,
    Republication,
    Retry,
    Scheduler,
    Stamp,
    Step,
    World,
    put,
)

FIRST_TRY = 1


def steps(scenario: Scenario, world: World) -> Iterator[Step]:
    """List what the scheduler may do next."""
    yield from _fan_out(scenario, world)
    yield from _retries(scenario, world)
    yield from _finish(scenario, world)
    if scenario.has_watchdog:
        yield from _watch(world)
    if world.campaign.state is CampaignState.PAUSED:
        yield _resume(scenario, world)


# --- fan-out ----------------------------------------------------------------------------------


def _fan_out(scenario: Scenario, world: World) -> Iterator[Step]:
    chunk = world.scheduler.chunk
    if chunk is None:
        if _may_publish(world) and world.campaign.fanned < scenario.messages:
            chunk = _read(scenario, world)
            if not scenario.map_changes:
                # A record published later is a record fetched later, while its place is the same.
                yield _publish(world, chunk)
            else:
                what = f"fan-out reads messages {chunk.first + 1} to {chunk.last}"
                yield Step(what, _having(world, world.scheduler._replace(chunk=chunk)))
    elif not chunk.published:
        yield _publish(world, chunk)
    else:
        yield _checkpoint(scenario, world, chunk)


def _may_publish(world: World) -> bool:
    return world.campaign.state is CampaignState.RUNNING and not world.map.draining


def _read(scenario: Scenario, world: World) -> Chunk:
    campaign = world.campaign
    first, last = campaign.fanned, min(campaign.fanned + scenario.chunk_size, scenario.messages)
    records = tuple(
        Record(
            seq=index + 1,
            shard=scenario.message_shards[index],
            generation=0,
            try_number=FIRST_TRY,
            attempts=0,
            campaign_epoch=campaign.epoch,
            map_version=world.map.version,
        )
        for index in range(first, last)
        if world.ledger.rows[index] is None
    )
    return Chunk(
        campaign.epoch, campaign.lease_epoch, first, last, world.map, records, published=False
    )


def _publish(world: World, chunk: Chunk) -> Step:
    kafka = world.kafka
    for record in chunk.records:
        kafka, _ = _produced(kafka, chunk.map, record)
    records = ", ".join(described(record) for record in chunk.records) or "nothing"
    after = _having(
        world, world.scheduler._replace(chunk=chunk._replace(published=True, records=()))
    )
    return Step(f"fan-out publishes {records}", after._replace(kafka=kafka))


def _checkpoint(scenario: Scenario, world: World, chunk: Chunk) -> Step:
    campaign = world.campaign
    world = _having(world, world.scheduler._replace(chunk=None))
    if scenario.keeps(Part.DRAIN) and world.map != chunk.map:
        return Step("fan-out does not count its chunk: the map has changed", world)
    if (
        campaign.state is not CampaignState.RUNNING
        or (campaign.epoch != chunk.epoch and scenario.keeps(Part.CHECKPOINT_EPOCH))
        or campaign.lease_epoch != chunk.lease_epoch
        or campaign.fanned != chunk.first
    ):
        return Step("fan-out does not count its chunk: it was overtaken", world)
    counted = campaign._replace(fanned=chunk.last)
    return Step(f"fan-out counts up to message {chunk.last}", world._replace(campaign=counted))


def _resume(scenario: Scenario, world: World) -> Step:
    campaign = world.campaign
    fanned = 0 if scenario.keeps(Part.RESUME_FANS_OUT) else campaign.fanned
    resumed = campaign._replace(
        state=CampaignState.RUNNING, epoch=campaign.epoch + 1, fanned=fanned
    )
    return Step("the campaign is resumed", world._replace(campaign=resumed))


def _produced(kafka: Kafka, row: MapRow, record: Record) -> tuple[Kafka, int]:
    """Append a record to the partition of its shard; return its offset, too."""
    partition = decisions.map_of(row).partition(record.shard)
    log = kafka.logs[partition]
    appended = log._replace(records=(*log.records, record))
    return kafka._replace(logs=put(kafka.logs, partition, appended)), log.end


# --- retries ----------------------------------------------------------------------------------


def _retries(scenario: Scenario, world: World) -> Iterator[Step]:
    pending = world.scheduler.retry
    if pending is None:
        if _may_publish(world):
            for index, retry in enumerate(world.ledger.retries):
                if retry is not None and _is_due(scenario, world, index, retry):
                    read = _read_retry(scenario, world, index, retry)
                    if not scenario.map_changes:
                        yield _publish_retry(scenario, world, read)
                    else:
                        what = f"the retrier reads {described(read.record)}"
                        yield Step(what, _having(world, world.scheduler._replace(retry=read)))
    elif pending.offset is None:
        yield _publish_retry(scenario, world, pending)
    else:
        yield _stamp(world, pending, pending.offset)


def _is_due(scenario: Scenario, world: World, index: int, retry: Retry) -> bool:
    """Tell whether a retry was never published, or no sender will meet what was published."""
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


def _read_retry(scenario: Scenario, world: World, index: int, retry: Retry) -> Republication:
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


def _publish_retry(scenario: Scenario, world: World, pending: Republication) -> Step:
    record = pending.record
    kafka, offset = _produced(world.kafka, pending.map, record)
    world = world._replace(kafka=kafka)
    what = f"the retrier publishes {described(record)}"
    if scenario.keeps(Part.RETRY_KEPT):
        return Step(
            what, _having(world, world.scheduler._replace(retry=pending._replace(offset=offset)))
        )
    forgotten = put(world.ledger.retries, record.seq - 1, None)
    world = world._replace(ledger=world.ledger._replace(retries=forgotten))
    return Step(
        f"{what} and deletes the retry", _having(world, world.scheduler._replace(retry=None))
    )


def _stamp(world: World, pending: Republication, offset: int) -> Step:
    record, row = pending.record, pending.map
    world = _having(world, world.scheduler._replace(retry=None))
    retry = world.ledger.retries[record.seq - 1]
    if retry is None or retry[:2] != (record.generation, record.try_number):
        return Step("the retrier stamps nothing: the message has moved on", world)
    partition = decisions.map_of(row).partition(record.shard)
    stamped = retry._replace(stamp=Stamp(record.campaign_epoch, row.topic_id, partition, offset))
    retries = put(world.ledger.retries, record.seq - 1, stamped)
    after = world._replace(ledger=world.ledger._replace(retries=retries))
    return Step(f"the retrier stamps message {record.seq} with offset {offset}", after)


# --- the end ----------------------------------------------------------------------------------


def _finish(scenario: Scenario, world: World) -> Iterator[Step]:
    campaign, epoch = world.campaign, world.scheduler.finishing
    if epoch is not None:
        yield _end(scenario, _having(world, world.scheduler._replace(finishing=None)), epoch)
    elif (
        campaign.state is CampaignState.RUNNING
        and campaign.fanned == scenario.messages
        and _looks_complete(scenario, world)
    ):
        if Fault.PERSON_RETRIES not in scenario.faults:
            # Final outcomes stay what they are: nothing can come between the sum and the end.
            yield _end(scenario, world, campaign.epoch)
        else:
            found = _having(world, world.scheduler._replace(finishing=campaign.epoch))
            yield Step("the finisher finds every outcome counted", found)


def _end(scenario: Scenario, world: World, epoch: int) -> Step:
    campaign = world.campaign
    if campaign.state is not CampaignState.RUNNING or (
        campaign.epoch != epoch and scenario.keeps(Part.FINISH_EPOCH)
    ):
        return Step("the campaign is not finished: it was overtaken", world)
    finished = campaign._replace(state=CampaignState.FINISHED)
    return Step("the campaign is finished", world._replace(campaign=finished))


def _looks_complete(scenario: Scenario, world: World) -> bool:
    counts = dict(world.ledger.counters)
    if not scenario.keeps(Part.FINAL_SUM):
        return sum(counts.values()) == scenario.messages
    has_open_request = bool(world.ledger.requests) and scenario.keeps(Part.OPEN_REQUEST)
    return is_complete(scenario.messages, counts, has_open_request=has_open_request)


def _watch(world: World) -> Iterator[Step]:
    """Publish what has no outcome again, once consumers have passed everything published."""
    campaign = world.campaign
    if campaign.state is not CampaignState.RUNNING or campaign.fanned < len(world.ledger.rows):
        return
    if all(world.ledger.rows):
        return
    ranges = tuple((log.start, log.end) for log in world.kafka.logs)
    if decisions.is_drained(world.map, world.claims, ranges):
        again = campaign._replace(epoch=campaign.epoch + 1, fanned=0)
        yield Step("the watchdog has the campaign fanned out again", world._replace(campaign=again))


def _having(world: World, scheduler: Scheduler) -> World:
    return world._replace(scheduler=scheduler)
