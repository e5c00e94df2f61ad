"""The scenario of one search: its size, the possible faults, the rules left out."""

from dataclasses import dataclass, replace
from enum import Enum, auto

from campaign_common.domain.campaign import CampaignState, Delivery
from campaign_common.domain.routing.route import Route
from campaign_providers.contract import SendStatus
from tests.model.state import (
    NOWHERE,
    Campaign,
    Claim,
    Kafka,
    Ledger,
    Log,
    MapRow,
    Owned,
    Place,
    Scheduler,
    Sender,
    World,
)


class Part(Enum):
    """A part of a protocol rule, as (number of the rule, what it asks for)."""

    TRY = (1, "records and claims say which try they are")
    CLAIM_LIST = (2, "what is handed to a provider stands in the claim row")
    UNFINISHED_OFFSET = (2, "the recorded offset waits for everything unfinished")
    LOWEST_OFFSET = (2, "a partition is fetched from the lowest of its shards' offsets")
    DELETED_IS_PASSED = (2, "an offset below the log's start counts as the log's start")
    SETTLEMENT = (3, "a take-over settles what the last owner had claimed")
    RAISE_BEFORE_READ = (3, "a take-over reads the claim in the transaction that raises the epoch")
    FRESH_FETCH = (3, "what was fetched before a take-over is forgotten")
    POSSIBLY_SENT_IN_DOUBT = (
        3,
        "a possibly sent message that ends without a clear answer ends as unknown",
    )
    REFUSED_IN_DOUBT = (3, "a refusal after doubt is proof only of a provider that is idempotent")
    KEY_WINDOW = (3, "a refusal after doubt is proof only while the provider knows the key")
    DOUBT_RETURNS = (3, "a message in doubt returns to the provider that may have taken it")
    DOUBT_BEFORE_CHOICE = (3, "possibly sent messages are looked up before a provider is chosen")
    UNKNOWN_PROVIDER = (3, "a doubt at a provider that is not known ends the message")
    DOUBT_STAYS = (3, "a proof that a later try was not taken does not lift an earlier doubt")
    LEFT_DOUBT_NOTED = (3, "a doubt at a provider that the row does not name any more is noted")
    COUNTED_ELSEWHERE = (3, "a send after a doubt at another provider counts as repeated")
    REFUSED_ELSEWHERE = (3, "a refusal by another provider than that of a doubt is no proof")
    SETTLE_CANCELLED = (3, "what may have been taken of a cancelled campaign ends as unknown")
    SETTLE_LAST = (3, "a cancelled campaign is settled after what is held of it is recorded")
    FENCE = (4, "an owner's write compares the claim row's epoch")
    COMMIT_CHECK = (4, "after a lost answer to COMMIT the claim row tells what happened")
    KEPT_DOUBT = (4, "a COMMIT in doubt is not forgotten while the database is away")
    OWNED_ADMISSION = (4, "only messages of shards still owned are admitted")
    COPIES_ASIDE = (5, "a copy of a held message is not sent beside it")
    COPIES_KEPT = (5, "a copy set aside is looked up again, not dropped")
    VOID_AFTER_FETCH = (6, "void is decided on rows read after the fetch")
    LAST_LOOK = (7, "the campaign is looked at immediately before a call")
    CHECKPOINT_EPOCH = (8, "the fan-out's checkpoint matches the campaign's epoch")
    RESUME_FANS_OUT = (8, "a resume sets the fan-out back")
    RETRY_KEPT = (9, "publishing a retry only stamps it")
    PASSED_STAMP = (9, "a retry that consumers have passed is published again")
    FINAL_SUM = (10, "only final statuses count towards finished")
    OPEN_REQUEST = (10, "a campaign with an open request is not finished")
    FINISH_EPOCH = (10, "the end compares the epoch that was read before the sums")
    LATE_REFUSAL = (14, "a refusal that came too late settles no possibly sent message")
    RECEIPT_SETTLES = (14, "a take-over settles claims by the receipts that are there")
    RECEIPT_RECORDED = (14, "an answer without proof is recorded by the receipt that is there")
    RECEIPT_ADMISSION = (14, "a repetition of what a receipt proves is not admitted")
    RECEIPT_HELD = (14, "the receipt of a held message waits for its result")
    RECEIPT_GENERATION = (14, "a receipt proves a send of its own generation only")
    RECEIPT_PROVIDER = (14, "below delivered a receipt proves a send of its own provider only")
    RECEIPT_KEPT = (14, "the report of another provider does not replace the proof of a doubt")
    DRAIN = (11, "the map flips once every old partition is recorded to its end")
    UNSTARTED_OFFSET = (17, "a message whose grant was missed stays unfinished")
    SUPPRESSED_LOOKUP = (18, "the people of a batch are looked up where somebody is suppressed")
    SUPPRESSED_ONE_STEP = (18, "what changed since its look-up is looked up before a batch is held")
    SUPPRESSED_HELD = (18, "the people of held messages are looked up when they have changed")
    SUPPRESSED_VIEW = (18, "a send is checked by a view that is younger than the promise")
    SUPPRESSED_DOUBT = (18, "a suppressed message that may have been taken ends as unknown")
    MAP_FOR_ALL = (11, "a new map is followed with every shard before any is taken under it")

    def __init__(self, rule: int, asks: str) -> None:
        self.rule = rule
        self.asks = asks


class Fault(Enum):
    """Something that may happen between any two steps, as long as the budget lasts."""

    SENDER_CRASH = auto()
    REASSIGNMENT = auto()
    REVOCATION = auto()
    LOST_ANSWER = auto()
    SCHEDULER_CRASH = auto()
    PAUSE = auto()
    CANCEL = auto()
    RETENTION = auto()
    NEW_TOPIC = auto()
    MORE_PARTITIONS = auto()
    PERSON_RETRIES = auto()
    OLDER_SENDER = auto()
    MISSED_GRANT = auto()
    KEYS_FORGOTTEN = auto()


ONE_PROVIDER = Route((("simulated", 1),))


@dataclass(frozen=True)
class Scenario:
    """One search. Message n + 1 belongs to shard `message_shards[n]`."""

    delivery: Delivery
    message_shards: tuple[int, ...] = (0,)
    partitions: int = 1
    chunk_size: int = 2
    faults: frozenset[Fault] = frozenset()
    fault_budget: int = 2
    answers: tuple[SendStatus, ...] = (SendStatus.ACCEPTED, SendStatus.RETRYABLE)
    max_attempts: int = 2
    has_watchdog: bool = False
    idempotent: bool = False
    """The provider answers a key that it has answered before as it did then, until it forgets
    keys."""
    route: Route = ONE_PROVIDER
    """The providers that messages may take; with several, any may rest at any moment."""
    late_facts: bool = False
    """A sender that has lost the shard records its late results, which may settle a doubt."""
    receipts: bool = False
    """The provider reports about what it took, whenever it pleases."""
    suppressions: bool = False
    """People may be suppressed, all at once."""
    without: frozenset[Part] = frozenset()

    @property
    def has_choice(self) -> bool:
        """True if a message may take one of several providers."""
        return len(self.route.providers) > 1

    @property
    def goes_on_after_doubt(self) -> bool:
        """True if a message in doubt may be called at another provider."""
        return self.route.after_doubt and self.delivery is Delivery.AT_LEAST_ONCE

    @property
    def messages(self) -> int:
        """The number of recipients of the campaign."""
        return len(self.message_shards)

    @property
    def map_changes(self) -> bool:
        """True if the partition map may change, so that late publications matter."""
        return bool(self.faults & {Fault.MORE_PARTITIONS, Fault.NEW_TOPIC})

    @property
    def most_partitions(self) -> int:
        """The largest number of partitions that the topic may get."""
        return self.partitions + (Fault.MORE_PARTITIONS in self.faults)

    @property
    def shards(self) -> int:
        """The number of shards."""
        return max(self.message_shards) + 1

    def seqs_of(self, shard: int) -> list[int]:
        """List the messages of a shard."""
        return [n + 1 for n, of in enumerate(self.message_shards) if of == shard]

    def keeps(self, part: Part) -> bool:
        """Return whether the scenario follows this part of the rules."""
        return part not in self.without

    def leaving_out(self, part: Part) -> "Scenario":
        """Return the same search with one part of the rules left out."""
        return replace(self, without=self.without | {part})

    def start(self) -> World:
        """Return the first state: a campaign that has just started, senders with no shard."""
        topic_id = "topic"
        return World(
            campaign=Campaign(CampaignState.RUNNING, epoch=1, lease_epoch=1, fanned=0),
            map=MapRow(topic_id, 1, self.partitions, draining=False, starts=()),
            kafka=Kafka(topic_id, (Log(0, ()),) * self.partitions, (0,) * self.partitions),
            claims=(Claim(0, Place("", -1, 0), -1, ()),) * self.shards,
            ledger=Ledger(
                (None,) * self.messages, (None,) * self.messages, (), frozenset(), frozenset()
            ),
            scheduler=Scheduler(),
            senders=(self.new_sender(),) * 2,
            taken=((0, 0),) * self.messages,
            taken_by=(("", ""),) * self.messages,
            faults_left=self.fault_budget,
        )

    def new_sender(self) -> Sender:
        """Return the memory of a sender that has just been started."""
        nothing: tuple[Owned | None, ...] = (None,) * self.shards
        return Sender(nothing, (NOWHERE,) * self.most_partitions)
