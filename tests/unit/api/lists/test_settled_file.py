"""A file that somebody still writes to is not imported up to its last half line."""

import os
from pathlib import Path

import pytest

from campaign_api.errors import CsvRefused
from campaign_api.lists import settled_file
from campaign_api.lists.settled_file import CHANGED, STILL_WRITTEN, SettledFile, is_open_for_writing

ROW = b"Ada,447700900111\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_bytes(ROW * 3)
    return path


def read_all(file: SettledFile, size: int = 1_000) -> bytes:
    return b"".join(iter(lambda: file.read(size), b""))


def no_wait(seconds: float) -> None:
    raise AssertionError(f"waited for {seconds} s")


@pytest.mark.parametrize("content", [b"", ROW, ROW * 3, ROW + ROW.strip()])
def test_file_at_rest_is_read_whole(path: Path, content: bytes) -> None:
    """Nothing is held against a file that has been closed, with or without a last line end."""
    path.write_bytes(content)
    with path.open("rb", buffering=0) as file:
        assert read_all(SettledFile(file, no_wait)) == content


def test_file_that_grows_while_it_is_read_is_refused(path: Path) -> None:
    """Rows that are appended behind the reader's back are noticed at the end."""
    with path.open("rb", buffering=0) as file:
        settled = SettledFile(file, no_wait)
        settled.read(10)
        with path.open("ab") as writer:
            writer.write(ROW[:9])
        with pytest.raises(CsvRefused, match=CHANGED):
            read_all(settled)


def test_file_that_is_rewritten_while_it_is_read_is_refused(path: Path) -> None:
    """Another content of the same size is another file, too."""
    with path.open("rb", buffering=0) as file:
        settled = SettledFile(file, no_wait)
        settled.read(10)
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
        with pytest.raises(CsvRefused, match=CHANGED):
            read_all(settled)


def test_file_that_shrinks_while_it_is_read_is_refused(path: Path) -> None:
    """A file that is written anew over the old one is shorter for a moment."""
    with path.open("rb", buffering=0) as file:
        settled = SettledFile(file, no_wait)
        settled.read(len(ROW))
        os.truncate(path, len(ROW))
        with pytest.raises(CsvRefused, match=CHANGED):
            read_all(settled)


def test_file_that_is_open_for_writing_is_refused(path: Path) -> None:
    """The system tells of a writer that rests between two lines, or in the middle of one."""
    with path.open("rb", buffering=0) as file, path.open("ab"):
        if not is_open_for_writing(file.fileno()):
            pytest.skip("this system does not tell who has a file open for writing")
        with pytest.raises(CsvRefused, match=STILL_WRITTEN):
            SettledFile(file)
    with path.open("rb", buffering=0) as file:
        settled = SettledFile(file)
        with path.open("ab"), pytest.raises(CsvRefused, match=STILL_WRITTEN):
            read_all(settled)


def test_no_lease_says_nothing_on_a_file_system_of_others(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over NFS a lease is refused although nobody writes, so that refusal means nothing."""
    device = path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts.write_text(f"31 1 {number} / / rw - nfs4 server:/lists rw\n")
    monkeypatch.setattr(settled_file, "MOUNTS", mounts)
    with path.open("rb", buffering=0) as file, path.open("ab"):
        assert is_open_for_writing(file.fileno()) is None
        assert read_all(SettledFile(file, no_wait)) == ROW * 3


def unknown(descriptor: int) -> None:
    """Answer as a system does that does not tell of writers."""
    assert descriptor


def test_half_a_line_is_given_time_where_nobody_tells(path: Path) -> None:
    """Without a last line end and just changed, the file must rest for a second."""
    path.write_bytes(ROW + ROW[:9])
    waited: list[float] = []

    def write_on(seconds: float) -> None:
        waited.append(seconds)
        with path.open("ab") as writer:
            writer.write(ROW[9:])

    with path.open("rb", buffering=0) as file:
        settled = SettledFile(file, write_on, unknown)
        with pytest.raises(CsvRefused, match=CHANGED):
            read_all(settled)
    assert 0 < waited[0] <= 1.0


def test_whole_line_is_given_no_time(path: Path) -> None:
    """A line end, or a second of rest, is enough where nobody tells of writers."""
    with path.open("rb", buffering=0) as file:
        assert read_all(SettledFile(file, no_wait, unknown)) == ROW * 3
    path.write_bytes(ROW.strip())
    os.utime(path, (0, 0))
    waited: list[float] = []
    with path.open("rb", buffering=0) as file:
        assert read_all(SettledFile(file, waited.append, unknown)) == ROW.strip()
    assert waited == [0.0]
