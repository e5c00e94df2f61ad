import threading
from typing import cast

from confluent_kafka import Consumer

from campaign_sender.desk import Desk
from campaign_sender.intake import Intake
from campaign_sender.loop import Loop
from campaign_sender.ownership import Ownership
from campaign_sender.recorder import Recorder

BATCH = 10


class Record:
    def error(self) -> None:
        return None

    def partition(self) -> int:
        return 0


class Group:
    """A consumer and the ownership of its partitions; what is not paused delivers for ever."""

    def __init__(self) -> None:
        self.is_paused = False
        self.delivered = 0

    def consume(self, number: int, _: float) -> list[Record]:
        if self.is_paused:
            return []
        self.delivered += number
        return [Record()] * number

    def follow(self) -> set[int]:
        return set()

    def commit_offsets(self) -> None:
        pass

    def pause_all(self) -> None:
        self.is_paused = True


class FullDesk:
    def wait_for_room(self, _: float) -> bool:
        return False


class Alive:
    alive = True


def test_a_partition_taken_over_while_there_is_no_room_does_not_pile_up() -> None:
    group, beats = Group(), []
    loop = Loop(
        cast("Consumer", group),
        cast("Ownership", group),
        cast("Intake", None),
        cast("Desk", FullDesk()),
        cast("Recorder", Alive()),
        lambda: beats.append("beat"),
        threading.Event(),
        batch_size=BATCH,
    )
    loop._run_once()
    assert group.delivered == 0
    group.is_paused = False  # as a take-over leaves its partition
    for _ in range(5):
        loop._run_once()
    assert group.delivered == BATCH
    assert len(beats) == 6
