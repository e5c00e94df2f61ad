"""The end of a campaign (protocol rule 10)."""

from collections.abc import Iterator

from campaign_common.domain.campaign import CampaignState
from campaign_scheduler.jobs.finish_campaigns import is_complete
from tests.model.scenario import Fault, Part, Scenario
from tests.model.state import Step, World


def steps(scenario: Scenario, world: World) -> Iterator[Step]:
    """List what the finisher may do next."""
    campaign, epoch = world.campaign, world.scheduler.finishing
    if epoch is not None:
        yield _end(scenario, _finishing(world, None), epoch)
    elif (
        campaign.state is CampaignState.RUNNING
        and campaign.fanned == scenario.messages
        and _looks_complete(scenario, world)
    ):
        if Fault.PERSON_RETRIES not in scenario.faults:
            # Final outcomes stay what they are: nothing can come between the sum and the end.
            yield _end(scenario, world, campaign.epoch)
        else:
            found = _finishing(world, campaign.epoch)
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
    has_open_command = bool(world.ledger.retry_orders) and scenario.keeps(Part.OPEN_REQUEST)
    return is_complete(scenario.messages, counts, has_open_command=has_open_command)


def _finishing(world: World, epoch: int | None) -> World:
    return world._replace(scheduler=world.scheduler._replace(finishing=epoch))
