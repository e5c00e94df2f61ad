import os
import socket
from pathlib import Path

import pytest

from campaign_api.errors import PathRefused
from campaign_api.lists import csv_root
from campaign_api.lists.csv_root import open_below


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "below").mkdir(parents=True)
    (root / "a.csv").write_text("inside")
    (root / "below" / "b.csv").write_text("inside")
    (tmp_path / "secret.csv").write_text("secret")
    (tmp_path / "root-twin").mkdir()
    (tmp_path / "root-twin" / "secret.csv").write_text("secret")
    return root


@pytest.mark.parametrize("path", ["a.csv", "below/b.csv", "./a.csv", "below//b.csv"])
def test_files_below_the_root_are_opened(root: Path, path: str) -> None:
    with open_below(root, path) as file:
        assert file.read(100) == b"inside"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.csv",
        "below/../../secret.csv",
        "below/../a.csv",
        "/etc/passwd",
        "../root-twin/secret.csv",
        "",
        ".",
        "below",
        "missing.csv",
        "a.csv/x",
        "a\0.csv",
        "x" * 5000,
        "x" * 300,
        "~/a.csv",
    ],
)
def test_everything_else_is_refused(root: Path, path: str) -> None:
    with pytest.raises(PathRefused, match="csv_file_path"):
        open_below(root, path)


def test_absolute_path_is_refused_even_when_it_leads_inside(root: Path) -> None:
    with pytest.raises(PathRefused):
        open_below(root, str(root / "a.csv"))


def test_symlink_that_leads_outside_is_refused(root: Path) -> None:
    (root / "link.csv").symlink_to("../secret.csv")
    (root / "folder").symlink_to("..")
    for path in ("link.csv", "folder/secret.csv", "folder/root/a.csv/../../secret.csv"):
        with pytest.raises(PathRefused):
            open_below(root, path)


def test_symlink_that_stays_inside_is_followed(root: Path) -> None:
    (root / "link.csv").symlink_to("below/b.csv")
    (root / "folder").symlink_to(root / "below")
    for path in ("link.csv", "folder/b.csv"):
        with open_below(root, path) as file:
            assert file.read(100) == b"inside"


def test_root_itself_may_be_a_symlink(root: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to("root")
    open_below(tmp_path / "current", "a.csv").close()


def test_loops_and_dangling_links_are_refused(root: Path) -> None:
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nowhere")
    for path in ("loop", "dangling"):
        with pytest.raises(PathRefused):
            open_below(root, path)


@pytest.mark.timeout(10)
def test_fifos_sockets_and_devices_are_refused_without_waiting(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(root / "fifo")
    monkeypatch.chdir(root)  # a socket's whole path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        for path in ("fifo", "socket"):
            with pytest.raises(PathRefused):
                open_below(root, path)


@pytest.mark.parametrize("swapped", ["a.csv", "below"])
def test_file_swapped_for_a_link_after_the_check_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    resolve = csv_root._resolve

    def resolve_then_swap(folder: Path, relative: str) -> object:
        inside = resolve(folder, relative)
        (root / swapped).rename(root / "moved")
        (root / swapped).symlink_to("../secret.csv" if swapped == "a.csv" else "..")
        return inside

    monkeypatch.setattr(csv_root, "_resolve", resolve_then_swap)
    with pytest.raises(PathRefused):
        open_below(root, "a.csv" if swapped == "a.csv" else "below/b.csv")


def test_nothing_stays_open_after_a_refusal(root: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("counts open files by way of /proc")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(PathRefused):
            open_below(root, "below")
        with pytest.raises(PathRefused):
            open_below(root, "missing.csv")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("name", csv_root.DATABASE_FILES)
def test_nothing_of_a_database_is_opened(root: Path, name: str) -> None:
    """Its redo log would be read as a list, and its lines told as rejects."""
    for folder in (root / "below", root / "below" / "camp", root / "below" / "#redo"):
        folder.mkdir(exist_ok=True)
        (folder / "file.csv").write_text("inside")
    (root / "below" / name).write_text("")
    for path in ("below/b.csv", "below/camp/file.csv", "below/#redo/file.csv", f"below/{name}"):
        with pytest.raises(PathRefused, match="database"):
            open_below(root, path)
    open_below(root, "a.csv").close()


def test_the_services_own_files_are_not_opened(root: Path) -> None:
    """Under any of their names: a hard link and a symbolic one are the same file."""
    os.link(root / "a.csv", root / "hard.csv")
    (root / "soft.csv").symlink_to("a.csv")
    private = (root / "missing.yaml", root / "a.csv")
    for path in ("a.csv", "hard.csv", "soft.csv"):
        with pytest.raises(PathRefused, match="itself"):
            open_below(root, path, private)
    open_below(root, "below/b.csv", private).close()
