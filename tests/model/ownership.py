"""Senders' gain and loss of shards (protocol rules 2, 3 and 13)."""

from collections.abc import Iterator

from campaign_common.domain.claim import ClaimedMessage
from campaign_common.store.messages.ledger import LedgerRow
from tests.model import decisions, ledger
from tests.model.promises import Broken
from tests.model.scenario import Part, Scenario
from tests.model.state import (
    NAMES,
    NOWHERE,
    Claim,
    Owned,
    Place,
    Proof,
    Sender,
    Step,
    World,
    put,
)


def steps(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """List what a sender may do about its shards."""
    sender = world.senders[number]
    if sender.looked is not None:
        # The loop is busy; the recorder may find a fence all the same.
        yield from _notice_fences(world, number)
        return
    if sender.proof is not None:
        yield from _take_next(scenario, world, number, sender.proof)
        return
    yield from _notice(scenario, world, number)
    if is_draining(sender):
        return
    for partition in range(world.map.partitions):
        if world.kafka.assignment[partition] == number and _wants(
            scenario, world, number, partition
        ):
            yield _prove(scenario, world, number, partition)


def without_shard(sender: Sender, shard: int) -> Sender:
    """Return the sender's memory after it dropped a shard.

    What is handed to a provider goes on: nothing can call it back.
    """
    owned = sender.owned[shard]
    if owned is None:
        return sender
    return sender._replace(
        owned=put(sender.owned, shard, None),
        positions=put(sender.positions, owned.place.partition, NOWHERE),
        waiting=tuple(held for held in sender.waiting if held.record.shard != shard),
        admitted=tuple(held for held in sender.admitted if held.record.shard != shard),
        results=tuple(ended for ended in sender.results if ended[0].record.shard != shard),
    )


def _notice_fences(world: World, number: int) -> Iterator[Step]:
    for shard, owned in enumerate(world.senders[number].owned):
        if owned and owned.epoch != world.claims[shard].epoch:
            what = f"sender {NAMES[number]} finds shard {shard} taken and drops it"
            yield _dropped(world, number, what, [shard])


def _notice(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """Lose or release shards: at once, or after what is in flight has been drained."""
    yield from _notice_fences(world, number)
    sender = world.senders[number]
    name = f"sender {NAMES[number]}"
    draining = [shard for shard, owned in enumerate(sender.owned) if owned and owned.draining]
    if draining:
        yield _dropped(world, number, f"{name} has drained shards {draining}", draining)
        return
    for partition in range(len(world.kafka.assignment)):
        shards = [
            n for n, one in enumerate(sender.owned) if one and one.place.partition == partition
        ]
        if shards and world.kafka.assignment[partition] != number:
            what = f"{name} loses partition {partition}"
            yield _dropped(world, number, what, shards)
            yield _draining(world, number, f"{what} and drains it", shards)
    shards = [shard for shard, owned in enumerate(sender.owned) if owned]
    if scenario.keeps(Part.MAP_FOR_ALL):
        is_behind = any(o and o.place.map_version != world.map.version for o in sender.owned)
    else:
        is_behind = sender.known_map != world.map.version
    if shards and is_behind:
        what = f"{name} sees the new map and drops its shards"
        yield _dropped(world, number, what, shards)
        yield _draining(world, number, f"{name} sees the new map and drains its shards", shards)


def _draining(world: World, number: int, what: str, shards: list[int]) -> Step:
    """Give up what is not claimed; claimed messages that are not called yet come back."""
    sender = world.senders[number]
    owned = tuple(
        one and one._replace(draining=shard in shards) for shard, one in enumerate(sender.owned)
    )
    admitted = tuple(held for held in sender.admitted if held.record.shard not in shards)
    sender = sender._replace(owned=owned, admitted=admitted)
    return Step(what, world._replace(senders=put(world.senders, number, sender)))


def is_draining(sender: Sender) -> bool:
    """Return whether the loop of a sender waits for its messages in flight."""
    return any(owned and owned.draining for owned in sender.owned)


def _dropped(world: World, number: int, what: str, shards: list[int]) -> Step:
    sender = world.senders[number]
    for shard in shards:
        sender = without_shard(sender, shard)
    return Step(what, world._replace(senders=put(world.senders, number, sender)))


def _carried(world: World, partition: int, scenario: Scenario) -> list[int]:
    return decisions.map_of(world.map).shards(partition, scenario.shards)


def _wants(scenario: Scenario, world: World, number: int, partition: int) -> bool:
    """Return whether a partition has anything to take over."""
    sender = world.senders[number]
    if scenario.keeps(Part.MAP_FOR_ALL) and any(
        owned and owned.place.map_version != world.map.version for owned in sender.owned
    ):
        return False
    carried = _carried(world, partition, scenario)
    return bool(carried) and sender.positions[partition] == NOWHERE


def _prove(scenario: Scenario, world: World, number: int, partition: int) -> Step:
    early = not scenario.keeps(Part.RAISE_BEFORE_READ)
    claimed = tuple(claim.claimed for claim in world.claims) if early else ()
    sender = world.senders[number]._replace(proof=Proof(partition, world.map, claimed))
    if not scenario.keeps(Part.MAP_FOR_ALL):
        sender = sender._replace(known_map=world.map.version)
    what = f"sender {NAMES[number]} proves that partition {partition} is its own"
    return Step(what, world._replace(senders=put(world.senders, number, sender)))


def _take_next(scenario: Scenario, world: World, number: int, proof: Proof) -> Iterator[Step]:
    sender = world.senders[number]
    carried = decisions.map_of(proof.map).shards(proof.partition, scenario.shards)
    missing = [shard for shard in carried if sender.owned[shard] is None]
    if not missing:
        yield _seek(scenario, world, number, proof.partition, carried)
        return
    shard = missing[0]
    place = world.claims[shard].place
    if place.map_version > proof.map.version and place.topic_id == proof.map.topic_id:
        refused = sender._replace(proof=None)
        what = f"sender {NAMES[number]} may not take shard {shard} under an older map"
        yield Step(what, world._replace(senders=put(world.senders, number, refused)))
    else:
        yield _take(scenario, world, number, shard)


def _take(scenario: Scenario, world: World, number: int, shard: int) -> Step:
    sender = world.senders[number]
    proof = sender.proof
    if proof is None:
        raise AssertionError("nothing is taken without proof")
    row = world.claims[shard]
    claimed = proof.claimed[shard] if proof.claimed else row.claimed
    world = _settled(scenario, world, shard, claimed)
    start = decisions.start_under(proof.map, shard, row)
    place = Place(proof.map.topic_id, proof.partition, proof.map.version)
    claim = Claim(row.epoch + 1, place, start, ())
    owned = Owned(claim.epoch, place, position=start, unfinished=(), behind=0)
    sender = sender._replace(owned=put(sender.owned, shard, owned))
    world = world._replace(
        claims=put(world.claims, shard, claim), senders=put(world.senders, number, sender)
    )
    carried = decisions.map_of(proof.map).shards(proof.partition, scenario.shards)
    what = f"sender {NAMES[number]} takes shard {shard} over from offset {start}"
    if all(sender.owned[one] for one in carried):
        world = _seek(scenario, world, number, proof.partition, carried).world
    return Step(what, world)


def _settled(
    scenario: Scenario, world: World, shard: int, claimed: tuple[ClaimedMessage, ...]
) -> World:
    campaign = (world.campaign.state, world.campaign.epoch)
    settled = decisions.settlement(scenario, claimed, world.ledger, campaign)
    rows: list[LedgerRow] = settled.unknown + settled.sent
    after, broken = ledger.record(world.ledger, shard, rows)
    noted = {(one.seq, one.generation) for one in settled.possibly_sent}
    if ledger.ignores_receipt(world.ledger, rows) or noted & world.ledger.proofs:
        broken = broken or Broken.PROOF_IGNORED
    after = ledger.note_possibly_sent(after, settled.possibly_sent)
    return world._replace(ledger=after, broken=world.broken or broken)


def _seek(
    scenario: Scenario, world: World, number: int, partition: int, carried: list[int]
) -> Step:
    """Fetch from the lowest offset that one of the partition's shards needs."""
    sender = world.senders[number]
    choose = min if scenario.keeps(Part.LOWEST_OFFSET) else max
    start = choose(owned.recorded for shard in carried if (owned := sender.owned[shard]))
    sender = sender._replace(proof=None, positions=put(sender.positions, partition, start))
    what = f"sender {NAMES[number]} seeks partition {partition} to {start}"
    return Step(what, world._replace(senders=put(world.senders, number, sender)))
