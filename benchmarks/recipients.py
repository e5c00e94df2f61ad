"""Recipient files of any size, no phone twice."""

from pathlib import Path

FIRST_PHONE = 13_900_000_000
PIECE = 100_000


def write_recipients(file: Path, rows: int, first: int = 0) -> Path:
    """Write rows such as ``user1,13900000001``, piece by piece."""
    with file.open("w", encoding="utf-8", newline="") as out:
        for start in range(first, first + rows, PIECE):
            stop = min(start + PIECE, first + rows)
            out.writelines(f"user{n},{FIRST_PHONE + n}\n" for n in range(start, stop))
    return file
