"""A record that says that its recipient is erased ends without a call."""

import pytest

from campaign_common.domain.message import LedgerEntry, MessageKey, Status
from campaign_common.domain.message_record import ERASED
from campaign_common.settings import RetrySettings
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.admission.rules import admit_live
from campaign_sender.recording.outcome import outcome_of
from tests.unit.sender.messages import CAMPAIGN, message, version


def test_its_message_is_suppressed_and_not_failed() -> None:
    admission = admit_live([message(undeliverable=ERASED)], {})
    assert admission.to_send == []
    (decided,) = admission.decided
    outcome = outcome_of(decided, version(), RetrySettings(), 0.0)
    assert (outcome.row.status, outcome.row.attempts, outcome.retry_in) == (
        Status.SUPPRESSED,
        0,
        None,
    )


@pytest.mark.parametrize("in_doubt", [True, False])
def test_one_that_may_have_been_taken_before_ends_as_unknown(in_doubt: bool) -> None:
    entry = LedgerEntry(Status.WAITING, 0, 1, 1, in_doubt)
    second = message(undeliverable=ERASED, try_number=2, attempts=1)
    (decided,) = admit_live([second], {MessageKey(CAMPAIGN, 1): entry}).decided
    row = outcome_of(decided, version(), RetrySettings(), 0.0).row
    assert row.status is (Status.UNKNOWN if in_doubt else Status.SUPPRESSED)
    assert row.replaces


@pytest.mark.parametrize("in_doubt", [True, False])
def test_an_undeliverable_message_fails_unless_in_doubt(in_doubt: bool) -> None:
    """An undeliverable message fails, unless a provider may have accepted it before."""
    (decided,) = admit_live([message(undeliverable="lost again and again")], {}).decided
    assert decided == SendResult(
        decided.message, SendStatus.UNDELIVERABLE, None, "lost again and again"
    )
    decided.message.in_doubt = in_doubt
    row = outcome_of(decided, version(), RetrySettings(), 0.0).row
    assert row.status is (Status.UNKNOWN if in_doubt else Status.FAILED)
