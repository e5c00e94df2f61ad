import pytest

from campaign_admin.doctor import CheckStatus
from campaign_admin.doctor.view import _finding_of, _transactions
from campaign_common.store.messages.send_view import FRESH_FOR, LONGEST_READ


@pytest.mark.parametrize(
    ("seconds", "status", "message"),
    [
        pytest.param(0.001, CheckStatus.OK, "takes 0.00 s", id="near"),
        pytest.param(LONGEST_READ - 0.01, CheckStatus.OK, "takes 0.44 s", id="in time"),
        pytest.param(LONGEST_READ, CheckStatus.WARNING, "sends pause", id="gaps"),
        pytest.param(FRESH_FOR, CheckStatus.ERROR, "nothing at all", id="out of date at its end"),
    ],
)
def test_the_doctor_says_what_a_slow_read_means(
    seconds: float, status: CheckStatus, message: str
) -> None:
    (found,) = _finding_of("", seconds)
    assert (found.check, found.status) == ("send guard", status)
    assert message in found.message


@pytest.mark.parametrize(("round_trip", "remedy"), [(0.2, None), (0.3, "12s")])
def test_the_doctor_compares_a_transaction_with_its_time(
    round_trip: float, remedy: str | None
) -> None:
    """Eight shards of one sender are twenty statements; the remedy leaves as much again."""
    found = list(_transactions("", round_trip, 8, tran_timeout=5.0))
    assert [one.remedy for one in found] == (
        [] if remedy is None else [f"set Mysql.TranTimeout to {remedy}"]
    )
