"""The loop of a sender: fetch, look up, admit (protocol rules 1, 5 and 6)."""

from collections.abc import Iterator

from tests.model import decisions
from tests.model.scenario import Part, Scenario
from tests.model.state import (
    NAMES,
    NOWHERE,
    Held,
    Looked,
    PossiblySent,
    Receipt,
    Record,
    Sender,
    Step,
    World,
    put,
)


def steps(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """List what the loop of a sender that is not taking anything over may do next."""
    sender = world.senders[number]
    if sender.looked is not None:
        yield _step(world, number, "admits", _admit(scenario, sender, sender.looked))
        return
    for partition, position in enumerate(sender.positions):
        if position != NOWHERE:
            yield from _fetch(scenario, world, number, partition)
    if sender.fetched:
        taken_in = sender._replace(fetched=())
        for partition, offset, record in sender.fetched:
            taken_in = _take_in(taken_in, partition, offset, record)
        yield _step(world, number, "takes in what it fetched before", taken_in)
    yield from _look(scenario, world, number)


def held_seqs(sender: Sender) -> frozenset[int]:
    """Return the messages of which this sender holds a copy, for shards it still owns."""
    doubt = sender.doubt
    held = [*sender.admitted, *sender.to_call, *(message for message, _ in sender.results)]
    if doubt:
        held += [*doubt.claims, *(message for message, _ in doubt.results)]
    return frozenset(message.record.seq for message in held if owns(sender, message))


def owns(sender: Sender, held: Held) -> bool:
    """Return whether the sender still owns the message's shard under the same claim."""
    owned = sender.owned[held.record.shard]
    return owned is not None and owned.epoch == held.claim_epoch


def finished(sender: Sender, done: tuple[Held, ...]) -> Sender:
    """Note that nothing more will be done for these records."""
    owned = list(sender.owned)
    for held in done:
        shard = owned[held.record.shard]
        if shard is not None and shard.epoch == held.claim_epoch:
            unfinished = tuple(offset for offset in shard.unfinished if offset != held.offset)
            owned[held.record.shard] = shard._replace(unfinished=unfinished)
    return sender._replace(owned=tuple(owned))


def _fetch(scenario: Scenario, world: World, number: int, partition: int) -> Iterator[Step]:
    sender = world.senders[number]
    log = world.kafka.logs[partition]
    position = sender.positions[partition]
    if position < log.start or position > log.end:
        # Out of range: the consumer starts over at the log's start.
        moved = _positioned(sender, partition, log.start)
        if scenario.keeps(Part.DELETED_IS_PASSED):
            moved = _passed(moved, partition, log.start)
        yield _step(world, number, f"finds partition {partition} begin at {log.start}", moved)
    elif position < log.end:
        record = log.records[position]
        if record is None:
            raise AssertionError("retention deletes from the start of the log")
        after = _positioned(sender, partition, position + 1)
        what = f"fetches offset {position} of partition {partition}: {described(record)}"
        if not sender.fetched:
            yield _step(world, number, what, _take_in(after, partition, position, record))
        if not scenario.keeps(Part.FRESH_FETCH):
            fetched = (*sender.fetched, (partition, position, record))
            yield _step(world, number, f"{what}, for later", after._replace(fetched=fetched))


def _take_in(sender: Sender, partition: int, offset: int, record: Record) -> Sender:
    owned = sender.owned[record.shard]
    if owned and owned.place.partition == partition and offset >= owned.position:
        held = Held(record, partition, offset, owned.epoch)
        begun = owned._replace(unfinished=(*owned.unfinished, offset))
        sender = sender._replace(
            owned=put(sender.owned, record.shard, begun), waiting=(*sender.waiting, held)
        )
    return _passed(sender, partition, offset + 1)


def _passed(sender: Sender, partition: int, position: int) -> Sender:
    return sender._replace(
        owned=tuple(
            owned._replace(position=max(owned.position, position))
            if owned and owned.place.partition == partition
            else owned
            for owned in sender.owned
        )
    )


def _positioned(sender: Sender, partition: int, position: int) -> Sender:
    return sender._replace(positions=put(sender.positions, partition, position))


def _look(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    sender = world.senders[number]
    now = (world.campaign.state, world.campaign.epoch)
    if not scenario.keeps(Part.VOID_AFTER_FETCH) and sender.known not in (None, now):
        refreshed = sender._replace(known=now)
        yield _step(world, number, "refreshes what it knows of the campaign", refreshed)
    fresh, copies = decisions.copies_aside(scenario, sender.waiting, held_seqs(sender))
    if not fresh:
        return
    known = now
    if not scenario.keeps(Part.VOID_AFTER_FETCH):
        known = sender.known or now
        sender = sender._replace(known=known)
    wanted = {held.record.seq for held in fresh}
    entries = tuple(
        row if index + 1 in wanted else None for index, row in enumerate(world.ledger.rows)
    )
    looked = Looked(fresh, copies, known, world.map, entries, _doubts(scenario, world, wanted))
    sender = sender._replace(waiting=())
    if scenario.keeps(Part.OWNED_ADMISSION):
        # What is decided depends on what was read and on nothing that happens afterwards.
        reported = world.ledger.receipts
        admitted = {
            _admit(scenario, sender, looked, one, reported): one for one in _resting(scenario)
        }
        for after, resting in admitted.items():
            what = f", while {resting} rests" if resting else ""
            yield _step(world, number, f"looks up and admits what it fetched{what}", after)
    else:
        yield _step(world, number, "looks up what it fetched", sender._replace(looked=looked))


def _resting(scenario: Scenario) -> list[str | None]:
    """List the providers of which one may rest at this moment; None: none does."""
    return [*(scenario.route.providers if scenario.has_choice else ()), None]


def _doubts(scenario: Scenario, world: World, wanted: set[int]) -> frozenset[PossiblySent]:
    is_asked = scenario.has_choice or scenario.receipts
    if not is_asked or not scenario.keeps(Part.DOUBT_BEFORE_CHOICE):
        return frozenset()
    return frozenset(one for one in world.ledger.possibly_sent if one[0] in wanted)


def _admit(
    scenario: Scenario,
    sender: Sender,
    looked: Looked,
    resting: str | None = None,
    reported: frozenset[Receipt] = frozenset(),
) -> Sender:
    to_send, dropped, ended = decisions.admission(scenario, looked, resting)
    proved = tuple(
        held
        for held in to_send
        if held.in_doubt
        and any(decisions.is_reported(scenario, held, one, False) for one in reported)
    )
    if scenario.keeps(Part.RECEIPT_ADMISSION):
        to_send = tuple(held for held in to_send if held not in proved)
        dropped += proved
    else:
        to_send = tuple(held._replace(reported=held in proved) for held in to_send)
    copies = looked.copies
    if not scenario.keeps(Part.COPIES_KEPT):
        dropped, copies = dropped + copies, ()
    if scenario.keeps(Part.OWNED_ADMISSION):
        to_send = tuple(held for held in to_send if owns(sender, held))
        ended = tuple(result for result in ended if owns(sender, result[0]))
    sender = finished(sender, dropped)
    return sender._replace(
        looked=None,
        waiting=tuple(held for held in copies if owns(sender, held)),
        admitted=(*sender.admitted, *to_send),
        results=(*sender.results, *ended),
    )


def described(record: Record) -> str:
    """Name a record in a trace."""
    generation = f" generation {record.generation}" if record.generation else ""
    return (
        f"message {record.seq}{generation} try {record.try_number}"
        f" (epoch {record.campaign_epoch}, map {record.map_version})"
    )


def _step(world: World, number: int, what: str, sender: Sender) -> Step:
    senders = put(world.senders, number, sender)
    return Step(f"sender {NAMES[number]} {what}", world._replace(senders=senders))
