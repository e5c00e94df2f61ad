"""The searches that are made: how large, with which faults, and what leaving a rule out breaks."""

from dataclasses import replace

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.routing.route import Route
from campaign_providers.contract import SendStatus
from tests.model.promises import Broken
from tests.model.scenario import ONE_PROVIDER, Fault, Part, Scenario

ONCE, REPEATED = Delivery.AT_MOST_ONCE, Delivery.AT_LEAST_ONCE

TWO_PROVIDERS = Route((("main", 1), ("spare", 1)), ("main", "spare"))
AFTER_DOUBT = replace(TWO_PROVIDERS, after_doubt=True)
ONE_SHARD = (0, 0)
TWO_SHARDS = (0, 1)
SECOND_SHARD = (1,)
"""One message, in the shard that moves when a second partition is added."""

ACCEPTED = (SendStatus.ACCEPTED,)
REFUSALS = (SendStatus.ACCEPTED, SendStatus.AMBIGUOUS, SendStatus.PERMANENT)
ANY_ANSWER = (SendStatus.ACCEPTED, SendStatus.RETRYABLE, SendStatus.AMBIGUOUS)

LOSING_SHARDS = frozenset(
    {Fault.SENDER_CRASH, Fault.REASSIGNMENT, Fault.REVOCATION, Fault.LOST_ANSWER}
)
OVER_AND_ON = frozenset({Fault.PAUSE, Fault.CANCEL, Fault.SCHEDULER_CRASH, Fault.SENDER_CRASH})
FORGETFUL_KAFKA = frozenset({Fault.RETENTION, Fault.SENDER_CRASH, Fault.PAUSE})
NEW_TOPIC = frozenset({Fault.NEW_TOPIC, Fault.SENDER_CRASH, Fault.PAUSE})
NEW_MAP = frozenset({Fault.MORE_PARTITIONS, Fault.SENDER_CRASH, Fault.SCHEDULER_CRASH})
CANCELLED = frozenset({Fault.CANCEL, Fault.SENDER_CRASH})
BY_HAND = frozenset({Fault.PERSON_RETRIES, Fault.SENDER_CRASH, Fault.REASSIGNMENT})
FORGETFUL_PROVIDER = frozenset({Fault.KEYS_FORGOTTEN, Fault.SENDER_CRASH})
MISSED_GRANTS = frozenset({Fault.MISSED_GRANT, Fault.SENDER_CRASH, Fault.REVOCATION, Fault.PAUSE})

SEARCHES = {
    "shards are lost, at most once": Scenario(
        ONCE, faults=LOSING_SHARDS, fault_budget=3, answers=ACCEPTED
    ),
    "shards are lost between tries, at most once": Scenario(ONCE, faults=LOSING_SHARDS),
    "shards are lost, at least once": Scenario(REPEATED, faults=LOSING_SHARDS, answers=ACCEPTED),
    "doubtful answers, at least once": Scenario(
        REPEATED, faults=LOSING_SHARDS, fault_budget=1, answers=ANY_ANSWER
    ),
    "refusals after doubt": Scenario(
        REPEATED, faults=LOSING_SHARDS, fault_budget=1, answers=REFUSALS
    ),
    "refusals after doubt, by an idempotent provider": Scenario(
        REPEATED, faults=LOSING_SHARDS, fault_budget=1, answers=REFUSALS, idempotent=True
    ),
    "refusals after doubt, by a provider that forgets keys": Scenario(
        REPEATED, faults=FORGETFUL_PROVIDER, answers=REFUSALS, idempotent=True
    ),
    "late facts, at most once": Scenario(
        ONCE, faults=LOSING_SHARDS, answers=REFUSALS, late_facts=True
    ),
    "late facts, at least once": Scenario(
        REPEATED, faults=LOSING_SHARDS, fault_budget=1, answers=REFUSALS, late_facts=True
    ),
    "pauses and crashes, at most once": Scenario(ONCE, faults=OVER_AND_ON, fault_budget=3),
    "pauses and crashes, at least once": Scenario(REPEATED, faults=OVER_AND_ON),
    "missed grants, at most once": Scenario(
        ONCE, faults=MISSED_GRANTS | {Fault.LOST_ANSWER}, fault_budget=3, answers=ACCEPTED
    ),
    "missed grants, at least once": Scenario(REPEATED, faults=MISSED_GRANTS),
    "missed grants of two providers": Scenario(
        REPEATED,
        faults=frozenset({Fault.MISSED_GRANT, Fault.SENDER_CRASH}),
        fault_budget=2,
        route=TWO_PROVIDERS,
    ),
    "two messages": Scenario(
        ONCE, ONE_SHARD, faults=OVER_AND_ON | {Fault.LOST_ANSWER}, answers=ACCEPTED
    ),
    "two messages and a zombie": Scenario(
        ONCE, ONE_SHARD, faults=LOSING_SHARDS, fault_budget=1, answers=ACCEPTED
    ),
    "two shards on a partition": Scenario(
        ONCE,
        TWO_SHARDS,
        faults=LOSING_SHARDS - {Fault.REASSIGNMENT},
        answers=ACCEPTED,
    ),
    "retention": Scenario(REPEATED, faults=FORGETFUL_KAFKA, has_watchdog=True),
    "a topic made anew": Scenario(ONCE, faults=NEW_TOPIC, answers=ACCEPTED),
    "more partitions": Scenario(
        REPEATED, TWO_SHARDS, faults=NEW_MAP, fault_budget=1, answers=ACCEPTED
    ),
    "more partitions and crashes": Scenario(ONCE, SECOND_SHARD, faults=NEW_MAP, answers=ACCEPTED),
    "retried by hand": Scenario(ONCE, faults=BY_HAND, max_attempts=1),
    "cancelled in doubt": Scenario(
        REPEATED, faults=CANCELLED, answers=(SendStatus.ACCEPTED, SendStatus.AMBIGUOUS)
    ),
    "cancelled, and a zombie": Scenario(
        REPEATED, faults=frozenset({Fault.CANCEL, Fault.REASSIGNMENT}), answers=ACCEPTED
    ),
    "receipts, at most once": Scenario(
        ONCE, faults=LOSING_SHARDS, fault_budget=1, answers=ANY_ANSWER, receipts=True
    ),
    "receipts, at least once": Scenario(
        REPEATED,
        faults=frozenset({Fault.SENDER_CRASH, Fault.LOST_ANSWER}),
        fault_budget=1,
        answers=ANY_ANSWER,
        receipts=True,
    ),
    "receipts, and refusals after doubt": Scenario(
        REPEATED,
        faults=frozenset({Fault.SENDER_CRASH}),
        fault_budget=1,
        answers=REFUSALS,
        receipts=True,
    ),
    "receipts, and retries by hand": Scenario(
        ONCE,
        faults=frozenset({Fault.PERSON_RETRIES}),
        fault_budget=1,
        answers=(SendStatus.ACCEPTED, SendStatus.AMBIGUOUS),
        max_attempts=1,
        receipts=True,
    ),
    "receipts, and cancelled": Scenario(
        REPEATED,
        faults=CANCELLED,
        answers=(SendStatus.ACCEPTED, SendStatus.AMBIGUOUS),
        receipts=True,
    ),
    "receipts of two providers": Scenario(
        REPEATED,
        faults=frozenset({Fault.SENDER_CRASH}),
        fault_budget=1,
        answers=ANY_ANSWER,
        route=TWO_PROVIDERS,
        receipts=True,
    ),
    "two providers, at least once": Scenario(
        REPEATED,
        faults=frozenset({Fault.SENDER_CRASH, Fault.REASSIGNMENT}),
        fault_budget=1,
        answers=ANY_ANSWER,
        route=TWO_PROVIDERS,
    ),
    "two providers, also after doubt": Scenario(
        REPEATED,
        faults=frozenset({Fault.SENDER_CRASH}),
        fault_budget=1,
        answers=ANY_ANSWER,
        route=AFTER_DOUBT,
    ),
    "idempotent providers, also after doubt": Scenario(
        REPEATED,
        faults=frozenset({Fault.SENDER_CRASH}),
        fault_budget=1,
        answers=REFUSALS,
        idempotent=True,
        route=AFTER_DOUBT,
    ),
    "retried by hand and cancelled": Scenario(
        REPEATED, faults=BY_HAND | {Fault.CANCEL}, max_attempts=1
    ),
}

LONG_SEARCHES = {
    "receipts of two providers, also after doubt, long": replace(
        SEARCHES["two providers, also after doubt"], receipts=True
    ),
    "receipts, and retries by hand, long": Scenario(
        ONCE,
        faults=BY_HAND,
        answers=(SendStatus.ACCEPTED, SendStatus.AMBIGUOUS),
        max_attempts=1,
        receipts=True,
    ),
    "two providers, at most once, long": Scenario(
        ONCE,
        faults=frozenset({Fault.SENDER_CRASH, Fault.REASSIGNMENT}),
        fault_budget=1,
        answers=ANY_ANSWER,
        route=TWO_PROVIDERS,
    ),
    "two providers, long": Scenario(
        REPEATED,
        faults=LOSING_SHARDS | {Fault.OLDER_SENDER},
        fault_budget=2,
        answers=ANY_ANSWER,
        route=TWO_PROVIDERS,
    ),
    "two providers, also after doubt, long": Scenario(
        REPEATED,
        faults=frozenset({Fault.SENDER_CRASH, Fault.REASSIGNMENT}),
        fault_budget=1,
        answers=ANY_ANSWER,
        route=AFTER_DOUBT,
    ),
    "an older sender, also after doubt, long": Scenario(
        REPEATED,
        faults=frozenset({Fault.SENDER_CRASH, Fault.OLDER_SENDER}),
        answers=REFUSALS,
        idempotent=True,
        route=AFTER_DOUBT,
    ),
    "two providers, retried by hand, long": Scenario(
        REPEATED,
        faults=BY_HAND,
        answers=ANY_ANSWER,
        max_attempts=1,
        route=TWO_PROVIDERS,
        late_facts=True,
    ),
    "refusals after doubt, by a provider that forgets keys, long": Scenario(
        REPEATED,
        faults=FORGETFUL_PROVIDER | LOSING_SHARDS,
        answers=REFUSALS,
        idempotent=True,
        late_facts=True,
    ),
    "cancelled in doubt, long": Scenario(
        REPEATED, faults=CANCELLED | LOSING_SHARDS, answers=ANY_ANSWER
    ),
    "refusals of what is cancelled, and late ones, long": Scenario(
        REPEATED,
        faults=CANCELLED | {Fault.REASSIGNMENT},
        answers=REFUSALS,
        late_facts=True,
    ),
    "refusals retried by hand, and late ones, long": Scenario(
        REPEATED, faults=BY_HAND, answers=REFUSALS, max_attempts=1, late_facts=True
    ),
    "shards are lost, at most once, long": Scenario(ONCE, faults=LOSING_SHARDS, fault_budget=3),
    "shards are lost, at least once, long": Scenario(REPEATED, faults=LOSING_SHARDS),
    "everything, at least once, long": Scenario(
        REPEATED, faults=LOSING_SHARDS | OVER_AND_ON, answers=ACCEPTED
    ),
    "two messages and zombies, long": Scenario(
        ONCE,
        ONE_SHARD,
        chunk_size=1,
        faults=frozenset({Fault.REASSIGNMENT, Fault.SCHEDULER_CRASH}),
        answers=ACCEPTED,
    ),
    "two shards and a zombie, long": Scenario(
        ONCE, TWO_SHARDS, faults=LOSING_SHARDS, fault_budget=1, answers=ACCEPTED
    ),
    "retention, long": Scenario(
        REPEATED, faults=FORGETFUL_KAFKA, fault_budget=3, has_watchdog=True
    ),
    "a topic made anew between tries, long": Scenario(ONCE, faults=NEW_TOPIC),
    "more partitions and crashes, long": Scenario(
        ONCE, TWO_SHARDS, faults=NEW_MAP, answers=ACCEPTED
    ),
}


def _with(*faults: Fault, messages: tuple[int, ...] = (0,), budget: int = 1) -> Scenario:
    return Scenario(ONCE, messages, faults=frozenset(faults), fault_budget=budget, answers=ACCEPTED)


def _refusing(
    *faults: Fault,
    delivery: Delivery = ONCE,
    max_attempts: int = 2,
    has_watchdog: bool = False,
) -> Scenario:
    return Scenario(
        delivery,
        faults=frozenset(faults),
        fault_budget=1,
        max_attempts=max_attempts,
        has_watchdog=has_watchdog,
    )


def _choosing(
    *faults: Fault,
    budget: int = 1,
    answers: tuple[SendStatus, ...] = ACCEPTED,
    max_attempts: int = 2,
) -> Scenario:
    return Scenario(
        REPEATED,
        faults=frozenset(faults),
        fault_budget=budget,
        answers=answers,
        max_attempts=max_attempts,
        route=TWO_PROVIDERS,
    )


def _reporting(
    *faults: Fault,
    delivery: Delivery = REPEATED,
    answers: tuple[SendStatus, ...] = (SendStatus.ACCEPTED, SendStatus.AMBIGUOUS),
    route: Route = ONE_PROVIDER,
) -> Scenario:
    return Scenario(
        delivery,
        faults=frozenset(faults),
        fault_budget=1,
        answers=answers,
        route=route,
        receipts=True,
    )


def _going_on() -> Scenario:
    """Return a search of idempotent providers, of which another one may be taken after doubt."""
    return replace(_choosing(answers=REFUSALS), idempotent=True, route=AFTER_DOUBT)


LEFT_OUT = {
    Part.TRY: (_refusing(Fault.SENDER_CRASH), Broken.CALLED_AGAIN),
    Part.CLAIM_LIST: (_with(Fault.SENDER_CRASH), Broken.CALLED_AGAIN),
    Part.UNFINISHED_OFFSET: (_with(Fault.SENDER_CRASH), Broken.STUCK),
    Part.LOWEST_OFFSET: (_with(Fault.SENDER_CRASH, messages=TWO_SHARDS), Broken.STUCK),
    Part.DELETED_IS_PASSED: (_refusing(Fault.RETENTION, has_watchdog=True), Broken.STUCK),
    Part.SETTLEMENT: (_with(Fault.SENDER_CRASH), Broken.CALLED_AGAIN),
    Part.RAISE_BEFORE_READ: (_with(Fault.REASSIGNMENT), Broken.CALLED_AGAIN),
    Part.FRESH_FETCH: (_with(Fault.REVOCATION, messages=ONE_SHARD), Broken.STUCK),
    Part.POSSIBLY_SENT_IN_DOUBT: (
        _refusing(Fault.SENDER_CRASH, delivery=REPEATED),
        Broken.UNTRUE,
    ),
    Part.REFUSED_IN_DOUBT: (
        replace(_with(Fault.SENDER_CRASH), delivery=REPEATED, answers=REFUSALS),
        Broken.UNTRUE,
    ),
    Part.KEY_WINDOW: (
        replace(
            _with(Fault.SENDER_CRASH, Fault.KEYS_FORGOTTEN, budget=2),
            delivery=REPEATED,
            answers=REFUSALS,
            idempotent=True,
        ),
        Broken.UNTRUE,
    ),
    Part.DOUBT_RETURNS: (_choosing(Fault.SENDER_CRASH), Broken.CALLED_ELSEWHERE),
    Part.DOUBT_BEFORE_CHOICE: (_choosing(Fault.SENDER_CRASH), Broken.CALLED_ELSEWHERE),
    Part.UNKNOWN_PROVIDER: (
        _choosing(Fault.SENDER_CRASH, Fault.OLDER_SENDER, budget=2),
        Broken.CALLED_ELSEWHERE,
    ),
    Part.DOUBT_STAYS: (_choosing(answers=ANY_ANSWER, max_attempts=3), Broken.CALLED_ELSEWHERE),
    Part.LEFT_DOUBT_NOTED: (_going_on(), Broken.UNCOUNTED),
    Part.COUNTED_ELSEWHERE: (_going_on(), Broken.UNCOUNTED),
    Part.REFUSED_ELSEWHERE: (_going_on(), Broken.UNTRUE),
    Part.SETTLE_CANCELLED: (
        replace(_with(Fault.SENDER_CRASH, Fault.CANCEL, budget=2), delivery=REPEATED),
        Broken.UNTRUE,
    ),
    Part.SETTLE_LAST: (_refusing(Fault.CANCEL), Broken.OVERWRITTEN),
    Part.FENCE: (_with(Fault.REASSIGNMENT), Broken.OVERWRITTEN),
    Part.COMMIT_CHECK: (_with(Fault.LOST_ANSWER), Broken.OVERWRITTEN),
    Part.KEPT_DOUBT: (_with(Fault.LOST_ANSWER, messages=ONE_SHARD, budget=2), Broken.STUCK),
    Part.OWNED_ADMISSION: (_with(Fault.REASSIGNMENT, messages=SECOND_SHARD), Broken.CALLED_AGAIN),
    Part.COPIES_ASIDE: (_with(Fault.SCHEDULER_CRASH), Broken.CALLED_AGAIN),
    Part.COPIES_KEPT: (_with(Fault.PAUSE), Broken.STUCK),
    Part.VOID_AFTER_FETCH: (_with(Fault.PAUSE), Broken.STUCK),
    Part.LAST_LOOK: (_with(Fault.PAUSE), Broken.CALLED_VOID),
    Part.CHECKPOINT_EPOCH: (_with(Fault.PAUSE), Broken.STUCK),
    Part.RESUME_FANS_OUT: (_with(Fault.PAUSE), Broken.STUCK),
    Part.RETRY_KEPT: (_refusing(Fault.PAUSE), Broken.STUCK),
    Part.PASSED_STAMP: (_refusing(Fault.RETENTION, has_watchdog=True), Broken.STUCK),
    Part.FINAL_SUM: (_refusing(), Broken.FINISHED_EARLY),
    Part.OPEN_REQUEST: (
        _refusing(Fault.PERSON_RETRIES, max_attempts=1),
        Broken.FINISHED_EARLY,
    ),
    Part.FINISH_EPOCH: (
        _refusing(Fault.PERSON_RETRIES, max_attempts=1),
        Broken.FINISHED_EARLY,
    ),
    Part.LATE_REFUSAL: (
        replace(
            _with(Fault.REASSIGNMENT),
            delivery=REPEATED,
            answers=REFUSALS,
            max_attempts=1,
            late_facts=True,
        ),
        Broken.UNTRUE,
    ),
    Part.RECEIPT_SETTLES: (_reporting(Fault.SENDER_CRASH), Broken.PROOF_IGNORED),
    Part.RECEIPT_RECORDED: (_reporting(), Broken.PROOF_IGNORED),
    Part.RECEIPT_ADMISSION: (_reporting(), Broken.CALLED_REPORTED),
    Part.RECEIPT_HELD: (_reporting(), Broken.OVERWRITTEN),
    Part.RECEIPT_GENERATION: (
        replace(_reporting(Fault.PERSON_RETRIES, delivery=ONCE), max_attempts=1),
        Broken.UNTRUE,
    ),
    Part.RECEIPT_PROVIDER: (_reporting(answers=ANY_ANSWER, route=TWO_PROVIDERS), Broken.UNTRUE),
    Part.RECEIPT_KEPT: (_reporting(answers=ANY_ANSWER, route=TWO_PROVIDERS), Broken.PROOF_IGNORED),
    Part.UNSTARTED_OFFSET: (
        _with(Fault.MISSED_GRANT, Fault.SENDER_CRASH, budget=2),
        Broken.STUCK,
    ),
    Part.DRAIN: (_with(Fault.MORE_PARTITIONS, messages=SECOND_SHARD), Broken.STUCK),
    Part.MAP_FOR_ALL: (_with(Fault.MORE_PARTITIONS, messages=SECOND_SHARD), Broken.STUCK),
}
"""For each part of a rule a search that needs it, and the promise that is broken without."""
