from dataclasses import replace

import pytest

from benchmarks.results import Points
from benchmarks.scaling.keeping import rate_with_all
from benchmarks.scaling.plot import draw
from benchmarks.scaling.rule import Rule
from benchmarks.scaling.settling import Accounts
from benchmarks.scaling.summary import changes, ended_well
from benchmarks.scaling.watching import History

RULE = Rule(least=2, most=8, lag_threshold=5_000, polling_interval=10, stabilization=300)
ACCOUNTS = Accounts(campaigns=3, sent=1_000, lost=0, duplicates=0)


def every_second(*values: float) -> Points:
    return [(float(second), value) for second, value in enumerate(values)]


def there_and_back() -> History:
    return History(
        lag=every_second(0, 20_000, 48_000, 48_000, 0),
        polled=every_second(0, 20_000, 20_000, 48_000, 0),
        wanted=every_second(2, 4, 4, 8, 2),
        working=every_second(2, 2, 4, 8, 2),
        outcomes=every_second(0, 100, 300, 700, 1_000),
        calls=every_second(0, 10, 20, 80, 2),
    )


def test_a_rehearsal_all_the_way_up_and_down_is_well() -> None:
    """A rehearsal passes that goes all the way up and down and sends to everybody once."""
    assert ended_well(there_and_back(), ACCOUNTS, RULE)


@pytest.mark.parametrize(
    "history",
    [
        replace(there_and_back(), working=every_second(2, 2, 4, 7, 2)),
        replace(there_and_back(), working=every_second(2, 2, 4, 8, 3)),
        replace(there_and_back(), wanted=every_second(2, 4, 4, 8, 8)),
    ],
    ids=["never the most", "one has not left", "none was to leave"],
)
def test_half_the_way_is_not_well(history: History) -> None:
    assert not ended_well(history, ACCOUNTS, RULE)


@pytest.mark.parametrize("accounts", [replace(ACCOUNTS, lost=1), replace(ACCOUNTS, duplicates=1)])
def test_somebody_lost_or_called_twice_is_not_well(accounts: Accounts) -> None:
    assert not ended_well(there_and_back(), accounts, RULE)


def test_every_decision_is_shown_with_its_lag() -> None:
    """Every decision is shown with the lag that the autoscaler knew."""
    assert list(changes(there_and_back())) == [
        (1.0, 20_000, 2, 4),
        (3.0, 48_000, 4, 8),
        (4.0, 0, 8, 2),
    ]


def test_the_rate_of_all_senders_leaves_out_the_end_of_the_burst() -> None:
    history = History(
        working=every_second(2, 8, 8, 8, 8), outcomes=every_second(0, 100, 500, 900, 1_000)
    )
    assert rate_with_all(history, most=8, first=0, last=900) == pytest.approx(400.0)
    assert rate_with_all(history, most=9, first=0, last=900) is None


@pytest.mark.parametrize(
    ("hasten", "said"), [(5.0, "5 times as fast as in the manifest"), (1.0, "as in the manifest")]
)
def test_the_picture_says_how_fast_its_clock_ran(hasten: float, said: str) -> None:
    assert f"clock runs {said}" in draw(there_and_back(), RULE, hasten).decode()
