"""Reports of providers about messages that they took, and what their owners do (rule 14)."""

from collections.abc import Iterator

from tests.model import decisions, ledger
from tests.model.admission import held_seqs
from tests.model.scenario import Part, Scenario
from tests.model.state import NAMES, TAKEN, UNTAKEN, Held, Step, World, put


def reports(scenario: Scenario, world: World) -> Iterator[Step]:
    """List the reports that may come next: of everything that was taken, at any moment.

    What is possibly sent counts as taken, and may be reported or not.
    """
    if not scenario.receipts:
        return
    for index, by_generation in enumerate(world.taken):
        for generation, taken in enumerate(by_generation):
            key = (index + 1, generation)
            if taken in UNTAKEN or key in world.ledger.receipts:
                continue
            reported = world.ledger._replace(receipts=world.ledger.receipts | {key})
            known = put(world.taken, index, put(by_generation, generation, TAKEN))
            what = f"the provider reports that it took message {index + 1}"
            if generation:
                what += f" generation {generation}"
            yield Step(what, world._replace(ledger=reported, taken=known))


def steps(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """List the receipts by which an owner may change the ledger next."""
    sender = world.senders[number]
    if not world.ledger.receipts or sender.doubt:
        return
    held = held_seqs(sender) if scenario.keeps(Part.RECEIPT_HELD) else frozenset()
    for shard, owned in enumerate(sender.owned):
        if owned is None or owned.epoch != world.claims[shard].epoch:
            continue
        for seq, generation in sorted(world.ledger.receipts):
            if seq not in scenario.seqs_of(shard) or seq in held:
                continue
            row = decisions.proved(scenario, world.ledger, seq, generation)
            if row is not None:
                after = ledger.settle_by_receipt(world.ledger, shard, row)
                what = f"sender {NAMES[number]} records message {seq} as sent by its receipt"
                yield Step(what, world._replace(ledger=after))


def is_reported(world: World, held: Held) -> bool:
    """Return whether a provider has reported about the generation of a record."""
    return (held.record.seq, held.record.generation) in world.ledger.receipts
