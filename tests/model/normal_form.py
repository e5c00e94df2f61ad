"""One state for all that differ in nothing which anybody will ever compare.

Epochs are compared for being current or not, offsets for their distance. Histories that led
to one situation by way of higher numbers end in one state here; without this a search would
count as different what only took longer to come about.

A step leaves most of a state as it was, in normal form: those parts are kept as they are.
"""

from functools import lru_cache
from typing import NamedTuple

from campaign_common.domain.campaign import CampaignState, Delivery
from tests.model.scenario import Scenario
from tests.model.state import (
    NOWHERE,
    TAKEN,
    Claim,
    Held,
    Kafka,
    Ledger,
    Log,
    Owned,
    PossiblySent,
    Record,
    Retry,
    Scheduler,
    Sender,
    Work,
    World,
)

OLD, CURRENT = 0, 1


class _Lowering(NamedTuple):
    """The amounts to subtract from the numbers of a state."""

    epoch: int
    """The campaign's, which becomes CURRENT."""
    offsets: tuple[int, ...]
    """Number of records that are no longer needed, by partition."""


def normal_form(scenario: Scenario, world: World) -> World:
    """Return the state that stands for all that are like `world`."""
    campaign, scheduler = world.campaign, world.scheduler
    possibly_sent: frozenset[PossiblySent] = frozenset()
    if scenario.delivery is Delivery.AT_LEAST_ONCE:
        possibly_sent = world.ledger.possibly_sent
    tries = frozenset(noted[:2] for noted in possibly_sent)
    lowering = _Lowering(
        campaign.epoch,
        (0,) * len(world.kafka.logs) if scenario.map_changes else _needless(world),
    )
    in_use = tuple(
        _epochs_in_use(claim.epoch, [sender.owned[shard] for sender in world.senders])
        for shard, claim in enumerate(world.claims)
    )
    chunk = scheduler.chunk
    if chunk is not None:
        lease_epoch = CURRENT if chunk.lease_epoch == campaign.lease_epoch else OLD
        chunk = chunk._replace(
            epoch=_epoch(lowering, chunk.epoch),
            lease_epoch=lease_epoch,
            records=tuple(_record(lowering, record) for record in chunk.records),
        )
    return world._replace(
        campaign=campaign._replace(epoch=_epoch(lowering, campaign.epoch), lease_epoch=CURRENT),
        kafka=_kafka(lowering, world.kafka),
        claims=tuple(
            _claim(lowering, claim, in_use[shard]) for shard, claim in enumerate(world.claims)
        ),
        ledger=_ledger(lowering, world.ledger),
        scheduler=_scheduler(lowering, scheduler)._replace(chunk=chunk),
        # What an idempotent provider answers depends on it.
        taken=world.taken if scenario.idempotent else _taken(world, tries),
        taken_by=world.taken_by if scenario.idempotent else _taken_by(world, world.ledger),
        senders=tuple(_sender(lowering, sender, in_use, tries) for sender in world.senders),
    )


def _taken(world: World, possibly_sent: frozenset[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """A possibly sent message counts as called: whether it was cannot be known."""
    if not possibly_sent:
        return world.taken
    return tuple(
        tuple(
            TAKEN if (index + 1, generation) in possibly_sent else taken
            for generation, taken in enumerate(by_generation)
        )
        for index, by_generation in enumerate(world.taken)
    )


def _taken_by(world: World, ledger: Ledger) -> tuple[tuple[str, ...], ...]:
    if not ledger.possibly_sent:
        return world.taken_by
    return tuple(
        tuple(
            ledger.place_of_doubt(index + 1, generation, by)
            for generation, by in enumerate(by_generation)
        )
        for index, by_generation in enumerate(world.taken_by)
    )


def _needless(world: World) -> tuple[int, ...]:
    """Count, by partition, the records below everything that anybody holds or may fetch."""
    needless = []
    for partition, log in enumerate(world.kafka.logs):
        used = [log.end, *(max(claim.recorded, 0) for claim in world.claims)]
        for sender in world.senders:
            if sender.positions[partition] != NOWHERE:
                used.append(sender.positions[partition])
            used += [owned.recorded for owned in sender.owned if owned]
            used += [offset for _, offset, _ in sender.fetched]
        needless.append(min(used))
    return tuple(needless)


def _epochs_in_use(epoch: int, owned: list[Owned | None]) -> tuple[int, ...]:
    """List the epochs of a shard that somebody compares: each becomes its index here."""
    return tuple(sorted({epoch, *(one.epoch for one in owned if one)}))


def _epoch(lowering: _Lowering, epoch: int) -> int:
    return CURRENT if epoch == lowering.epoch else OLD


def _record(lowering: _Lowering, record: Record) -> Record:
    epoch = CURRENT if record.campaign_epoch == lowering.epoch else OLD
    return record if record.campaign_epoch == epoch else record._replace(campaign_epoch=epoch)


@lru_cache(maxsize=100_000)
def _kafka(lowering: _Lowering, kafka: Kafka) -> Kafka:
    logs = []
    for partition, log in enumerate(kafka.logs):
        needless = lowering.offsets[partition]
        records = tuple(record and _record(lowering, record) for record in log.records[needless:])
        logs.append(Log(max(log.start - needless, 0), records))
    return kafka._replace(logs=tuple(logs))


def _claim(lowering: _Lowering, claim: Claim, in_use: tuple[int, ...]) -> Claim:
    recorded = claim.recorded
    if recorded > 0:
        recorded -= lowering.offsets[claim.place.partition]
    epoch = in_use.index(claim.epoch)
    if (epoch, recorded) == (claim.epoch, claim.recorded):
        return claim
    return claim._replace(epoch=epoch, recorded=recorded)


def _ledger(lowering: _Lowering, ledger: Ledger) -> Ledger:
    if not any(ledger.retries):
        return ledger
    return ledger._replace(retries=tuple(_retry(lowering, retry) for retry in ledger.retries))


def _retry(lowering: _Lowering, retry: Retry | None) -> Retry | None:
    if retry is None or retry.stamp is None:
        return retry
    stamp = retry.stamp
    # A stamp below everything needed is passed, however far below.
    offset = max(stamp.offset - lowering.offsets[stamp.partition], -1)
    return retry._replace(stamp=stamp._replace(epoch=_epoch(lowering, stamp.epoch), offset=offset))


def _scheduler(lowering: _Lowering, scheduler: Scheduler) -> Scheduler:
    pending, finishing = scheduler.retry, scheduler.finishing
    if finishing is not None:
        scheduler = scheduler._replace(finishing=_epoch(lowering, finishing))
    if pending is None:
        return scheduler
    pending = pending._replace(record=_record(lowering, pending.record))
    if pending.offset is not None and not any(lowering.offsets[1:]):
        pending = pending._replace(offset=max(pending.offset - lowering.offsets[0], -1))
    return scheduler._replace(retry=pending)


@lru_cache(maxsize=100_000)
def _sender(
    lowering: _Lowering,
    sender: Sender,
    in_use: tuple[tuple[int, ...], ...],
    possibly_sent: frozenset[tuple[int, int]],
) -> Sender:
    def lower(held: Held) -> Held:
        record = _record(lowering, held.record)
        owned = sender.owned[record.shard]
        if owned is None or owned.epoch != held.claim_epoch:
            # The shard is lost: where the message came from will never be asked again.
            return Held(
                record,
                held.partition,
                NOWHERE,
                NOWHERE,
                provider=held.provider,
                doubts=held.doubts,
                repeats=held.repeats,
                reported=held.reported,
                suppressed=held.suppressed,
            )
        offset = held.offset - lowering.offsets[held.partition]
        epoch = in_use[record.shard].index(held.claim_epoch)
        return held._replace(record=record, offset=offset, claim_epoch=epoch)

    def is_idle(held: Held) -> bool:
        """Return whether a call can make no difference: it is possibly sent already, and lost."""
        owned = sender.owned[held.record.shard]
        is_possibly_sent = (held.record.seq, held.record.generation) in possibly_sent
        return is_possibly_sent and (owned is None or owned.epoch != held.claim_epoch)

    doubt, looked, known = sender.doubt, sender.looked, sender.known
    if looked is not None:
        looked = looked._replace(
            fresh=tuple(map(lower, looked.fresh)),
            copies=tuple(map(lower, looked.copies)),
            campaign=_known(lowering, looked.campaign),
        )
    return sender._replace(
        owned=tuple(
            owned and _owned(lowering, owned, in_use[shard])
            for shard, owned in enumerate(sender.owned)
        ),
        positions=tuple(
            position if position == NOWHERE else position - lowering.offsets[partition]
            for partition, position in enumerate(sender.positions)
        ),
        fetched=tuple(
            (partition, offset - lowering.offsets[partition], _record(lowering, record))
            for partition, offset, record in sender.fetched
        ),
        waiting=tuple(map(lower, sender.waiting)),
        looked=looked,
        known=known and _known(lowering, known),
        admitted=tuple(map(lower, sender.admitted)),
        to_call=tuple(lower(held) for held in sender.to_call if not is_idle(held)),
        results=tuple((lower(held), answer) for held, answer in sender.results),
        doubt=doubt
        and Work(
            tuple((lower(held), answer) for held, answer in doubt.results),
            tuple(map(lower, doubt.claims)),
            doubt.shards,
        ),
    )


def _known(lowering: _Lowering, campaign: tuple[CampaignState, int]) -> tuple[CampaignState, int]:
    state, epoch = campaign
    return state, _epoch(lowering, epoch)


def _owned(lowering: _Lowering, owned: Owned, in_use: tuple[int, ...]) -> Owned:
    needless = lowering.offsets[owned.place.partition]
    return owned._replace(
        epoch=in_use.index(owned.epoch),
        position=owned.position - needless,
        unfinished=tuple(offset - needless for offset in owned.unfinished),
    )
