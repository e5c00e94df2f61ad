from campaign_sender.ownership.blocked_partitions import NewerRecords


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_partition_waits_at_the_first_record_of_a_newer_version() -> None:
    newer = NewerRecords(Clock(), patience=60)
    assert newer.wait_at(3, offset=10, version=2)
    assert newer.wait_at(3, offset=12, version=2)
    assert set(newer.partitions) == {3}
    assert not newer.holds(3, 9)
    assert not newer.holds(3, 10)
    assert newer.holds(3, 11)
    assert not newer.holds(4, 11)


def test_a_wait_ends_after_its_time_and_with_it_those_of_the_version() -> None:
    clock = Clock()
    newer = NewerRecords(clock, patience=60)
    newer.wait_at(3, offset=10, version=2)
    clock.now = 30
    newer.wait_at(4, offset=20, version=2)
    newer.wait_at(5, offset=30, version=3)
    assert newer.give_up() == {}
    clock.now = 60
    assert newer.give_up() == {3: 10}
    assert not newer.wait_at(3, offset=10, version=2), "it is read again, and not waited for again"
    assert set(newer.partitions) == {4, 5}
    clock.now = 90
    assert newer.give_up() == {4: 20, 5: 30}


def test_a_partition_that_another_sender_takes_is_forgotten() -> None:
    newer = NewerRecords(Clock(), patience=60)
    newer.wait_at(3, offset=10, version=2)
    newer.forget([3, 4])
    assert not newer.partitions
    assert newer.wait_at(3, offset=50, version=2)
    assert newer.holds(3, 51)
