from hypothesis import given
from hypothesis import strategies as st

from campaign_sender.in_flight.offset_tracker import OffsetTracker


def test_nothing_unfinished_means_recorded_to_the_position() -> None:
    tracker = OffsetTracker()
    tracker.advance_to(40)
    assert tracker.committable == 40


def test_one_unfinished_record_holds_the_offset_back() -> None:
    tracker = OffsetTracker()
    for offset in (10, 11, 12):
        tracker.track([offset])
    tracker.advance_to(13)
    tracker.finish([11])
    tracker.finish([12])
    assert tracker.committable == 10
    tracker.finish([10])
    assert tracker.committable == 13


@given(st.permutations(range(0, 30, 3)))
def test_committable_is_the_lowest_unfinished_offset(order: list[int]) -> None:
    """Committable is the lowest unfinished offset in any order."""
    tracker = OffsetTracker()
    for offset in sorted(order):
        tracker.track([offset])
    tracker.advance_to(30)
    open_offsets = set(order)
    for offset in order:
        tracker.finish([offset])
        open_offsets.remove(offset)
        assert tracker.committable == min(open_offsets, default=30)
