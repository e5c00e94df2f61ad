"""The recorder of a sender (protocol rules 2 and 4)."""

from collections.abc import Iterator

from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.claim import ClaimedMessage
from campaign_providers.contract import SendStatus
from campaign_sender.recording.outcome import LEFT_OPEN, depends_on_doubt
from tests.model import decisions, ledger
from tests.model.admission import finished, owns
from tests.model.ownership import without_shard
from tests.model.promises import Broken
from tests.model.receipts import is_reported
from tests.model.scenario import Fault, Part, Scenario
from tests.model.state import NAMES, Ended, Held, Owned, Sender, Step, Work, World, put

# What is recorded of an answer depends on how a campaign is delivered, not on its state.
_ANY_STATE = (CampaignState.RUNNING, 1)


def steps(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    """List what the recorder of a sender may do next."""
    sender = world.senders[number]
    if sender.doubt is None:
        yield from _record(scenario, world, number)
        return
    yield _check(scenario, world, number, sender.doubt)
    if not scenario.keeps(Part.KEPT_DOUBT):
        what = f"sender {NAMES[number]} cannot learn what became of the COMMIT and forgets it"
        yield Step(what, _with(world, number, _given_back(sender, sender.doubt)))


def _record(scenario: Scenario, world: World, number: int) -> Iterator[Step]:
    work = _work(scenario, world, world.senders[number])
    if Fault.MISSED_GRANT in scenario.faults and work.claims:
        without = _without_claims(scenario, world, world.senders[number], work)
        yield from _transaction(scenario, world, number, without)
    yield from _transaction(scenario, world, number, work)


def _transaction(scenario: Scenario, world: World, number: int, work: Work) -> Iterator[Step]:
    if not work.shards:
        return
    after, fenced = _written(scenario, world, number, work)
    what = f"sender {NAMES[number]} {_described(work)}"
    completed = _completed(scenario, after.senders[number], work, fenced)
    yield Step(
        what + "".join(f", shard {shard} is fenced" for shard in fenced),
        _with(after, number, completed),
    )
    if Fault.LOST_ANSWER in scenario.faults and world.faults_left:
        doubtful = _taken(after.senders[number], work)._replace(doubt=work)
        after = _with(after, number, doubtful)._replace(faults_left=world.faults_left - 1)
        yield Step(f"{what}, and the answer to COMMIT is lost", after, is_fault=True)


def _work(scenario: Scenario, world: World, sender: Sender) -> Work:
    """Choose what the next transaction records and claims, and the shards that it touches."""
    busy = {held.record.shard for held in sender.admitted}
    busy |= {held.record.shard for held, _ in sender.results}
    shards = tuple(
        shard
        for shard, owned in enumerate(sender.owned)
        if owned and (shard in busy or _has_moved(scenario, world, shard, owned))
    )
    return Work(sender.results, sender.admitted, shards)


def _has_moved(scenario: Scenario, world: World, shard: int, owned: Owned) -> bool:
    return _recorded(scenario, owned) != world.claims[shard].recorded


def _recorded(scenario: Scenario, owned: Owned) -> int:
    return owned.recorded if scenario.keeps(Part.UNFINISHED_OFFSET) else owned.position


def _without_claims(scenario: Scenario, world: World, sender: Sender, work: Work) -> Work:
    """Return the same work while no grant is due: what is admitted waits for its claim."""
    return _work(scenario, world, sender._replace(admitted=()))._replace(results=work.results)


def _taken(sender: Sender, work: Work) -> Sender:
    left = tuple(held for held in sender.admitted if held not in work.claims)
    return sender._replace(results=(), admitted=left)


def _written(scenario: Scenario, world: World, number: int, work: Work) -> tuple[World, list[int]]:
    """Do the transaction in the database; return which shards were fenced, too."""
    fenced = []
    sender = world.senders[number]
    for shard in work.shards:
        owned, row = sender.owned[shard], world.claims[shard]
        if owned is None:
            continue
        if scenario.keeps(Part.FENCE) and (owned.epoch != row.epoch or owned.behind):
            fenced.append(shard)
            continue
        outcomes = [
            decisions.outcome(
                scenario,
                _in_doubt(scenario, world, ended),
                _ANY_STATE,
                world.keys_forgotten,
                scenario.keeps(Part.RECEIPT_RECORDED) and _is_reported(scenario, world, ended),
            )
            for ended in work.results
            if ended[0].record.shard == shard and ended[1] not in LEFT_OPEN
        ]
        after, broken = ledger.record(world.ledger, shard, outcomes)
        if ledger.ignores_receipt(world.ledger, outcomes):
            broken = broken or Broken.PROOF_IGNORED
        row = row._replace(
            claimed=_claimed_after(scenario, sender, work, shard),
            recorded=_recorded(scenario, owned),
        )
        world = world._replace(
            claims=put(world.claims, shard, row),
            ledger=after,
            broken=world.broken or broken,
        )
        moved = owned._replace(behind=owned.behind + 1)
        sender = sender._replace(owned=put(sender.owned, shard, moved))
    return _with(world, number, sender), fenced


def _in_doubt(scenario: Scenario, world: World, ended: Ended) -> Ended:
    """Mark what a lost sender may have sent, where the outcome depends on that."""
    held, answer = ended
    is_possibly_sent = (
        held.record.seq,
        held.record.generation,
    ) in world.ledger.possibly_sent_tries
    idempotent = scenario.idempotent and not world.keys_forgotten
    is_asked = depends_on_doubt(answer, idempotent=idempotent)
    if is_possibly_sent and is_asked and scenario.keeps(Part.POSSIBLY_SENT_IN_DOUBT):
        return held._replace(in_doubt=True), answer
    return ended


def _is_reported(scenario: Scenario, world: World, ended: Ended) -> bool:
    held, answer = _in_doubt(scenario, world, ended)
    return is_reported(scenario, world, held, is_ambiguous=answer is SendStatus.AMBIGUOUS)


def _claimed_after(
    scenario: Scenario, sender: Sender, work: Work, shard: int
) -> tuple[ClaimedMessage, ...]:
    if not scenario.keeps(Part.CLAIM_LIST):
        return ()
    still_open = [held for held in sender.to_call if owns(sender, held)]
    return tuple(held.claimed for held in (*still_open, *work.claims) if held.record.shard == shard)


def _completed(scenario: Scenario, sender: Sender, work: Work, fenced: list[int]) -> Sender:
    """Return the sender's memory after a transaction that is known to be committed."""
    for shard in work.shards:
        owned = sender.owned[shard]
        if owned and shard not in fenced:
            owned = owned._replace(behind=max(owned.behind - 1, 0))
            sender = sender._replace(owned=put(sender.owned, shard, owned))
    # What was given back keeps its offset: the shard's next owner fetches it again.
    unfinished = {SendStatus.RELEASED}
    if scenario.keeps(Part.UNSTARTED_OFFSET):
        unfinished.add(SendStatus.NOT_GRANTED)
    done = tuple(held for held, answer in work.results if answer not in unfinished)
    sender = finished(sender, done)
    if sender.doubt is None:
        sender = _taken(sender, work)
    sender = sender._replace(admitted=(*_unstarted(sender, work, fenced), *sender.admitted))
    for shard in fenced:
        sender = without_shard(sender, shard)
    to_call = tuple(held for held in work.claims if held.record.shard not in fenced)
    if scenario.keeps(Part.OWNED_ADMISSION):
        to_call = tuple(held for held in to_call if owns(sender, held))
    return sender._replace(to_call=(*sender.to_call, *to_call), doubt=None)


def _unstarted(sender: Sender, work: Work, fenced: list[int]) -> tuple[Held, ...]:
    """Return the messages whose grants were missed: they are claimed again."""
    return tuple(
        held
        for held, answer in work.results
        if answer is SendStatus.NOT_GRANTED
        and held.record.shard not in fenced
        and owns(sender, held)
        and (owned := sender.owned[held.record.shard])
        and not owned.draining
    )


def _check(scenario: Scenario, world: World, number: int, doubt: Work) -> Step:
    """Learn from the claim rows whether the transaction in doubt was committed."""
    sender = world.senders[number]
    if not scenario.keeps(Part.COMMIT_CHECK):
        repeated = _given_back(sender, doubt)
        repeated = repeated._replace(
            owned=tuple(one and one._replace(behind=0) for one in sender.owned)
        )
        what = f"sender {NAMES[number]} takes the COMMIT without an answer for a failed one"
        return Step(what, _with(world, number, repeated))
    fenced = [
        shard
        for shard in doubt.shards
        if (owned := sender.owned[shard]) and owned.epoch != world.claims[shard].epoch
    ]
    what = f"sender {NAMES[number]} learns that the COMMIT without an answer took effect"
    if fenced:
        what = f"sender {NAMES[number]} learns that shards {fenced} were taken meanwhile"
    return Step(what, _with(world, number, _completed(scenario, sender, doubt, fenced)))


def _given_back(sender: Sender, doubt: Work) -> Sender:
    return sender._replace(
        doubt=None,
        results=doubt.results + sender.results,
        admitted=doubt.claims + sender.admitted,
    )


def _described(work: Work) -> str:
    parts = []
    if work.results:
        answers = [f"{held.record.seq} {answer.value}" for held, answer in work.results]
        parts.append(f"records messages {', '.join(answers)}")
    if work.claims:
        parts.append(f"claims messages {', '.join(str(h.record.seq) for h in work.claims)}")
    return " and ".join(parts) or "records how far it has come"


def _with(world: World, number: int, sender: Sender) -> World:
    return world._replace(senders=put(world.senders, number, sender))
