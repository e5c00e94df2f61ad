"""Provider of the next try, and the one that the row names, for messages that take a route."""

from collections.abc import Collection

import pytest

from campaign_common.domain.message import Status
from campaign_common.settings import RetrySettings
from campaign_providers.contract import (
    SendResult,
    SendStatus,
)
from campaign_sender.recording.outcome import (
    outcome_of,
)
from tests.unit.sender.messages import message, version

AMBIGUOUS, RETRYABLE = SendStatus.AMBIGUOUS, SendStatus.RETRYABLE


OPEN = SendStatus.CIRCUIT_OPEN


POLICY = RetrySettings(max_attempts=3, backoff_base=1.0, backoff_max=60.0, max_age=3600.0)


@pytest.mark.parametrize(
    ("answer", "in_doubt", "failover", "provider", "retry_in"),
    [
        (SendStatus.RETRYABLE, False, "spare", "spare", 0.5),
        (SendStatus.THROTTLED, False, "spare", "spare", 0.5),
        (SendStatus.ACCOUNT, False, "spare", "spare", 0.5),
        (SendStatus.CIRCUIT_OPEN, False, "spare", None, 0.5),
        (SendStatus.LIMITED, False, "spare", None, 0.5),
        (SendStatus.CIRCUIT_OPEN, False, "main", None, 9.0),
        (SendStatus.UNCONFIGURED, False, "spare", None, 9.0),
        (SendStatus.RETRYABLE, False, "main", "main", 9.0),
        (SendStatus.CIRCUIT_OPEN, True, "spare", "main", 9.0),
        (SendStatus.RETRYABLE, True, "spare", "main", 9.0),
        (SendStatus.AMBIGUOUS, False, "spare", "main", 9.0),
    ],
    ids=[
        "not taken",
        "throttled",
        "account refused",
        "circuit open",
        "day used up",
        "not sent, all others rest",
        "not known here",
        "not taken, all others rest",
        "not sent after doubt",
        "not taken after doubt",
        "doubt",
    ],
)
def test_only_a_message_without_doubt_fails_over(
    answer: SendStatus, in_doubt: bool, failover: str, provider: str | None, retry_in: float
) -> None:
    one = message()
    one.provider = one.ledger_provider = "main"
    one.in_doubt = in_doubt
    result = SendResult(one, answer, retry_after=9.0)
    outcome = outcome_of(result, version(), POLICY, jitter=0.0, failover=failover)
    assert (outcome.row.status, outcome.row.provider) == (Status.WAITING, provider)
    assert outcome.retry_in == retry_in


@pytest.mark.parametrize(
    ("answer", "at", "recorded", "row", "left"),
    [
        pytest.param(AMBIGUOUS, (), None, ("spare", False), [(2, "main")], id="doubt"),
        pytest.param(
            AMBIGUOUS, ("main",), "main", ("spare", False), [(1, "main"), (2, "main")], id="again"
        ),
        pytest.param(
            AMBIGUOUS, ("spare",), "spare", ("spare", True), [(2, "main")], id="back to a doubt"
        ),
        pytest.param(RETRYABLE, ("main",), "main", ("spare", False), [(1, "main")], id="a proof"),
        pytest.param(RETRYABLE, ("main",), None, ("spare", False), [], id="noted as lost"),
        pytest.param(RETRYABLE, (None,), None, ("spare", False), [], id="not known, noted"),
        pytest.param(RETRYABLE, ("spare",), None, ("spare", True), [], id="a proof elsewhere"),
        pytest.param(OPEN, ("main",), "main", ("main", True), [], id="not sent where it may be"),
        pytest.param(OPEN, ("spare",), "spare", ("spare", True), [], id="not sent elsewhere"),
        pytest.param(OPEN, ("spare",), None, (None, False), [], id="not sent, doubt noted as lost"),
    ],
)
def test_after_doubt_a_message_goes_on_and_the_doubt_stays(
    answer: SendStatus,
    at: Collection[str | None],
    recorded: str | None,
    row: tuple[str | None, bool],
    left: list[tuple[int, str]],
) -> None:
    """A doubt stands in the row while that names its provider, and beside it from then on."""
    one = message(try_number=2)
    one.provider = one.ledger_provider = "main"
    one.doubts, one.in_doubt = frozenset(at), bool(at)
    one.recorded_provider, one.recorded_doubt = recorded, recorded is not None
    result = SendResult(one, answer, retry_after=9.0)
    found, retry_in = outcome_of(
        result, version(), POLICY, jitter=0.0, failover="spare", after_doubt=True
    )
    assert (found.status, found.provider, found.in_doubt) == (Status.WAITING, *row)
    assert [(each.try_number, each.provider) for each in found.left_doubts] == left
    assert retry_in == 0.5, "it does not wait for the provider that it leaves"


def test_after_doubt_the_last_provider_waits_as_without() -> None:
    one = message()
    one.provider = one.ledger_provider = "main"
    outcome = outcome_of(
        SendResult(one, AMBIGUOUS, retry_after=9.0),
        version(),
        POLICY,
        0.0,
        failover="main",
        after_doubt=True,
    )
    assert (outcome.row.provider, outcome.row.in_doubt, outcome.retry_in) == ("main", True, 9.0)
    assert outcome.row.left_doubts == ()


@pytest.mark.parametrize("recorded", [None, "spare"], ids=["first try", "after a proof"])
@pytest.mark.parametrize(
    "answer", [SendStatus.CIRCUIT_OPEN, SendStatus.LIMITED, SendStatus.UNCONFIGURED]
)
def test_a_message_that_was_not_sent_keeps_its_row_s_provider(
    answer: SendStatus, recorded: str | None
) -> None:
    """After an outage a message takes the provider that it would have taken without it."""
    one = message()
    one.provider = one.ledger_provider = "spare"
    one.recorded_provider = recorded
    row = outcome_of(SendResult(one, answer), version(), POLICY, 0.0, failover="main").row
    assert (row.status, row.provider) == (Status.WAITING, recorded)


@pytest.mark.parametrize(
    ("in_doubt", "status", "provider"),
    [(False, Status.EXPIRED, None), (True, Status.UNKNOWN, "main")],
    ids=["never sent", "may have been sent"],
)
def test_what_ends_without_a_send_names_the_provider_of_a_doubt(
    in_doubt: bool, status: Status, provider: str | None
) -> None:
    one = message()
    one.provider = one.ledger_provider = "main"
    one.in_doubt = in_doubt
    row = outcome_of(SendResult(one, SendStatus.EXPIRED), version(), POLICY, 0.0).row
    assert (row.status, row.provider) == (status, provider)


def test_a_limit_of_a_recipient_is_no_reason_to_fail_over() -> None:
    one = message()
    one.provider = one.ledger_provider = "main"
    result = SendResult(one, SendStatus.THROTTLED, retry_after=6.0, of_recipient=True)
    outcome = outcome_of(result, version(), POLICY, 0.0, failover="spare")
    assert (outcome.row.provider, outcome.retry_in) == ("main", 6.0)
