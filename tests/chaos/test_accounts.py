"""The comparison of the accounts notices what the chaos tests are there to find."""

import pytest

from campaign_common.domain.message import Status
from tests.chaos.accounts import compare
from tests.support.providers.recording_provider import DROP, Call, Sent

PHONES = ["13900000001", "13900000002"]
ALL_SENT = dict.fromkeys(PHONES, int(Status.SENT))


def call(n: int, fate: str = "202", key: str | None = None) -> Call:
    sent = Sent(f"1-{n}-0", 1, n, PHONES[n - 1], "hi")
    return Call(0.0, 0.0, 1, 1, key or sent.message_id, sent, fate)


def test_everybody_called_once_and_sent_is_no_loss() -> None:
    account = compare(PHONES, ALL_SENT, [call(1), call(2)])
    assert (account.lost, account.duplicates) == (0, 0)


def test_sent_without_a_call_is_lost() -> None:
    assert compare(PHONES, ALL_SENT, [call(1)]).lost == 1
    assert compare(PHONES, ALL_SENT, [call(1), call(2, DROP)]).lost == 1


def test_without_a_final_state_is_lost() -> None:
    assert compare(PHONES, {**ALL_SENT, PHONES[0]: 0}, [call(1), call(2)]).lost == 1


def test_a_second_call_is_a_duplicate() -> None:
    account = compare(PHONES, ALL_SENT, [call(1), call(2), call(2)])
    assert (account.duplicates, account.repeated) == (1, frozenset({2}))


def test_a_second_key_for_one_message_is_refused() -> None:
    with pytest.raises(AssertionError, match="two idempotency keys"):
        compare(PHONES, ALL_SENT, [call(1), call(2), call(2, key="1-2-1")])


def test_a_stranger_is_refused() -> None:
    with pytest.raises(AssertionError, match="not in the CSV"):
        compare(PHONES[:1], {PHONES[0]: 1}, [call(1), call(2)])


@pytest.mark.parametrize("status", [Status.FAILED, Status.EXPIRED, Status.CANCELLED])
def test_a_ledger_that_denies_a_call_is_refused(status: Status) -> None:
    with pytest.raises(AssertionError, match="denies"):
        compare(PHONES, {**ALL_SENT, PHONES[0]: int(status)}, [call(1), call(2)])


def test_a_doubt_about_a_call_is_no_denial() -> None:
    account = compare(PHONES, {**ALL_SENT, PHONES[0]: int(Status.UNKNOWN)}, [call(1), call(2)])
    assert (account.lost, account.unknown) == (0, 1)
