"""Calls of providers, and their answers (protocol rules 7 and 16)."""

from collections.abc import Iterator

from campaign_common.domain.campaign import CampaignState, Delivery
from campaign_providers.contract import REACHED_PROVIDER, SendStatus
from tests.model import decisions, ledger
from tests.model.admission import owns
from tests.model.promises import Broken
from tests.model.receipts import is_certain, is_reported
from tests.model.scenario import Fault, Part, Scenario
from tests.model.state import (
    MAYBE_TAKEN,
    NAMES,
    NOT_TAKEN,
    REFUSED,
    TAKEN,
    UNTAKEN,
    Held,
    Step,
    World,
    joined,
    put,
)

_TAKEN_BY_ANSWER = {SendStatus.ACCEPTED: TAKEN, SendStatus.AMBIGUOUS: MAYBE_TAKEN}


def steps(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """List the calls that a sender may make next, with every answer they may get.

    A message whose shard was lost is called like any other: the process may have looked just
    before it lost the shard. Only the claim row keeps a message from being called twice.
    """
    for held in dict.fromkeys(world.senders[number].to_call):
        owned = world.senders[number].owned[held.record.shard]
        if owned and owned.draining:
            yield _answered(world, number, held, SendStatus.RELEASED)
            continue
        runs = _runs(world, held)
        if not runs and scenario.keeps(Part.LAST_LOOK):
            yield _answered(world, number, held, SendStatus.STALE)
            continue
        is_proved = held.in_doubt and is_reported(scenario, world, held)
        if is_proved and owns(world.senders[number], held):
            # The owner has withdrawn it, or has not seen the receipt yet.
            yield _answered(world, number, held, SendStatus.STALE)
        if Fault.MISSED_GRANT in scenario.faults and world.faults_left:
            missed = _answered(world, number, held, SendStatus.NOT_GRANTED)
            after = missed.world._replace(faults_left=world.faults_left - 1)
            yield missed._replace(world=after, is_fault=True)
        for answer in _possible_answers(scenario, world, held):
            called = _called(scenario, world, held, answer)
            if scenario.late_facts and not owns(world.senders[number], held):
                fact = decisions.late_fact(scenario, (held, answer), world.keys_forgotten)
                called = called._replace(ledger=ledger.note_late(called.ledger, fact))
            yield _answered(called, number, held, answer)


def _possible_answers(scenario: Scenario, world: World, held: Held) -> Iterator[SendStatus]:
    """List a provider's possible answers; an idempotent one repeats its answer to a known key."""
    before = world.taken[held.record.seq - 1][held.record.generation]
    at = _place_of_doubt(world, held)
    is_unknown = scenario.goes_on_after_doubt and at != held.provider
    for answer in scenario.answers:
        if (
            not _knows_keys(scenario, world)
            or is_unknown
            or (
                (before != REFUSED or answer is SendStatus.PERMANENT)
                and (before != TAKEN or answer is not SendStatus.PERMANENT)
            )
        ):
            yield answer


def _knows_keys(scenario: Scenario, world: World) -> bool:
    return scenario.idempotent and not world.keys_forgotten


def _runs(world: World, held: Held) -> bool:
    campaign = world.campaign
    return campaign.state is CampaignState.RUNNING and campaign.epoch == held.record.campaign_epoch


def _called(scenario: Scenario, world: World, held: Held, answer: SendStatus) -> World:
    record = held.record
    before = world.taken[record.seq - 1][record.generation]
    by = world.taken_by[record.seq - 1]
    broken = None if _may_be_called(scenario, world, held, before) else Broken.CALLED_AGAIN
    at = _place_of_doubt(world, held)
    is_possibly_sent = (record.seq, record.generation) in world.ledger.possibly_sent_tries
    is_elsewhere = (is_possibly_sent or before not in UNTAKEN) and at != held.provider
    may_take = answer in _TAKEN_BY_ANSWER
    if is_elsewhere and not scenario.goes_on_after_doubt:
        broken = broken or Broken.CALLED_ELSEWHERE
    elif is_elsewhere and may_take and not held.repeats and _is_owner(world, held):
        broken = broken or Broken.UNCOUNTED
    if not _runs(world, held):
        broken = broken or Broken.CALLED_VOID
    if held.reported:
        broken = broken or Broken.CALLED_REPORTED
    if before == REFUSED and scenario.goes_on_after_doubt and at != held.provider:
        before = NOT_TAKEN  # by the other provider
    after = max(before, _TAKEN_BY_ANSWER.get(answer, NOT_TAKEN))
    if _knows_keys(scenario, world) and answer is SendStatus.PERMANENT and not is_elsewhere:
        after = REFUSED
    taken = put(world.taken[record.seq - 1], record.generation, after)
    if not is_elsewhere:
        by = put(by, record.generation, "" if after in UNTAKEN else held.provider)
    elif scenario.goes_on_after_doubt:
        by = put(by, record.generation, joined(at, held.provider if may_take else ""))
    return world._replace(
        taken=put(world.taken, record.seq - 1, taken),
        taken_by=put(world.taken_by, record.seq - 1, by),
        broken=world.broken or broken,
    )


def _place_of_doubt(world: World, held: Held) -> str:
    """Return the providers that may have taken a message."""
    record = held.record
    by = world.taken_by[record.seq - 1][record.generation]
    return world.ledger.place_of_doubt(record.seq, record.generation, by)


def _is_owner(world: World, held: Held) -> bool:
    """Return whether what becomes of a call can be recorded; else it is one in doubt itself."""
    return world.claims[held.record.shard].epoch == held.claim_epoch


def _may_be_called(scenario: Scenario, world: World, held: Held, before: int) -> bool:
    if before in UNTAKEN:
        return True
    if scenario.delivery is Delivery.AT_MOST_ONCE:
        return False
    record = held.record
    is_possibly_sent = (record.seq, record.generation) in world.ledger.possibly_sent_tries
    # A report that came after the admission has made certain what was in doubt.
    in_doubt = before == MAYBE_TAKEN or is_certain(world, held)
    return is_possibly_sent or (in_doubt and record.try_number > 1)


def _answered(world: World, number: int, held: Held, answer: SendStatus) -> Step:
    sender = world.senders[number]
    index = sender.to_call.index(held)
    to_call = sender.to_call[:index] + sender.to_call[index + 1 :]
    results = sender.results
    if owns(sender, held):
        results = (*results, (held, answer))
    after = sender._replace(to_call=to_call, results=results)
    at = f" at {held.provider}"
    what = f"sender {NAMES[number]} calls for message {held.record.seq}{at}: {answer.value}"
    if answer not in REACHED_PROVIDER:
        what = f"sender {NAMES[number]} does not call for message {held.record.seq}: {answer.value}"
    return Step(what, world._replace(senders=put(world.senders, number, after)))
