"""What a provider's answer means for the ledger: the policy, without Kafka or MySQL."""

from typing import NamedTuple

from campaign_common.campaign import Delivery
from campaign_common.message import Status
from campaign_common.settings import RetryPolicy, RetrySettings
from campaign_common.store.campaigns import CampaignVersion
from campaign_common.store.ledger import LedgerRow
from campaign_sender.providers.contract import SendResult, SendStatus

MOST_DOUBLINGS = 40
"""More would exceed every longest backoff, and in the end a float."""

ENDED_WITHOUT_CALL = {
    SendStatus.EXPIRED: Status.EXPIRED,
    SendStatus.ERASED: Status.CANCELLED,
    SendStatus.UNDELIVERABLE: Status.FAILED,
}
"""How a message ends that nobody was called for in this try, unless an earlier one is in doubt."""

NEVER_IN_DOUBT = frozenset({SendStatus.ACCEPTED, SendStatus.STALE, SendStatus.RELEASED})
"""Answers after which it does not matter that an earlier send may have been taken."""

COSTS_NO_ATTEMPT = frozenset({SendStatus.THROTTLED, SendStatus.CIRCUIT_OPEN, *ENDED_WITHOUT_CALL})


class LedgerOutcome(NamedTuple):
    """One ledger row, and when the message is due again if it waits."""

    row: LedgerRow
    retry_in: float | None = None
    """Seconds until the next try; None when the status is final."""


def depends_on_doubt(status: SendStatus, *, idempotent: bool) -> bool:
    """Return whether an outcome depends on an earlier send that may have been taken.

    A refusal is proof only where the gateway answers a repeated key as it answered it first.
    """
    return status not in NEVER_IN_DOUBT and not (status is SendStatus.PERMANENT and idempotent)


def outcome_of(
    result: SendResult,
    version: CampaignVersion | None,
    retry: RetrySettings,
    jitter: float,
    *,
    idempotent: bool = False,
) -> LedgerOutcome:
    """Turn the answer of a call into what is recorded.

    A retryable failure waits for its next try while `retry` allows its class one. An ambiguous
    one is tried again under the same idempotency key, unless the campaign is delivered at most
    once: then it ends as unknown. A throttled one, or one that an open breaker kept from starting,
    costs no attempt, and is bounded by age only.
    A message that ends without a clear answer although an earlier try may have been taken
    ends as unknown too: a doubt must not read as a failure. So does one that is refused for good
    after a doubt, unless the provider is `idempotent` (protocol rule 3). `jitter` in [0, 1)
    spreads retries over the upper half of their backoff. `version` None (the campaign's row
    could not be read) is treated as at-most-once, the side that calls nobody twice.
    """
    match result.status:
        case SendStatus.ACCEPTED:
            return LedgerOutcome(sent(result))
        case SendStatus.PERMANENT:
            refused = Status.FAILED if idempotent else _ended(result, Status.FAILED)
            return LedgerOutcome(_row(result, refused))
    if (ended := ENDED_WITHOUT_CALL.get(result.status)) is not None:
        return LedgerOutcome(_row(result, _ended(result, ended)))
    at_most_once = version is None or version.delivery is Delivery.AT_MOST_ONCE
    if result.status is SendStatus.AMBIGUOUS and at_most_once:
        return LedgerOutcome(_row(result, Status.UNKNOWN))
    policy = retry.of(result.status.value)
    if _is_exhausted(result, policy) or _is_too_old(version, policy):
        return LedgerOutcome(_row(result, _ended(result, Status.FAILED)))
    backoff = min(policy.backoff_max, policy.backoff_base * 2.0 ** _failures(result))
    delay = max(backoff * (0.5 + jitter / 2), result.retry_after or 0.0)
    return LedgerOutcome(_row(result, Status.WAITING), delay)


def sent(result: SendResult) -> LedgerRow:
    """Turn an accepted call, as nearly all are, into what is recorded."""
    return _row(result, Status.SENT)


def _is_exhausted(result: SendResult, policy: RetryPolicy) -> bool:
    return (
        result.status not in COSTS_NO_ATTEMPT
        and result.message.record.attempts + 1 >= policy.max_attempts
    )


def _is_too_old(version: CampaignVersion | None, policy: RetryPolicy) -> bool:
    return version is not None and version.age > policy.max_age


def _failures(result: SendResult) -> int:
    """Count what the backoff doubles with: for a throttled message, which costs none, the tries."""
    record = result.message.record
    if result.status is SendStatus.THROTTLED:
        return min(record.try_number - 1, MOST_DOUBLINGS)
    return min(record.attempts, MOST_DOUBLINGS)


def _is_in_doubt(result: SendResult) -> bool:
    return result.message.in_doubt or result.status is SendStatus.AMBIGUOUS


def _ended(result: SendResult, status: Status) -> Status:
    return Status.UNKNOWN if _is_in_doubt(result) else status


def _row(result: SendResult, status: Status) -> LedgerRow:
    message = result.message
    record = message.record
    send_status = result.status
    return LedgerRow(
        record.campaign_id,
        record.seq,
        status,
        record.generation,
        record.try_number,
        record.attempts if send_status in COSTS_NO_ATTEMPT else record.attempts + 1,
        result.provider_message_id,
        result.error_code,
        message.replaces,
        message.in_doubt or send_status is SendStatus.AMBIGUOUS,
    )
