from pathlib import Path

from tests.support.importing import turned

FILES = [Path(f"test_{letter}.py") for letter in "abcdefg"]


def test_workers_begin_apart_and_import_everything() -> None:
    orders = [turned(FILES, number, 3) for number in range(3)]
    assert [order[0].stem for order in orders] == ["test_a", "test_c", "test_e"]
    assert all(sorted(order) == FILES for order in orders)


def test_a_worker_alone_keeps_the_order() -> None:
    assert turned(FILES, 0, 1) == FILES
