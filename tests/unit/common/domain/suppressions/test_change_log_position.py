"""A reader of rows whose ids are not given in the order of commits."""

from hypothesis import given
from hypothesis import strategies as st

from campaign_common.domain.suppressions.change_log_position import (
    ChangeLogPosition,
    LoggedRow,
    longest_transaction,
)

LONGEST = 10


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, LONGEST - 1), st.booleans()), max_size=30
    ),
    st.lists(st.integers(0, 80), min_size=1, max_size=40),
)
def test_every_commit_is_seen_once(
    transactions: list[tuple[int, int, bool]], looks: list[int]
) -> None:
    """Whatever commits within the longest transaction is returned by exactly one look."""
    begun = sorted(transactions)  # an id follows from the beginning
    position = ChangeLogPosition(0, LONGEST)
    seen: list[int] = []
    for now in [*sorted(looks), 81]:
        rows = [
            LoggedRow(id_, now - at)
            for id_, (at, lasts, commits) in enumerate(begun, start=1)
            if commits and at + lasts <= now and id_ > position.settled
        ]
        seen += position.unseen(rows)
        position.note(rows)
    committed = [id_ for id_, (_, _, commits) in enumerate(begun, start=1) if commits]
    assert sorted(seen) == committed


def test_ids_that_follow_each_other_are_settled_at_once() -> None:
    position = ChangeLogPosition(7, LONGEST)
    position.note([LoggedRow(8, 0.1), LoggedRow(9, 0.1), LoggedRow(11, 0.1)])
    assert (position.settled, position.latest) == (9, 11)


def test_a_gap_is_passed_when_it_is_old() -> None:
    position = ChangeLogPosition(0, LONGEST)
    position.note([LoggedRow(2, LONGEST - 1)])
    assert position.settled == 0
    position.note([LoggedRow(2, LONGEST)])
    assert position.settled == 2


def test_a_suspended_writer_counts_until_its_session_ends() -> None:
    assert longest_transaction(5.0) > 5.0 + 5.0 + 1.0
