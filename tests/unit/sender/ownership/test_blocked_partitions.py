from campaign_sender.ownership.blocked_partitions import BlockedPartitions


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_partition_waits_at_the_first_newer_record() -> None:
    """A partition waits at the first record of a newer version."""
    blocked = BlockedPartitions(Clock(), timeout=60)
    assert blocked.block_at(3, offset=10, version=2)
    assert blocked.block_at(3, offset=12, version=2)
    assert set(blocked.partitions) == {3}
    assert not blocked.blocks(3, 9)
    assert not blocked.blocks(3, 10)
    assert blocked.blocks(3, 11)
    assert not blocked.blocks(4, 11)


def test_the_end_of_a_wait_ends_all_of_its_version() -> None:
    """A wait ends after its time and with it those of the version."""
    clock = Clock()
    blocked = BlockedPartitions(clock, timeout=60)
    blocked.block_at(3, offset=10, version=2)
    clock.now = 30
    blocked.block_at(4, offset=20, version=2)
    blocked.block_at(5, offset=30, version=3)
    assert blocked.expire() == {}
    clock.now = 60
    assert blocked.expire() == {3: 10}
    assert not blocked.block_at(3, offset=10, version=2), (
        "it is read again, and not waited for again"
    )
    assert set(blocked.partitions) == {4, 5}
    clock.now = 90
    assert blocked.expire() == {4: 20, 5: 30}


def test_a_partition_that_another_sender_takes_is_forgotten() -> None:
    blocked = BlockedPartitions(Clock(), timeout=60)
    blocked.block_at(3, offset=10, version=2)
    blocked.unblock([3, 4])
    assert not blocked.partitions
    assert blocked.block_at(3, offset=50, version=2)
    assert blocked.blocks(3, 51)
