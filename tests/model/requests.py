"""Orders to the owner of a shard, carried out by it (protocol rules 3 and 10)."""

from collections.abc import Iterator

from campaign_common.domain.campaign import CampaignState
from tests.model import ledger
from tests.model.admission import held_seqs
from tests.model.scenario import Part, Scenario
from tests.model.state import NAMES, Step, World


def steps(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """List the open orders that a sender may carry out next."""
    orders = world.ledger
    sender = world.senders[number]
    if orders.late and not sender.doubt:
        yield from _settle_by_facts(scenario, world, number)
    for shard in sorted(orders.retry_orders | orders.settle_orders):
        owned = sender.owned[shard]
        if owned is None or owned.epoch != world.claims[shard].epoch or sender.doubt:
            continue
        if shard in orders.retry_orders:
            yield _retry(scenario, world, number, shard)
        elif not _holds(scenario, world, number, shard) or not scenario.keeps(Part.SETTLE_LAST):
            after = ledger.settle(orders, shard, scenario.seqs_of(shard))
            what = (
                f"sender {NAMES[number]} settles what the cancelled campaign left in shard {shard}"
            )
            yield Step(what, world._replace(ledger=after))


def _settle_by_facts(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    before = world.ledger
    possibly_sent = before.possibly_sent if scenario.keeps(Part.LATE_REFUSAL) else frozenset()
    for shard, owned in enumerate(world.senders[number].owned):
        if owned is None or owned.epoch != world.claims[shard].epoch:
            continue
        after = ledger.settle_by_facts(before, shard, scenario.seqs_of(shard), possibly_sent)
        if after != before:
            what = f"sender {NAMES[number]} settles what is unknown in shard {shard} by late facts"
            yield Step(what, world._replace(ledger=after))


def _retry(scenario: Scenario, world: World, number: int, shard: int) -> Step:
    seqs = scenario.seqs_of(shard)
    if world.campaign.state is CampaignState.CANCELLED:
        seqs = []
    after = ledger.retry_by_hand(world.ledger, shard, seqs)
    what = f"sender {NAMES[number]} turns what ended in shard {shard} back to waiting"
    return Step(what, world._replace(ledger=after))


def _holds(scenario: Scenario, world: World, number: int, shard: int) -> bool:
    return not held_seqs(world.senders[number]).isdisjoint(scenario.seqs_of(shard))
