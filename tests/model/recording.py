"""What a sender's recorder and its provider do (protocol rules 2, 4, 7 and 16)."""

from collections.abc import Iterator
from typing import NamedTuple

from campaign_common.campaign import CampaignState, Delivery
from campaign_sender.providers.contract import Answer
from tests.model import decisions, ledger
from tests.model.intake import described, finished, owns
from tests.model.ownership import without_shard
from tests.model.scenario import Fault, Part, Scenario
from tests.model.state import Doubt, Ended, Held, Sender, Step, World, put

CALLED_AGAIN = "called again after a call that may have been taken"
CALLED_VOID = "called for a campaign that does not run under the record's epoch"


class Work(NamedTuple):
    """What one transaction takes from the sender's memory."""

    results: tuple[Ended, ...]
    claims: tuple[Held, ...]


def steps(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """List what the recorder of a sender, and the provider it calls, may do next."""
    sender = world.senders[number]
    if sender.doubt is None:
        yield from _record(scenario, world, number)
    else:
        yield _check(scenario, world, number, sender.doubt)
        if not scenario.keeps(Part.KEPT_DOUBT):
            yield _forget(world, number, sender.doubt)
    for held in dict.fromkeys(sender.to_call):
        yield from _call(scenario, world, number, held)


# --- recording --------------------------------------------------------------------------------


def _record(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    sender = world.senders[number]
    work = Work(sender.results, sender.admitted)
    shards = _touched(world, sender, work)
    if not shards:
        return
    after, fenced = _written(scenario, world, number, work, shards)
    what = f"sender {'AB'[number]} records {_named(work)}"
    yield Step(
        what + (f", finds shards {fenced} fenced" if fenced else ""),
        _completed(scenario, after, number, work, fenced),
    )
    if Fault.LOST_ANSWER in scenario.faults and world.faults_left:
        sender = after.senders[number]._replace(
            results=(), admitted=(), doubt=Doubt(work.results, work.claims)
        )
        after = after._replace(senders=put(after.senders, number, sender))
        yield Step(f"{what}, the answer to COMMIT is lost", after, is_fault=True)


def _touched(world: World, sender: Sender, work: Work) -> list[int]:
    """List the owned shards that a transaction has something to do for."""
    busy = {held.record.shard for held in work.claims}
    busy |= {held.record.shard for held, _ in work.results}
    return [
        shard
        for shard, owned in enumerate(sender.owned)
        if owned
        and (
            shard in busy
            or (
                owned.epoch == world.claims[shard].epoch
                and owned.recorded != world.claims[shard].recorded
            )
        )
    ]


def _written(
    scenario: Scenario, world: World, number: int, work: Work, shards: list[int]
) -> tuple[World, list[int]]:
    """Do the transaction in the database; return the shards that were fenced, too."""
    fenced = []
    for shard in shards:
        sender = world.senders[number]
        owned, row = sender.owned[shard], world.claims[shard]
        if owned is None:
            continue
        if scenario.keeps(Part.FENCE) and (owned.epoch != row.epoch or owned.behind):
            fenced.append(shard)
            continue
        claimed = _claimed_after(scenario, sender, work, shard)
        recorded = owned.recorded
        if not scenario.keeps(Part.UNFINISHED_OFFSET):
            recorded = owned.position
        rows = [
            decisions.outcome(scenario, ended, (CampaignState.RUNNING, 1))
            for ended in work.results
            if ended[0].record.shard == shard and ended[1] is not Answer.VOID
        ]
        after, broken = ledger.record(world.ledger, shard, rows)
        row = row._replace(claimed=claimed, recorded=recorded)
        sender = sender._replace(
            owned=put(sender.owned, shard, owned._replace(behind=owned.behind + 1))
        )
        world = world._replace(
            claims=put(world.claims, shard, row),
            ledger=after,
            senders=put(world.senders, number, sender),
            broken=world.broken or broken,
        )
    return world, fenced


def _claimed_after(scenario: Scenario, sender: Sender, work: Work, shard: int):
    if not scenario.keeps(Part.CLAIM_LIST):
        return ()
    open_calls = [held for held in sender.to_call if owns(sender, held)]
    return tuple(
        held.claimed for held in (*open_calls, *work.claims) if held.record.shard == shard
    )
