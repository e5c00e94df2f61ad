"""A person's order to retry what failed, carried out by the owner of a shard (rule 10)."""

from collections.abc import Iterator

from tests.model import ledger
from tests.model.scenario import Scenario
from tests.model.state import NAMES, Step, World


def steps(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """List the open orders that a sender may carry out next."""
    sender = world.senders[number]
    for shard in world.ledger.requests:
        owned = sender.owned[shard]
        if owned is None or owned.epoch != world.claims[shard].epoch or sender.doubt:
            continue
        seqs = [n + 1 for n, of in enumerate(scenario.message_shards) if of == shard]
        after = ledger.retry_by_hand(world.ledger, shard, seqs)
        what = f"sender {NAMES[number]} turns what failed in shard {shard} back to waiting"
        yield Step(what, world._replace(ledger=after))
