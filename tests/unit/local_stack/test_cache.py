import multiprocessing
import time
from pathlib import Path

import pytest

from local_stack.distributions.cache import Cache


def test_failed_download_is_never_taken_for_a_finished_one(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def interrupted(part: Path) -> None:
        (part / "half").touch()
        raise ConnectionError

    with pytest.raises(ConnectionError):
        cache.provide("server", interrupted)
    assert not (tmp_path / "server").exists()
    assert list(cache.provide("server", lambda part: (part / "whole").touch()).iterdir()) == [
        tmp_path / "server" / "whole"
    ]


def test_second_time_fetches_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.provide("server", lambda part: (part / "program").touch())

    def unexpected(part: Path) -> None:
        pytest.fail(f"fetched again into {part}")

    cache.provide("server", unexpected)


def test_leftover_of_a_killed_download_is_removed(tmp_path: Path) -> None:
    abandoned = tmp_path / ".server.abc.part"
    abandoned.mkdir()
    Cache(tmp_path).provide("server", lambda _: None)
    assert not abandoned.exists()


def test_two_processes_fetch_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    racers = [context.Process(target=_provide, args=(tmp_path,)) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [racer.exitcode for racer in racers] == [0, 0]
    assert (tmp_path / "fetches").read_text() == "x"


def test_folder_is_taken_from_the_environment(tmp_path: Path) -> None:
    assert Cache.from_environment({"CAMP_CACHE": str(tmp_path)}).folder == tmp_path
    assert Cache.from_environment({}).folder.parts[-2:] == (".local", "cache")


def _provide(folder: Path) -> None:
    def fetch(_part: Path) -> None:
        with (folder / "fetches").open("a") as fetches:
            fetches.write("x")
        time.sleep(0.5)  # long enough for the other process to want the same

    Cache(folder).provide("server", fetch)
