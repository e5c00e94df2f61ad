import threading
from dataclasses import dataclass
from typing import cast

import pytest
from confluent_kafka import Consumer

from campaign_sender.desk import Desk
from campaign_sender.intake import Intake
from campaign_sender.loop import Loop, ThreadDied
from campaign_sender.ownership import Ownership

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

    def hold_back(self) -> None:
        pass

    def commit_offsets(self) -> None:
        pass

    def pause_all(self) -> None:
        self.is_paused = True


class FullDesk:
    def wait_for_room(self, _: float) -> bool:
        return False


@dataclass
class Thread:
    alive: bool


def loop_of(group: Group, beats: list[str], *threads: Thread) -> Loop:
    return Loop(
        cast("Consumer", group),
        cast("Ownership", group),
        cast("Intake", None),
        cast("Desk", FullDesk()),
        threads,
        lambda: beats.append("beat"),
        threading.Event(),
        batch_size=BATCH,
    )


def test_nothing_goes_on_without_a_thread_that_sending_rests_on() -> None:
    beats: list[str] = []
    loop = loop_of(Group(), beats, Thread(alive=True), Thread(alive=False))
    with pytest.raises(ThreadDied):
        loop._run_once()
    assert beats == []


def test_a_partition_taken_over_while_there_is_no_room_does_not_pile_up() -> None:
    group, beats = Group(), list[str]()
    loop = loop_of(group, beats, Thread(alive=True))
    loop._run_once()
    assert group.delivered == 0
    group.is_paused = False  # as a take-over leaves its partition
    for _ in range(5):
        loop._run_once()
    assert group.delivered == BATCH
    assert len(beats) == 6
