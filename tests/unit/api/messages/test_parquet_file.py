"""A Parquet file leaves in row groups; what waits for the next one is bounded."""

import io
from collections.abc import Mapping
from typing import Any

import pytest
from pyarrow import parquet

from campaign_api.messages import parquet_file
from campaign_api.messages.message_export import COLUMNS
from campaign_api.messages.parquet_file import ParquetFile

GROUP_ROWS, AT_ONCE = 2_000, 500


def message(seq: int) -> Mapping[str, Any]:
    at = "2026-12-01T09:30:00.123Z"
    receipt = {"rank": "delivered", "code": None, "at": at} if seq % 2 else None
    return {
        **dict.fromkeys(COLUMNS),
        "seq": seq,
        "phone": str(4917600000000 + seq),
        "status": "sent",
        "attempts": 1,
        "at": at,
        "receipt": receipt,
    }


def test_row_groups_leave_as_they_are_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of any length holds the messages of one row group, and those that were just added."""
    monkeypatch.setattr(parquet_file, "GROUP_ROWS", GROUP_ROWS)
    file, last = ParquetFile(), 3 * GROUP_ROWS + AT_ONCE
    added = [[message(seq) for seq in range(n, n + AT_ONCE)] for n in range(1, last + 1, AT_ONCE)]
    pieces = [file.begin(), *(file.add(messages) for messages in added)]
    sizes = [len(piece) for piece in pieces]
    written = [number for number, size in enumerate(sizes) if size > 0]
    assert written == [GROUP_ROWS // AT_ONCE * group for group in (0, 1, 2, 3)]
    pieces.append(file.end())
    stored = parquet.ParquetFile(io.BytesIO(b"".join(pieces)))
    groups = range(stored.metadata.num_row_groups)
    counted = [stored.metadata.row_group(group).num_rows for group in groups]
    assert counted == [GROUP_ROWS, GROUP_ROWS, GROUP_ROWS, AT_ONCE]
    assert stored.schema_arrow.names == list(COLUMNS)
    assert str(stored.schema_arrow.field("at").type) == "timestamp[ms, tz=UTC]"
    table = stored.read()
    assert table["seq"].to_pylist() == list(range(1, last + 1))
    assert table["receipt"].null_count == last // 2
    assert len({str(at) for at in table["receipt_at"].to_pylist()}) == 2
