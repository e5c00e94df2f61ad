"""Changes of the partition map, which follows Kafka (protocol rule 11)."""

from collections.abc import Iterator

from campaign_common.domain.campaign import CampaignState
from tests.model import decisions
from tests.model.scenario import Part, Scenario
from tests.model.state import MapRow, Step, World


def steps(scenario: Scenario, world: World) -> Iterator[Step]:
    """List what may be done next to bring the map in line with the topic."""
    row, kafka = world.map, world.kafka
    following = world.scheduler.flip
    if following is not None:
        yield _flip(world, following)
    elif row.draining:
        if not scenario.keeps(Part.DRAIN) or _is_drained(world):
            yield _prepare(world)
    elif (row.topic_id, row.partitions) != (kafka.topic_id, len(kafka.logs)):
        drains = world._replace(map=row._replace(draining=True))
        yield Step("the partition map drains", drains)


def _is_drained(world: World) -> bool:
    row = world.map
    if row.topic_id != world.kafka.topic_id:
        return True
    ranges = tuple((log.start, log.end) for log in world.kafka.logs[: row.partitions])
    return decisions.is_drained(row, world.claims, ranges)


def _prepare(world: World) -> Step:
    row, kafka = world.map, world.kafka
    ends = tuple(log.end for log in kafka.logs[: row.partitions])
    following = decisions.map_after(row, kafka.topic_id, len(kafka.logs), ends)
    scheduler = world.scheduler._replace(flip=following)
    return Step("the next partition map is prepared", world._replace(scheduler=scheduler))


def _flip(world: World, following: MapRow) -> Step:
    scheduler = world.scheduler._replace(flip=None)
    world = world._replace(scheduler=scheduler)
    row, campaign = world.map, world.campaign
    if not row.draining or row.version + 1 != following.version:
        return Step("the map is not flipped: another scheduler did", world)
    if campaign.state is CampaignState.RUNNING:
        campaign = campaign._replace(lease_epoch=campaign.lease_epoch + 1)
        if row.topic_id != following.topic_id:
            campaign = campaign._replace(epoch=campaign.epoch + 1, fanned=0)
    what = f"the map flips to version {following.version}, {following.partitions} partitions"
    return Step(what, world._replace(map=following, campaign=campaign))
