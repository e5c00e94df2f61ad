"""The decisions of the production code, asked with the values of the model.

Each function translates, calls the code that senders and schedulers run, and translates back.
What would be decided with a rule left out stands beside it. Answers are remembered: the same
question comes up in thousands of states.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import inf
from typing import NamedTuple

from msgspec.structs import replace

from campaign_common.domain.campaign import CampaignId, CampaignState, Delivery
from campaign_common.domain.claim import ClaimedMessage, decode_claim, encode_claim
from campaign_common.domain.message import LedgerEntry, MessageKey, Status
from campaign_common.domain.message_record import WIRE_VERSION, MessageRecord
from campaign_common.domain.partition_map import (
    MapState,
    PartitionMap,
    ShardPosition,
    TopicDescription,
    next_map,
    position_under,
    unrecorded_shards,
)
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import (
    PossibleTakers,
    ReceiptState,
    StoredReceipt,
    doubts_of,
    proves_send,
    report,
)
from campaign_common.domain.routing.routes import Routes
from campaign_common.domain.shard import Shard
from campaign_common.settings import RetrySettings
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.ledger import LedgerRow
from campaign_common.store.messages.possibly_sent import LateFact
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.admission import rules
from campaign_sender.admission.provider_choice import ProviderChoice
from campaign_sender.admission.rules import (
    admit_live,
    drop_stale,
    split_duplicates,
    split_suppressed,
)
from campaign_sender.message import Message
from campaign_sender.ownership.takeover import Settlement, settle
from campaign_sender.recording.outcome import NEVER_IN_DOUBT, outcome_of, reported
from campaign_sender.recording.receipt_proofs import proved_row
from tests.model.scenario import Part, Scenario
from tests.model.state import CAMPAIGN_ID, Claim, Ended, Held, Ledger, Looked, MapRow, Receipt

TOPIC = "Sync-Msg-T"

Entries = tuple[LedgerEntry | None, ...]
"""Ledger rows, at index seq - 1."""


class Parted(NamedTuple):
    """Records parted in two."""

    kept: tuple[Held, ...]
    others: tuple[Held, ...]


@cache
def copies_aside(scenario: Scenario, waiting: tuple[Held, ...], held: frozenset[int]) -> Parted:
    """Part first copies from copies of messages that are held already, by seq (rule 5)."""
    if not scenario.keeps(Part.COPIES_ASIDE):
        return Parted(waiting, ())
    messages = [_message_of(one) for one in waiting]
    keys = {MessageKey(CAMPAIGN_ID, seq) for seq in held}
    return _parted(waiting, messages, split_duplicates(messages, keys).first)


class Admission(NamedTuple):
    """Decision about what was looked up."""

    kept: tuple[Held, ...]
    dropped: tuple[Held, ...]
    ended: tuple[Ended, ...]
    """Messages that end without a send."""


@cache
def admission(scenario: Scenario, looked: Looked, resting: str | None = None) -> Admission:
    """Part what was looked up into what is sent and what is done with (rules 1, 6, 11).

    `resting` is a provider that is not sent to at that moment.
    """
    messages = [_message_of(held) for held in looked.fresh]
    entries = _by_key(looked.entries)
    kept, _ = drop_stale(
        messages,
        {CAMPAIGN_ID: _version_of(scenario.delivery, looked.campaign)},
        map_of(looked.map),
    )
    if scenario.keeps(Part.TRY):
        kept = admit_live(kept, entries).to_send
    else:
        kept = _live_in_any_try(kept, entries)
    named = "route" if scenario.has_choice else scenario.route.providers[0]
    version = _version_of(scenario.delivery, looked.campaign)._replace(provider=named)
    choice = _choice(scenario, resting)
    if not scenario.keeps(Part.DOUBT_RETURNS):
        entries = {key: entry._replace(in_doubt=0) for key, entry in entries.items()}
        looked = looked._replace(possibly_sent=frozenset())
        for message in kept:
            message.in_doubt = False
    doubts: dict[tuple[int, int, int], dict[str | None, int]] = {}
    for seq, generation, try_number, provider in looked.possibly_sent:
        if not scenario.keeps(Part.UNKNOWN_PROVIDER):
            provider = provider or scenario.route.providers[0]  # noqa: PLW2901
        found = doubts.setdefault((CAMPAIGN_ID, seq, generation), {})
        found[provider] = max(try_number, found.get(provider, 0))
    chosen = choice.choose(kept, {CAMPAIGN_ID: version}, entries, doubts)
    parted = _parted(looked.fresh, messages, chosen.to_send)
    if not scenario.keeps(Part.COUNTED_ELSEWHERE):
        uncounted = tuple(held._replace(repeats=False) for held in parted.kept)
        parted = parted._replace(kept=uncounted)
    unsafe = [(result.message, result.status) for result in chosen.decided]
    ended = _parted(looked.fresh, messages, [message for message, _ in unsafe]).kept
    return Admission(
        parted.kept,
        tuple(held for held in parted.others if held.offset not in {one.offset for one in ended}),
        tuple((held, status) for held, (_, status) in zip(ended, unsafe, strict=True)),
    )


@cache
def without_unwanted(held: tuple[Held, ...]) -> Parted:
    """Part off the messages of a batch whose people do not want them: all."""
    messages = [_message_of(one) for one in held]
    for message in messages:
        message.suppressed = True
    wanted = {id(message) for message in split_suppressed(messages).to_send}
    pairs = list(zip(held, messages, strict=True))
    return Parted(
        tuple(one for one, message in pairs if id(message) in wanted),
        tuple(one for one, message in pairs if id(message) not in wanted),
    )


@cache
def _choice(scenario: Scenario, resting: str | None) -> ProviderChoice:
    routes = Routes({"route": scenario.route})
    return ProviderChoice(
        routes, lambda name: name == resting, lambda _: inf if scenario.idempotent else 0.0
    )


@cache
def settlement(
    scenario: Scenario,
    claimed: tuple[ClaimedMessage, ...],
    ledger: Ledger,
    campaign: tuple[CampaignState, int],
) -> Settlement:
    """Decide what becomes of a lost sender's claims (rule 3)."""
    if not scenario.keeps(Part.SETTLEMENT):
        return Settlement([], [], [])
    if not scenario.keeps(Part.TRY):
        claimed = tuple(one for one in claimed if ledger.rows[one.seq - 1] is None)
    versions = {CAMPAIGN_ID: _version_of(scenario.delivery, campaign)}
    receipts = ledger.receipts if scenario.keeps(Part.RECEIPT_SETTLES) else ()
    stored = {MessageKey(CAMPAIGN_ID, one[0]): _stored(one) for one in sorted(receipts)}
    noted: dict[tuple[CampaignId, int, int], dict[str | None, int]] = {}
    for seq, generation, try_number, provider in ledger.possibly_sent:
        if scenario.receipts:
            of_it = noted.setdefault((CampaignId(CAMPAIGN_ID), seq, generation), {})
            of_it[provider] = try_number
    known = decode_claim(encode_claim(claimed))
    return settle(known, _by_key(ledger.rows), versions, stored, noted)


@cache
def proved(scenario: Scenario, ledger: Ledger, receipt: Receipt) -> LedgerRow | None:
    """Return the outcome that a receipt proves, None where it proves nothing (rule 14)."""
    seq, generation, provider, _ = receipt
    entry = ledger.rows[seq - 1]
    noted = ledger.doubted_at(seq, generation)
    if entry is not None and not scenario.keeps(Part.RECEIPT_GENERATION):
        generation = entry.generation
    stored = _stored(receipt)._replace(generation=generation)
    if doubts_of(entry, noted) and not scenario.keeps(Part.RECEIPT_PROVIDER):
        noted = frozenset({provider})
    if not proves_send(stored, entry, noted):
        return None
    named = "route" if scenario.has_choice else provider
    return proved_row(MessageKey(CAMPAIGN_ID, seq), stored, entry, named)


@cache
def is_reported(scenario: Scenario, held: Held, receipt: Receipt, is_ambiguous: bool) -> bool:
    """Return whether a receipt proves that a message in doubt was sent (rule 14)."""
    if receipt[:2] != (held.record.seq, held.record.generation):
        return False
    if not scenario.keeps(Part.RECEIPT_PROVIDER):
        return True
    message = _message_of(held)
    receipts = {rules.place_of(message): _stored(receipt)}
    return rules.is_reported(message, receipts, is_ambiguous=is_ambiguous)


@cache
def receipt_after(
    before: Receipt | None,
    entry: LedgerEntry | None,
    reported: Receipt,
    takers: PossibleTakers,
) -> Receipt | None:
    """Return the receipt that is stored after a report (rule 14)."""
    seq, generation, provider, rank = reported
    report_of_it = MessageReceipt(
        CampaignId(CAMPAIGN_ID), seq, generation, Shard(0), provider, ReceiptRank(rank)
    )
    known = None if before is None else _stored(before)
    after = report(known, entry, provider, report_of_it, takers).receipt
    return None if after is None else (seq, generation, after.provider, int(after.rank))


def _stored(receipt: Receipt) -> StoredReceipt:
    _, generation, provider, rank = receipt
    return StoredReceipt(generation, ReceiptRank(rank), ReceiptState.OPEN, provider)


@cache
def outcome(
    scenario: Scenario,
    ended: Ended,
    campaign: tuple[CampaignState, int],
    keys_forgotten: bool = False,
    is_reported: bool = False,
) -> LedgerRow:
    """Turn a provider's answer into what is recorded."""
    held, answer = ended
    policy = RetrySettings(max_attempts=scenario.max_attempts)
    version = _version_of(scenario.delivery, campaign)
    message = _message_of(held)
    is_elsewhere = message.is_doubted_elsewhere and scenario.keeps(Part.REFUSED_ELSEWHERE)
    is_old = keys_forgotten and scenario.keeps(Part.KEY_WINDOW)
    knows_key = scenario.idempotent and not is_elsewhere and not is_old
    idempotent = knows_key or not scenario.keeps(Part.REFUSED_IN_DOUBT)
    if not scenario.keeps(Part.DOUBT_STAYS) and answer is SendStatus.RETRYABLE:
        message.in_doubt = False
    if not scenario.keeps(Part.SUPPRESSED_DOUBT) and answer is SendStatus.SUPPRESSED:
        message.in_doubt = False
    result = SendResult(message, answer)
    may_be_sent = message.in_doubt and answer not in NEVER_IN_DOUBT
    if is_reported and (may_be_sent or answer is SendStatus.AMBIGUOUS):
        return reported(result, "")
    failover, after_doubt = None, False
    if scenario.has_choice:
        version = version._replace(provider="route")
        choice = _choice(scenario, None)
        failover = choice.after_proof(message, version)
        may_be_taken = message.in_doubt or answer is SendStatus.AMBIGUOUS
        after_doubt = may_be_taken and choice.goes_on_after_doubt(message, version)
    row = outcome_of(
        result,
        version,
        policy,
        0.0,
        idempotent=idempotent,
        failover=failover,
        after_doubt=after_doubt,
    ).row
    return row if scenario.keeps(Part.LEFT_DOUBT_NOTED) else replace(row, left_doubts=())


def late_fact(scenario: Scenario, ended: Ended, keys_forgotten: bool) -> LateFact:
    """Turn an answer that came after the shard was lost into what is noted of it (rule 14)."""
    row = outcome(scenario, ended, (CampaignState.RUNNING, 1), keys_forgotten)
    return LateFact(ended[0].claimed, row.status, None, None)


@cache
def start_under(row: MapRow, shard: int, claim: Claim) -> int:
    """Return where a shard's next owner begins under a map."""
    return position_under(map_of(row), _position(shard, claim))


@cache
def is_drained(row: MapRow, claims: tuple[Claim, ...], ranges: tuple[tuple[int, int], ...]) -> bool:
    """Return whether each partition is recorded to its end; `ranges` are their (start, end)."""
    return not unrecorded_shards(
        map_of(row),
        {shard: _position(shard, claim) for shard, claim in enumerate(claims)},
        {partition: start for partition, (start, _) in enumerate(ranges)},
        {partition: end for partition, (_, end) in enumerate(ranges)},
    )


@cache
def map_after(row: MapRow, topic_id: str, partitions: int, ends: tuple[int, ...]) -> MapRow:
    """Return the map that follows a drained one; `ends` are those of its partitions."""
    topic = TopicDescription(topic_id, partitions)
    following = next_map(map_of(row), topic, dict(enumerate(ends)))
    starts = tuple(sorted(following.start_offsets.items()))
    return MapRow(topic_id, following.version, partitions, draining=False, starts=starts)


@cache
def map_of(row: MapRow) -> PartitionMap:
    """Return a row of partition_map as the shared library's own type."""
    state = MapState.DRAINING if row.draining else MapState.ACTIVE
    return PartitionMap(TOPIC, row.topic_id, row.version, row.partitions, state, dict(row.starts))


@cache
def _version_of(delivery: Delivery, campaign: tuple[CampaignState, int]) -> CampaignVersion:
    return CampaignVersion(*campaign, delivery, "simulated", None)


def _message_of(held: Held) -> Message:
    record = held.record
    return Message(
        MessageRecord(
            WIRE_VERSION,
            CAMPAIGN_ID,
            record.seq,
            record.shard,
            record.campaign_epoch,
            record.map_version,
            phone="",
            body="",
            generation=record.generation,
            try_number=record.try_number,
            attempts=record.attempts,
        ),
        MessageKey(CAMPAIGN_ID, record.seq),
        held.partition,
        held.offset,
        held.claim_epoch,
        replaces=held.replaces,
        in_doubt=held.in_doubt,
        provider=held.provider,
        ledger_provider=held.provider or None,
        recorded_provider=held.recorded_provider,
        key_known_until=-inf if held.repeats else inf,
        doubts=held.doubts,
        recorded_doubt=held.recorded_doubt,
    )


def _parted(held: Sequence[Held], messages: Sequence[Message], kept: Iterable[Message]) -> Parted:
    kept_ids = {id(message) for message in kept}
    pairs = list(zip(held, messages, strict=True))
    return Parted(
        tuple(
            one._replace(
                replaces=m.replaces,
                in_doubt=m.in_doubt,
                provider=m.provider,
                doubts=m.doubts,
                recorded_doubt=m.recorded_doubt,
                recorded_provider=m.recorded_provider if m.recorded_doubt else None,
                repeats=m.repeats and m.is_doubted_elsewhere,
            )
            for one, m in pairs
            if id(m) in kept_ids
        ),
        tuple(one for one, m in pairs if id(m) not in kept_ids),
    )


def _live_in_any_try(
    messages: Iterable[Message], entries: Mapping[MessageKey, LedgerEntry]
) -> list[Message]:
    live = []
    for message in messages:
        entry = entries.get(message.key)
        if entry is None or entry.status == Status.WAITING:
            message.replaces = entry is not None
            live.append(message)
    return live


def _by_key(entries: Entries) -> dict[MessageKey, LedgerEntry]:
    return {
        MessageKey(CAMPAIGN_ID, index + 1): entry
        for index, entry in enumerate(entries)
        if entry is not None
    }


def _position(shard: int, claim: Claim) -> ShardPosition:
    return ShardPosition(
        shard, *claim.place, recorded_offset=claim.recorded, has_claims=bool(claim.claimed)
    )
