"""For each part of a rule a search that needs it, and the promise that is broken without."""

from dataclasses import replace

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.routing.route import Route
from campaign_providers.contract import SendStatus
from tests.model.promises import Broken
from tests.model.scenario import ONE_PROVIDER, Fault, Part, Scenario
from tests.model.searches import (
    ACCEPTED,
    AFTER_DOUBT,
    ANY_ANSWER,
    ONCE,
    ONE_SHARD,
    REFUSALS,
    REPEATED,
    SECOND_SHARD,
    TWO_PROVIDERS,
    TWO_SHARDS,
)


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


def _suppressing(*faults: Fault, delivery: Delivery = ONCE) -> Scenario:
    return Scenario(
        delivery,
        faults=frozenset(faults),
        fault_budget=1,
        answers=ACCEPTED,
        suppressions=True,
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
    Part.SUPPRESSED_LOOKUP: (_suppressing(), Broken.CALLED_SUPPRESSED),
    Part.SUPPRESSED_ONE_STEP: (_suppressing(), Broken.CALLED_SUPPRESSED),
    Part.SUPPRESSED_HELD: (_suppressing(), Broken.CALLED_SUPPRESSED),
    Part.SUPPRESSED_VIEW: (_suppressing(), Broken.CALLED_SUPPRESSED),
    Part.SUPPRESSED_DOUBT: (
        _suppressing(Fault.SENDER_CRASH, delivery=REPEATED),
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
