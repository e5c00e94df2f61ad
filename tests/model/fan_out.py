"""The steps of fan-out, and those that set it back (protocol rules 8 and 15)."""

from collections.abc import Iterator

from campaign_common.domain.campaign import CampaignState
from tests.model import decisions
from tests.model.admission import described
from tests.model.scenario import Part, Scenario
from tests.model.state import Chunk, Kafka, MapRow, Record, Step, World, put

FIRST_TRY = 1


def steps(scenario: Scenario, world: World) -> Iterator[Step]:
    """List what fan-out, the watchdog or the person who paused may do next."""
    yield from _fan_out(scenario, world)
    if scenario.has_watchdog:
        yield from _watch(world)
    if world.campaign.state is CampaignState.PAUSED:
        yield _resume(scenario, world)


def _fan_out(scenario: Scenario, world: World) -> Iterator[Step]:
    chunk = world.scheduler.chunk
    if chunk is None:
        if may_publish(world) and world.campaign.fanned < scenario.messages:
            chunk = _read(scenario, world)
            if not scenario.map_changes:
                # A record published later is a record fetched later, while its place is the same.
                yield _publish(world, chunk)
            else:
                what = f"fan-out reads messages {chunk.first + 1} to {chunk.last}"
                yield Step(what, _fanning(world, chunk))
    elif not chunk.published:
        yield _publish(world, chunk)
    else:
        yield _checkpoint(scenario, world, chunk)


def may_publish(world: World) -> bool:
    """Return whether a publisher may publish for the campaign (rule 11)."""
    return world.campaign.state is CampaignState.RUNNING and not world.map.draining


def produced(kafka: Kafka, row: MapRow, record: Record) -> tuple[Kafka, int]:
    """Append a record to the partition of its shard; return its offset, too."""
    partition = decisions.map_of(row).partition(record.shard)
    log = kafka.logs[partition]
    appended = log._replace(records=(*log.records, record))
    return kafka._replace(logs=put(kafka.logs, partition, appended)), log.end


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
        kafka, _ = produced(kafka, chunk.map, record)
    records = ", ".join(described(record) for record in chunk.records) or "nothing"
    after = _fanning(world, chunk._replace(published=True, records=()))
    return Step(f"fan-out publishes {records}", after._replace(kafka=kafka))


def _checkpoint(scenario: Scenario, world: World, chunk: Chunk) -> Step:
    campaign = world.campaign
    world = _fanning(world, None)
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


def _fanning(world: World, chunk: Chunk | None) -> World:
    return world._replace(scheduler=world.scheduler._replace(chunk=chunk))
