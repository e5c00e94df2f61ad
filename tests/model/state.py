"""One state of the model: everything the protocol decides by, as frozen values.

Rows of the database, Kafka's log and the memory of each process stand here side by side; a
step of the model makes one state into the next. Numbers that only ever get compared for
being equal are kept as small as they can be, so that histories which differ in nothing that
matters meet in one state.
"""

from functools import lru_cache
from typing import NamedTuple, TypeVar

from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.claim import ClaimedMessage
from campaign_common.domain.message import LedgerEntry, Status
from campaign_common.store.messages.possibly_sent import LateFact
from campaign_providers.contract import SendStatus
from tests.model.promises import Broken

CAMPAIGN_ID = 1

NOWHERE = -1
"""The position of a consumer that fetches nothing from a partition."""

NAMES = "AB"
"""The senders, by number, as traces name them."""

NOT_TAKEN, MAYBE_TAKEN, TAKEN, REFUSED = range(4)
"""The true state of the calls for a message, known or not.

REFUSED is not taken, and will not be under this key while an idempotent provider knows it, which
answers it the same way each time.
"""

UNTAKEN = frozenset({NOT_TAKEN, REFUSED})

_T = TypeVar("_T")


class Record(NamedTuple):
    """One publication of a message."""

    seq: int
    shard: int
    generation: int
    try_number: int
    attempts: int
    campaign_epoch: int
    map_version: int


class Log(NamedTuple):
    """One partition; what retention deleted is None."""

    start: int
    records: tuple[Record | None, ...]

    @property
    def end(self) -> int:
        """The offset that the next record gets."""
        return len(self.records)


class Kafka(NamedTuple):
    """The topic, and which sender the group has given each partition to."""

    topic_id: str
    logs: tuple[Log, ...]
    assignment: tuple[int, ...]


class MapRow(NamedTuple):
    """The row of partition_map; `starts` as (partition, offset) pairs."""

    topic_id: str
    version: int
    partitions: int
    draining: bool
    starts: tuple[tuple[int, int], ...]


class Campaign(NamedTuple):
    """The row of the campaign; messages up to `fanned` are published and counted."""

    state: CampaignState
    epoch: int
    lease_epoch: int
    fanned: int


class Place(NamedTuple):
    """The topic, partition and map version that a recorded offset belongs to."""

    topic_id: str
    partition: int
    map_version: int


class Claim(NamedTuple):
    """One row of shard_claims. The epoch names its owner; see `Owned.behind` for the number."""

    epoch: int
    place: Place
    recorded: int
    claimed: tuple[ClaimedMessage, ...]


class Stamp(NamedTuple):
    """The record of a published retry, and the epoch of its publication."""

    epoch: int
    topic_id: str
    partition: int
    offset: int


class Retry(NamedTuple):
    """One row of message_retries."""

    generation: int
    try_number: int
    attempts: int
    stamp: Stamp | None


Receipt = tuple[int, int, str, int]
"""Seq, generation, provider and rank of a receipt."""

PossiblySent = tuple[int, int, int, str | None]
"""Seq, generation, try and provider of what may have been sent."""


class Ledger(NamedTuple):
    """The database's rows of the messages, each at index seq - 1.

    `counters` and `possibly_sent` are kept beside the rows, as in the real tables: (status, n)
    and `PossiblySent`.
    """

    rows: tuple[LedgerEntry | None, ...]
    retries: tuple[Retry | None, ...]
    counters: tuple[tuple[Status, int], ...]
    possibly_sent: frozenset[PossiblySent]
    retry_orders: frozenset[int]
    """Shards with an open order of a person to retry what failed or is unknown."""
    settle_orders: frozenset[int] = frozenset()
    """Shards with an open order to settle what the cancelled campaign left behind."""
    late: frozenset[LateFact] = frozenset()
    """Final facts that senders learnt of messages whose shard they had lost."""

    receipts: frozenset[Receipt] = frozenset()
    """Those that are stored, one of a message and generation."""
    proofs: frozenset[tuple[int, int]] = frozenset()
    """The (seq, generation) that a provider has reported to have taken."""

    def doubted_at(self, seq: int, generation: int) -> frozenset[str | None]:
        """Return the providers that a possibly sent message was claimed for."""
        return frozenset(one[3] for one in self.possibly_sent if one[:2] == (seq, generation))

    def receipt_of(self, seq: int, generation: int) -> Receipt | None:
        """Return the receipt of a message."""
        of_it = (one for one in self.receipts if one[:2] == (seq, generation))
        return next(of_it, None)

    @property
    def possibly_sent_tries(self) -> frozenset[tuple[int, int]]:
        """The (seq, generation) of what is possibly sent, at whichever provider."""
        return frozenset(noted[:2] for noted in self.possibly_sent)

    def place_of_doubt(self, seq: int, generation: int, taken_by: str) -> str:
        """Return the providers that a possibly sent message was claimed for, and `taken_by`.

        A possibly sent message counts as called there: whether it was cannot be known.
        """
        claimed_for = {at for of, by, _, at in self.possibly_sent if (of, by) == (seq, generation)}
        return joined(taken_by, *(at for at in claimed_for if at is not None))

    @property
    def has_open_order(self) -> bool:
        """Return whether the owner of some shard has an order to carry out."""
        return bool(self.retry_orders or self.settle_orders)


class Held(NamedTuple):
    """One record in the hands of a sender that owned its shard under `claim_epoch`."""

    record: Record
    partition: int
    offset: int
    claim_epoch: int
    replaces: bool = False
    in_doubt: bool = False
    provider: str = ""
    """The one that it is called at, from admission on."""
    doubts: frozenset[str | None] = frozenset()
    """The providers that may have taken it, where it may be called at another one."""
    recorded_doubt: bool = False
    recorded_provider: str | None = None
    """The provider that its row names, where its row is in doubt."""
    repeats: bool = False
    reported: bool = False
    """A receipt was stored when it was admitted; with rule 14 kept it is not."""

    @property
    def claimed(self) -> ClaimedMessage:
        """The message as it stands in a claim list."""
        record = self.record
        return ClaimedMessage(
            CAMPAIGN_ID, record.seq, record.generation, record.try_number, self.provider or None
        )


Ended = tuple[Held, SendStatus]
"""A message that came back from its provider."""


class Owned(NamedTuple):
    """A shard as its owner knows it."""

    epoch: int
    place: Place
    position: int
    unfinished: tuple[int, ...]
    behind: int
    """Number of transactions by which the row is ahead of the owner's view."""
    draining: bool = False
    """The shard is being released in order: no further call starts."""

    @property
    def recorded(self) -> int:
        """The offset below which nothing is unfinished."""
        return min(self.unfinished, default=self.position)


class Proof(NamedTuple):
    """A membership proved by a synchronous commit, with the map read after it."""

    partition: int
    map: MapRow
    claimed: tuple[tuple[ClaimedMessage, ...], ...]
    """Claims by shard, read too early; used only if rule 3 is left out."""


class Looked(NamedTuple):
    """Records that admission has read and not acted upon yet."""

    fresh: tuple[Held, ...]
    copies: tuple[Held, ...]
    campaign: tuple[CampaignState, int]
    map: MapRow
    entries: tuple[LedgerEntry | None, ...]
    possibly_sent: frozenset[PossiblySent] = frozenset()
    """Those of the looked up messages that were possibly sent, where doubts are looked up."""


class Work(NamedTuple):
    """The results and claims of one transaction of a sender, with its shards."""

    results: tuple[Ended, ...]
    claims: tuple[Held, ...]
    shards: tuple[int, ...]


class Sender(NamedTuple):
    """The memory of one sender process."""

    owned: tuple[Owned | None, ...]
    positions: tuple[int, ...]
    proof: Proof | None = None
    fetched: tuple[tuple[int, int, Record], ...] = ()
    """(partition, offset, record) consumed and not taken in."""
    waiting: tuple[Held, ...] = ()
    looked: Looked | None = None
    admitted: tuple[Held, ...] = ()
    to_call: tuple[Held, ...] = ()
    results: tuple[Ended, ...] = ()
    doubt: Work | None = None
    """A transaction whose COMMIT got no answer."""
    known: tuple[CampaignState, int] | None = None
    """The campaign as read long ago; used only where rule 6 is left out."""
    known_map: int = 0
    """The map version last acted upon; used only where rule 11 is left out."""


class Chunk(NamedTuple):
    """Messages that fan-out has read, or published and not counted yet."""

    epoch: int
    lease_epoch: int
    first: int
    last: int
    map: MapRow
    records: tuple[Record, ...]
    published: bool


class Republication(NamedTuple):
    """A retry that is read, or published and not stamped yet."""

    record: Record
    map: MapRow
    offset: int | None


class Scheduler(NamedTuple):
    """The memory of the scheduler."""

    chunk: Chunk | None = None
    retry: Republication | None = None
    finishing: int | None = None
    """The epoch under which the outcomes were summed and found complete."""
    flip: MapRow | None = None
    """The map that a drained one is about to be replaced by."""


class World(NamedTuple):
    """One state."""

    campaign: Campaign
    map: MapRow
    kafka: Kafka
    claims: tuple[Claim, ...]
    ledger: Ledger
    scheduler: Scheduler
    senders: tuple[Sender, ...]
    taken: tuple[tuple[int, ...], ...]
    """NOT_TAKEN, MAYBE_TAKEN or TAKEN, by message and generation."""
    taken_by: tuple[tuple[str, ...], ...]
    """The providers that have taken the message, or may have, by message and generation."""
    faults_left: int
    keys_forgotten: bool = False
    """So much time has passed that an idempotent provider has forgotten every key."""
    broken: Broken | None = None
    """The promise that the last step broke."""


class Step(NamedTuple):
    """One step: what happened, and the state it leads to."""

    what: str
    world: World
    is_fault: bool = False
    """Faults need not happen: from every state the system must get through without more."""


@lru_cache(maxsize=1_000)
def joined(*providers: str) -> str:
    """Return providers as one text, each once; each may be such a text."""
    names = {name for providers_ in providers for name in providers_.split("+")}
    return "+".join(sorted(names - {""}))


def put(values: tuple[_T, ...], index: int, value: _T) -> tuple[_T, ...]:
    """Return `values` with `value` at `index`."""
    return (*values[:index], value, *values[index + 1 :])


def swapped(world: World) -> World:
    """Return the state with its two senders' names exchanged, which changes nothing."""
    kafka = world.kafka
    assignment = tuple(1 - sender for sender in kafka.assignment)
    return world._replace(kafka=kafka._replace(assignment=assignment), senders=world.senders[::-1])
