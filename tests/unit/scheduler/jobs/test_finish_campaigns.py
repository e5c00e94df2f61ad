"""When a campaign is over: every message has its final outcome, and nobody asked for more."""

from hypothesis import given
from hypothesis import strategies as st

from campaign_common.domain.message import FINAL, Status
from campaign_scheduler.jobs.finish_campaigns import is_complete

COUNTS = st.dictionaries(
    st.sampled_from([status for status in Status if status is not Status.NOT_STARTED]),
    st.integers(0, 1_000),
)


@given(counts=COUNTS)
def test_a_campaign_is_over_when_final_outcomes_are_the_total(counts: dict[Status, int]) -> None:
    """A campaign is over when its final outcomes make up the total."""
    final = sum(counts.get(status, 0) for status in FINAL)
    assert is_complete(final, counts, has_open_command=False)


@given(counts=COUNTS, waiting=st.integers(1, 1_000))
def test_messages_that_wait_for_a_retry_keep_it_running(
    counts: dict[Status, int], waiting: int
) -> None:
    counts[Status.WAITING] = waiting
    assert not is_complete(sum(counts.values()), counts, has_open_command=False)


def test_an_open_request_keeps_it_running() -> None:
    assert not is_complete(10, {Status.SENT: 10}, has_open_command=True)


def test_more_outcomes_than_recipients_is_not_an_end() -> None:
    assert not is_complete(10, {Status.SENT: 11}, has_open_command=False)
