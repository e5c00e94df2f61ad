"""The files that several processes count in, read while one of them is being made."""

import struct
from pathlib import Path

import pytest

from campaign_common.metrics.shared import SharedMetrics

EMPTY_TABLE = bytes(65_536)


def test_a_file_that_is_just_being_made_is_read_when_it_is_there(tmp_path: Path) -> None:
    unfinished = tmp_path / "counter_1.db"
    unfinished.touch()
    pauses: list[float] = []

    def finish_it(seconds: float) -> None:
        pauses.append(seconds)
        unfinished.write_bytes(EMPTY_TABLE)

    assert list(SharedMetrics(tmp_path, finish_it).collect()) == []
    assert len(pauses) == 1


def test_a_file_that_stays_unreadable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "counter_1.db").touch()
    pauses: list[float] = []
    with pytest.raises(struct.error):
        SharedMetrics(tmp_path, pauses.append).collect()
    assert pauses
