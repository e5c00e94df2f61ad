"""Reports of providers about messages that they took, and what their owners do (rule 14)."""

from collections.abc import Iterator

from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import NO_TAKERS, PossibleTakers, doubts_of
from tests.model import decisions, ledger
from tests.model.admission import held_seqs
from tests.model.scenario import Part, Scenario
from tests.model.state import NAMES, TAKEN, UNTAKEN, Held, Step, World, put


def reports(scenario: Scenario, world: World) -> Iterator[Step]:
    """List the reports that may come next: of everything that was taken, at any moment.

    What is possibly sent counts as taken, and may be reported or not. While one provider may have
    taken a message, another one may report that it did not deliver it: it has refused it before.
    """
    if not scenario.receipts:
        return
    for index, by_generation in enumerate(world.taken):
        for generation, taken in enumerate(by_generation):
            if taken in UNTAKEN:
                continue
            by = world.taken_by[index][generation]
            takers = world.ledger.place_of_doubt(index + 1, generation, by).split("+")
            for provider in scenario.route.providers:
                named = index + 1, generation
                yield from _report(scenario, world, named, provider, provider in takers)


def _report(
    scenario: Scenario, world: World, named: tuple[int, int], provider: str, is_taker: bool
) -> Iterator[Step]:
    """A provider that took a message reports that it has passed it on."""
    seq, generation = named
    before = world.ledger
    rank = ReceiptRank.SENT if is_taker else ReceiptRank.UNDELIVERED
    known, entry = before.receipt_of(*named), before.rows[seq - 1]
    takers = _takers(world, *named) if scenario.keeps(Part.RECEIPT_KEPT) else NO_TAKERS
    stored = decisions.receipt_after(known, entry, (*named, provider, int(rank)), takers)
    receipts = before.receipts - {known} | ({stored} if stored else set())
    proofs = before.proofs | {named} if is_taker else before.proofs
    after = world._replace(ledger=before._replace(receipts=receipts, proofs=proofs))
    what = f"{provider} reports that it did not deliver message {seq}"
    if is_taker:
        what = f"{provider} reports that it took message {seq}"
        of_message = put(world.taken[seq - 1], generation, TAKEN)
        after = after._replace(taken=put(world.taken, seq - 1, of_message))
    if generation:
        what += f" generation {generation}"
    if after != world:
        yield Step(what, after)


def _takers(world: World, seq: int, generation: int) -> PossibleTakers:
    """Return the providers that may have taken a message, as a writer of receipts reads them."""
    entry = world.ledger.rows[seq - 1]
    claimed = frozenset(
        one.provider
        for claim in world.claims
        for one in claim.claimed
        if (one.seq, one.generation) == (seq, generation)
    )
    current = entry if entry is not None and entry.generation == generation else None
    return PossibleTakers(doubts_of(current, world.ledger.doubted_at(seq, generation)), claimed)


def steps(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """List the receipts by which an owner may change the ledger next."""
    sender = world.senders[number]
    if not world.ledger.receipts or sender.doubt:
        return
    held = held_seqs(sender) if scenario.keeps(Part.RECEIPT_HELD) else frozenset()
    for shard, owned in enumerate(sender.owned):
        if owned is None or owned.epoch != world.claims[shard].epoch:
            continue
        for receipt in sorted(world.ledger.receipts):
            seq = receipt[0]
            if seq not in scenario.seqs_of(shard) or seq in held:
                continue
            row = decisions.proved(scenario, world.ledger, receipt)
            if row is not None:
                after = ledger.settle_by_receipt(world.ledger, shard, row)
                what = f"sender {NAMES[number]} records message {seq} as sent by its receipt"
                yield Step(what, world._replace(ledger=after))


def is_reported(
    scenario: Scenario, world: World, held: Held, *, is_ambiguous: bool = False
) -> bool:
    """Return whether the receipt of a message proves that it was sent."""
    receipt = world.ledger.receipt_of(held.record.seq, held.record.generation)
    return receipt is not None and decisions.is_reported(scenario, held, receipt, is_ambiguous)


def is_certain(world: World, held: Held) -> bool:
    """Return whether a provider has reported that it took a message."""
    return (held.record.seq, held.record.generation) in world.ledger.proofs
