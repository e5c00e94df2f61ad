"""Outcomes of results: what the ledger says, and when the next try is due."""

from dataclasses import replace

import msgspec
import pytest

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.message import Status
from campaign_common.settings import RetryClassSettings, RetrySettings
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_providers.contract import (
    NOT_CONFIGURED,
    SECRET_UNREADABLE,
    SendResult,
    SendStatus,
)
from campaign_sender.admission.provider_choice import PRICE_MISSING, PROVIDER_UNKNOWN
from campaign_sender.recording.outcome import (
    depends_on_age,
    depends_on_doubt,
    may_have_been_sent,
    outcome_of,
    stops_age,
)
from tests.unit.sender.messages import message, version

POLICY = RetrySettings(max_attempts=3, backoff_base=1.0, backoff_max=60.0, max_age=3600.0)


def outcome(
    answer: SendStatus,
    *,
    attempts: int = 0,
    of: CampaignVersion | None = None,
    retry_after: float | None = None,
) -> tuple[Status, int, float | None]:
    result = SendResult(message(attempts=attempts), answer, retry_after=retry_after)
    row, retry_in = outcome_of(result, of or version(), POLICY, jitter=0.0)
    return row.status, row.attempts, retry_in


def test_accepted_is_sent() -> None:
    assert outcome(SendStatus.ACCEPTED) == (Status.SENT, 1, None)


def test_a_permanent_refusal_is_final() -> None:
    assert outcome(SendStatus.PERMANENT) == (Status.FAILED, 1, None)


def test_a_retryable_failure_waits_and_backs_off() -> None:
    assert outcome(SendStatus.RETRYABLE) == (Status.WAITING, 1, 0.5)
    assert outcome(SendStatus.RETRYABLE, attempts=1) == (Status.WAITING, 2, 1.0)


def test_the_last_attempt_ends_as_failed() -> None:
    assert outcome(SendStatus.RETRYABLE, attempts=2) == (Status.FAILED, 3, None)


def test_throttling_costs_no_attempt_and_honours_the_provider() -> None:
    assert outcome(SendStatus.THROTTLED, attempts=2, retry_after=30.0) == (Status.WAITING, 2, 30.0)


def test_a_message_that_is_too_old_is_not_tried_again() -> None:
    """Only a send that failed ends it: the time in which its provider rests does not count."""
    old = message()
    old.age = 3601.0
    for status, ended in {
        SendStatus.THROTTLED: Status.FAILED,
        SendStatus.RETRYABLE: Status.FAILED,
        SendStatus.AMBIGUOUS: Status.UNKNOWN,
        SendStatus.LIMITED: Status.WAITING,
        SendStatus.CIRCUIT_OPEN: Status.WAITING,
    }.items():
        row, _ = outcome_of(SendResult(old, status), version(), POLICY, jitter=0.0)
        assert row.status is ended, status


def by_class(answer: SendStatus, *, attempts: int = 0, try_number: int = 1) -> tuple[object, ...]:
    classes = {
        "ambiguous": RetryClassSettings(max_attempts=2, backoff_base=10.0),
        "throttled": RetryClassSettings(backoff_base=5.0, max_age=100.0),
    }
    retry = replace(POLICY, classes=classes)
    of = message(attempts=attempts, try_number=try_number)
    of.age = 101.0
    row, retry_in = outcome_of(SendResult(of, answer), version(), retry, jitter=0.0)
    return row.status, retry_in


def test_every_error_class_has_limits_of_its_own() -> None:
    assert by_class(SendStatus.AMBIGUOUS) == (Status.WAITING, 5.0)
    assert by_class(SendStatus.AMBIGUOUS, attempts=1) == (Status.UNKNOWN, None)
    assert by_class(SendStatus.RETRYABLE, attempts=1) == (Status.WAITING, 1.0)
    assert by_class(SendStatus.THROTTLED) == (Status.FAILED, None)
    assert by_class(SendStatus.CIRCUIT_OPEN) == (Status.WAITING, 0.5)
    assert by_class(SendStatus.ACCOUNT, attempts=1) == (Status.WAITING, 1.0)
    assert by_class(SendStatus.UNCONFIGURED, attempts=1) == (Status.WAITING, 1.0)


@pytest.mark.parametrize("delivery", Delivery)
def test_a_refused_account_costs_no_attempt(delivery: Delivery) -> None:
    refused = SendResult(message(attempts=2), SendStatus.ACCOUNT, None, "http_401", 4.0)
    row, retry_in = outcome_of(refused, version(delivery=delivery), POLICY, 0.0)
    assert (row.status, row.attempts, row.error_code) == (Status.WAITING, 2, "http_401")
    assert retry_in == 4.0


def test_a_throttled_message_waits_longer_and_loses_no_attempt() -> None:
    """A throttled message waits longer each time, and loses no attempts."""
    waits = [
        outcome_of(
            SendResult(message(try_number=n), SendStatus.THROTTLED), version(), POLICY, jitter=0.0
        )
        for n in (1, 2, 3, 2_000)
    ]
    assert [retry_in for _, retry_in in waits] == [0.5, 1.0, 2.0, 30.0]
    assert {row.attempts for row, _ in waits} == {0}


def test_an_ambiguous_send_is_retried_only_at_least_once() -> None:
    assert outcome(SendStatus.AMBIGUOUS)[0] is Status.WAITING
    at_most_once = version(delivery=Delivery.AT_MOST_ONCE)
    assert outcome(SendStatus.AMBIGUOUS, of=at_most_once) == (Status.UNKNOWN, 1, None)


def test_a_doubt_never_reads_as_a_failure() -> None:
    assert outcome(SendStatus.AMBIGUOUS, attempts=2)[0] is Status.UNKNOWN


def test_a_provably_refused_send_is_retried_at_most_once_too() -> None:
    at_most_once = version(delivery=Delivery.AT_MOST_ONCE)
    assert outcome(SendStatus.RETRYABLE, of=at_most_once)[0] is Status.WAITING


@pytest.mark.parametrize("answer", [SendStatus.EXPIRED, SendStatus.RETRYABLE])
def test_a_message_in_doubt_ends_unknown_without_a_clear_result(answer: SendStatus) -> None:
    """A message in doubt ends as unknown without a clear answer."""
    doubtful = message(attempts=2)
    doubtful.in_doubt = True
    assert (
        outcome_of(SendResult(doubtful, answer), version(), POLICY, 0.0).row.status
        is Status.UNKNOWN
    )


def test_a_doubt_ends_with_a_clear_result() -> None:
    """A doubt is kept while the message waits and ends with a clear answer."""
    doubtful = message()
    doubtful.in_doubt = True
    waiting = outcome_of(SendResult(doubtful, SendStatus.THROTTLED), version(), POLICY, 0.0)
    assert (waiting.row.status, waiting.row.in_doubt) == (Status.WAITING, True)
    assert outcome_of(
        SendResult(doubtful, SendStatus.ACCEPTED), version(), POLICY, 0.0
    ).row.status is (Status.SENT)


REFUSED_FOR_GOOD = [
    pytest.param(False, False, Status.FAILED, id="no doubt"),
    pytest.param(True, False, Status.UNKNOWN, id="in doubt, a key may be taken twice"),
    pytest.param(True, True, Status.FAILED, id="in doubt, the key has one answer"),
]


@pytest.mark.parametrize(("in_doubt", "idempotent", "status"), REFUSED_FOR_GOOD)
@pytest.mark.parametrize("delivery", Delivery)
def test_a_refusal_after_doubt_is_proof_by_key_only(
    in_doubt: bool, idempotent: bool, status: Status, delivery: Delivery
) -> None:
    refused = SendResult(message(), SendStatus.PERMANENT, None, "http_400")
    refused.message.in_doubt = in_doubt
    of = version(delivery=delivery)
    row, retry_in = outcome_of(refused, of, POLICY, 0.0, idempotent=idempotent)
    assert (row.status, row.error_code, retry_in) == (status, "http_400", None)


def test_without_its_campaign_a_refusal_after_doubt_is_no_proof() -> None:
    refused = SendResult(message(), SendStatus.PERMANENT)
    refused.message.in_doubt = True
    assert outcome_of(refused, None, POLICY, 0.0).row.status is Status.UNKNOWN


DEPENDS = {
    SendStatus.ACCEPTED: (False, False),
    SendStatus.PERMANENT: (True, False),
    SendStatus.RETRYABLE: (True, True),
    SendStatus.THROTTLED: (True, True),
    SendStatus.AMBIGUOUS: (True, True),
    SendStatus.ACCOUNT: (True, True),
    SendStatus.EXPIRED: (True, True),
    SendStatus.ERASED: (True, True),
    SendStatus.SUPPRESSED: (True, True),
    SendStatus.UNDELIVERABLE: (True, True),
    SendStatus.CIRCUIT_OPEN: (True, True),
    SendStatus.UNCONFIGURED: (True, True),
    SendStatus.RELEASED: (False, False),
    SendStatus.LIMITED: (True, True),
    SendStatus.NOT_GRANTED: (False, False),
    SendStatus.STALE: (False, False),
}
"""By answer: asked of a provider that is not idempotent, and of one that is."""


@pytest.mark.parametrize("answer", DEPENDS, ids=lambda answer: answer.value)
def test_what_depends_on_an_earlier_doubt(answer: SendStatus) -> None:
    asked = tuple(depends_on_doubt(answer, idempotent=one) for one in (False, True))
    assert asked == DEPENDS[answer]


def test_every_recorded_answer_is_in_the_table() -> None:
    assert set(DEPENDS) == set(SendStatus) - {SendStatus.DEFERRED}


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_jitter_stays_within_the_upper_half_of_the_backoff(jitter: float) -> None:
    result = SendResult(message(attempts=1), SendStatus.RETRYABLE)
    _, retry_in = outcome_of(result, version(), POLICY, jitter)
    assert retry_in is not None
    assert 1.0 <= retry_in < 2.0


@pytest.mark.parametrize(
    ("error_code", "in_doubt", "age", "ended"),
    [
        (NOT_CONFIGURED, True, 3601.0, (Status.UNKNOWN, PROVIDER_UNKNOWN)),
        (NOT_CONFIGURED, True, 3599.0, (Status.WAITING, NOT_CONFIGURED)),
        (NOT_CONFIGURED, False, 3601.0, (Status.WAITING, NOT_CONFIGURED)),
        (SECRET_UNREADABLE, True, 3601.0, (Status.WAITING, SECRET_UNREADABLE)),
    ],
    ids=["too old", "not too old", "no doubt", "no secret"],
)
def test_a_doubt_at_a_provider_that_is_gone_ends(
    error_code: str, in_doubt: bool, age: float, ended: tuple[Status, str]
) -> None:
    one = message()
    one.in_doubt, one.age = in_doubt, age
    result = SendResult(one, SendStatus.UNCONFIGURED, None, error_code, 30.0)
    row = outcome_of(result, version(), POLICY, 0.0).row
    assert (row.status, row.error_code) == ended


@pytest.mark.parametrize(
    ("status", "error_code", "in_doubt", "aging"),
    [
        (SendStatus.RETRYABLE, None, False, (True, True, False)),
        (SendStatus.CIRCUIT_OPEN, None, False, (False, False, True)),
        (SendStatus.CIRCUIT_OPEN, None, True, (False, True, True)),
        (SendStatus.ACCOUNT, None, False, (False, True, True)),
        (SendStatus.UNCONFIGURED, NOT_CONFIGURED, False, (False, False, True)),
        (SendStatus.UNCONFIGURED, NOT_CONFIGURED, True, (True, True, False)),
        (SendStatus.UNCONFIGURED, SECRET_UNREADABLE, True, (False, True, True)),
    ],
    ids=["sent", "rests", "rests in doubt", "account", "unknown", "gone in doubt", "no secret"],
)
def test_the_age_of_a_message_counts(
    status: SendStatus, error_code: str | None, in_doubt: bool, aging: tuple[bool, bool, bool]
) -> None:
    """From its first send on, also one that is in doubt only; while its provider is not there."""
    one = message()
    one.in_doubt = in_doubt
    result = SendResult(one, status, None, error_code)
    assert (depends_on_age(result), may_have_been_sent(result), stops_age(result)) == aging


def test_doubt_without_a_price_ends_when_it_is_too_old() -> None:
    """As where its provider is gone: the provider may have taken it, and no sender can pay."""
    doubtful = message()
    doubtful.in_doubt = True
    unpriced = SendResult(doubtful, SendStatus.UNCONFIGURED, None, PRICE_MISSING)
    assert depends_on_age(unpriced)
    assert not stops_age(unpriced)
    for age, ended in {3599.0: Status.WAITING, 3601.0: Status.UNKNOWN}.items():
        doubtful.age = age
        row, _ = outcome_of(unpriced, version(), POLICY, jitter=0.0)
        assert (row.status, row.error_code) == (ended, PRICE_MISSING)
    doubtful.in_doubt = False
    row, _ = outcome_of(unpriced, version(), POLICY, jitter=0.0)
    assert row.status is Status.WAITING


@pytest.mark.parametrize("status", [SendStatus.RETRYABLE, SendStatus.AMBIGUOUS])
@pytest.mark.parametrize("code", [NOT_CONFIGURED, PRICE_MISSING, "sender_lost", "commits_lost"])
def test_an_answer_with_a_code_of_ours_counts_as_any(status: SendStatus, code: str) -> None:
    """Only its code in the ledger differs, in doubt and old as the message may be."""
    old = message()
    old.in_doubt, old.age = True, 3601.0
    named, other = (
        outcome_of(SendResult(old, status, None, each), version(), POLICY, jitter=0.0)
        for each in (code, "http_503")
    )
    assert (named.row.error_code, named.retry_in) == (code, other.retry_in)
    assert msgspec.structs.replace(named.row, error_code="http_503") == other.row
