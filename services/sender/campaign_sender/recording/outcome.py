"""Outcome policy: the ledger row and the retry that follow from a send result."""

from typing import NamedTuple

from msgspec.structs import replace

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.claim import ClaimedMessage
from campaign_common.domain.content.budget import cost_of
from campaign_common.domain.content.price import Charge
from campaign_common.domain.message import Status
from campaign_common.domain.suppressions.suppression_scope import SUPPRESSED
from campaign_common.settings import RetryPolicy, RetrySettings
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.ledger import LedgerRow
from campaign_providers.contract import NOT_CONFIGURED, REACHED_PROVIDER, SendResult, SendStatus
from campaign_sender.admission.provider_choice import PRICE_MISSING, PROVIDER_UNKNOWN
from campaign_sender.message import Message

BACKOFF_DOUBLINGS = 40
"""More would exceed every maximum backoff, and finally a float."""

ENDED_WITHOUT_SEND = {
    SendStatus.EXPIRED: Status.EXPIRED,
    SendStatus.ERASED: Status.SUPPRESSED,
    SendStatus.SUPPRESSED: Status.SUPPRESSED,
    SendStatus.UNDELIVERABLE: Status.FAILED,
}
"""Final status of a message that was not sent in this try, unless an earlier try is in doubt."""

LEFT_OPEN = frozenset({SendStatus.STALE, SendStatus.RELEASED, SendStatus.NOT_GRANTED})
"""Statuses without an outcome: the message is left to another epoch, owner or grant."""

NEVER_IN_DOUBT = frozenset({SendStatus.ACCEPTED, *LEFT_OPEN})
"""Statuses for which it does not matter that an earlier try may have been accepted."""

NOT_SENT_YET = frozenset({SendStatus.CIRCUIT_OPEN, SendStatus.LIMITED, SendStatus.UNCONFIGURED})
"""Statuses of messages that wait for their provider, or for this sender to know it."""

WAITS_FOR_PROVIDER = frozenset({SendStatus.ACCOUNT, *NOT_SENT_YET})
"""Statuses of messages that wait until their provider takes sends again, however long."""

COSTS_NO_ATTEMPT = frozenset({SendStatus.THROTTLED, *WAITS_FOR_PROVIDER, *ENDED_WITHOUT_SEND})

MAY_BE_TAKEN = frozenset({SendStatus.ACCEPTED, SendStatus.AMBIGUOUS})
"""Statuses of a send that the provider has accepted, or may have."""

FAILS_OVER = frozenset(
    {
        SendStatus.RETRYABLE,
        SendStatus.THROTTLED,
        SendStatus.ACCOUNT,
        SendStatus.CIRCUIT_OPEN,
        SendStatus.LIMITED,
        SendStatus.UNCONFIGURED,
    }
)
"""Statuses that prove that the provider did not take this try of the message."""


class LedgerOutcome(NamedTuple):
    """Ledger row of a message, and the delay of its retry if it waits."""

    row: LedgerRow
    retry_in: float | None = None
    """Seconds until the next try; None when the status is final."""


AGE_DECIDES = frozenset({SendStatus.RETRYABLE, SendStatus.THROTTLED, SendStatus.AMBIGUOUS})
"""Statuses whose outcome depends on the time since the first send."""


def depends_on_age(result: SendResult[Message]) -> bool:
    """Return whether the outcome depends on the time since the first send."""
    return result.status in AGE_DECIDES or _is_provider_gone(result)


def may_have_been_sent(result: SendResult[Message]) -> bool:
    """Return whether a message was sent, in this try or maybe in an earlier one."""
    return result.status in REACHED_PROVIDER or result.message.in_doubt


def stops_age(result: SendResult[Message]) -> bool:
    """Return whether the age of a message stops until its next try (protocol rule 9).

    It does while the provider rests, which has an end, and where its answer asked all to wait. A
    provider that is gone may never come back.
    """
    is_waiting = result.status in WAITS_FOR_PROVIDER and not _is_provider_gone(result)
    return _asks_all_to_wait(result) or is_waiting


def _asks_all_to_wait(result: SendResult[Message]) -> bool:
    is_throttled = result.status is SendStatus.THROTTLED and not result.of_recipient
    return is_throttled and bool(result.retry_after)


def depends_on_doubt(status: SendStatus, *, idempotent: bool) -> bool:
    """Return whether the outcome depends on an earlier try that may have been accepted.

    A refusal is proof only where the provider is idempotent.
    """
    return status not in NEVER_IN_DOUBT and not (status is SendStatus.PERMANENT and idempotent)


def outcome_of(  # noqa: PLR0913 - what an outcome depends on
    result: SendResult[Message],
    version: CampaignVersion | None,
    retry: RetrySettings,
    jitter: float,
    *,
    idempotent: bool = False,
    failover: str | None = None,
    least_wait: float = 0.0,
    after_doubt: bool = False,
    receipt_wait: float = 0.0,
) -> LedgerOutcome:
    """Return the outcome of a send result (protocol rules 3 and 16).

    - A retryable failure waits for its next try as long as the policy of its class allows one.
    - A throttled send costs no attempt and is bounded by age only.
    - What a rest of the provider prevented waits for the end of the rest.
    - An ambiguous result is retried under the same idempotency key. With at most once it ends as
      unknown.
    - A message without any doubt that was provably not taken goes on to the next provider of its
      route. One that was not sent has its provider chosen again.
    - After a doubt no end is a failure: without a clear result, or when a provider that is not
      idempotent refuses it, a message ends as unknown. So does one whose provider is not configured
      here, or has no price for the budget, when it is too old.

    Args:
        result: what became of the send.
        version: the campaign's row; None: it could not be read, and counts as at most once.
        retry: the policies of retries, by class.
        jitter: from 0 to below 1: spreads retries over the upper half of their backoff.
        idempotent: the provider knows the key of the message, so that a refusal is proof.
        failover: the next provider of the route; None: there is none.
        least_wait: least seconds to wait where the message stays with its provider.
        after_doubt: the route lets a message in doubt go on to the next provider, also after an
            ambiguous result; its doubts are kept beside its row.
        receipt_wait: least seconds to wait for a receipt.
    """
    match result.status:
        case SendStatus.ACCEPTED:
            return LedgerOutcome(sent(result))
        case SendStatus.PERMANENT:
            refused = Status.FAILED if idempotent else _ended(result, Status.FAILED)
            return LedgerOutcome(_row(result, refused))
    if (ended := ENDED_WITHOUT_SEND.get(result.status)) is not None:
        row = _row(result, _ended(result, ended))
        if result.status is SendStatus.SUPPRESSED:
            row = replace(row, error_code=SUPPRESSED)
        return LedgerOutcome(row)
    at_most_once = version is None or version.delivery is Delivery.AT_MOST_ONCE
    if result.status is SendStatus.AMBIGUOUS and at_most_once:
        return LedgerOutcome(_row(result, Status.UNKNOWN))
    policy = retry.of(result.status.value)
    if (given_up := _given_up(result, policy)) is not None:
        return LedgerOutcome(given_up)
    backoff = min(policy.backoff_max, policy.backoff_base * 2.0 ** _doublings(result))
    delay = backoff * (0.5 + jitter / 2)
    row = _row(result, Status.WAITING)
    fails_over = _fails_over(result, failover, after_doubt=after_doubt)
    if fails_over and result.status not in NOT_SENT_YET:
        row = replace(row, provider=failover)
    if after_doubt:
        row = _with_doubts(result, row)
    if not fails_over or result.status is SendStatus.UNCONFIGURED:
        delay = max(delay, least_wait, result.retry_after or 0.0)
    return LedgerOutcome(row, max(delay, receipt_wait))


def sent(result: SendResult[Message]) -> LedgerRow:
    """Return the ledger row of an accepted message, as nearly all are."""
    return _row(result, Status.SENT, _cost_of(result.message))


def reported(result: SendResult[Message], provider: str) -> LedgerRow:
    """Return the row of a message that a receipt proves to be sent, whatever this try says."""
    return replace(sent(result), in_doubt=False, error_code=None, provider=provider or None)


def _given_up(result: SendResult[Message], policy: RetryPolicy) -> LedgerRow | None:
    """Return the row of a message that is not tried again, None if it is."""
    is_too_old = result.message.age > policy.max_age
    is_unpriced = result.error_code == PRICE_MISSING
    if _is_provider_gone(result) and is_too_old:
        ended = _row(result, Status.UNKNOWN)
        return ended if is_unpriced else replace(ended, error_code=PROVIDER_UNKNOWN)
    if result.status not in WAITS_FOR_PROVIDER and (_is_exhausted(result, policy) or is_too_old):
        return _row(result, _ended(result, Status.FAILED))
    return None


def _is_exhausted(result: SendResult[Message], policy: RetryPolicy) -> bool:
    return (
        result.status not in COSTS_NO_ATTEMPT
        and result.message.record.attempts + 1 >= policy.max_attempts
    )


def _is_provider_gone(result: SendResult[Message]) -> bool:
    """Return whether the provider that may have taken a message is not configured here.

    Or has no price here that its campaign's budget could pay.
    """
    return (
        result.status is SendStatus.UNCONFIGURED
        and result.error_code in (NOT_CONFIGURED, PRICE_MISSING)
        and result.message.in_doubt
    )


def _fails_over(result: SendResult[Message], failover: str | None, *, after_doubt: bool) -> bool:
    is_moving = result.status in FAILS_OVER and not result.message.in_doubt
    if after_doubt:
        is_moving = result.status in FAILS_OVER or result.status is SendStatus.AMBIGUOUS
    return is_moving and failover not in (None, result.message.provider) and not result.of_recipient


def _with_doubts(result: SendResult[Message], row: LedgerRow) -> LedgerRow:
    """Return a row with the doubts that it does not name any more.

    It is itself in doubt only where the provider that it names may have taken the message.
    """
    message = result.message
    record = message.record
    sends: list[tuple[int, str | None]] = []
    if message.recorded_doubt:
        sends.append((record.try_number - 1, message.recorded_provider))
    if result.status is SendStatus.AMBIGUOUS:
        sends.append((record.try_number, message.provider))
    doubts = {*message.doubts, *(provider for _, provider in sends)}
    left = tuple(
        ClaimedMessage(
            record.campaign_id,
            record.seq,
            record.generation,
            try_number,
            provider,
            message.sent_after,
        )
        for try_number, provider in sends
        if provider != row.provider
    )
    in_doubt = row.provider in doubts if doubts else row.in_doubt
    return replace(row, in_doubt=in_doubt, left_doubts=left)


def _doublings(result: SendResult[Message]) -> int:
    """Return how often the backoff is doubled: by attempts, or by tries of a throttled message."""
    record = result.message.record
    if result.status is SendStatus.THROTTLED:
        return min(record.try_number - 1, BACKOFF_DOUBLINGS)
    return min(record.attempts, BACKOFF_DOUBLINGS)


def _is_in_doubt(result: SendResult[Message]) -> bool:
    return result.message.in_doubt or result.status is SendStatus.AMBIGUOUS


def _ended(result: SendResult[Message], status: Status) -> Status:
    return Status.UNKNOWN if _is_in_doubt(result) else status


def _cost_of(message: Message) -> Charge | None:
    if message.price is None:
        return None
    return cost_of(message.record, message.price)


def _provider_of(result: SendResult[Message]) -> str | None:
    """Return the provider for the ledger row: one that was sent the message, or is to be next.

    A message that was not sent keeps the one that its row names, after the proof of an earlier try.
    """
    message = result.message
    has_moved = message.doubts and message.provider not in message.doubts
    if result.status in NOT_SENT_YET and (has_moved or not message.in_doubt):
        return message.recorded_provider
    if message.in_doubt or result.status in REACHED_PROVIDER:
        return message.ledger_provider
    return None


def _row(result: SendResult[Message], status: Status, cost: Charge | None = None) -> LedgerRow:
    message = result.message
    record = message.record
    send_status = result.status
    # Nearly no message is in doubt, which is all that is asked of the others.
    is_repeated = message.in_doubt and send_status in MAY_BE_TAKEN and message.repeats
    row = LedgerRow(
        campaign_id=record.campaign_id,
        seq=record.seq,
        status=status,
        generation=record.generation,
        try_number=record.try_number,
        attempts=record.attempts if send_status in COSTS_NO_ATTEMPT else record.attempts + 1,
        provider_message_id=result.provider_message_id,
        error_code=result.error_code,
        replaces=message.replaces,
        in_doubt=message.in_doubt or send_status is SendStatus.AMBIGUOUS,
        provider=_provider_of(result),
        repeated_provider=message.provider if is_repeated else None,
        cost=cost,
    )
    return _with_doubts(result, row) if status is Status.UNKNOWN and message.doubts else row
