import threading

import pytest

from campaign_api.errors import TooManyRequests
from campaign_api.lists.importer.slots import SMALL, ImportSlots

LARGE = SMALL + 1


@pytest.mark.parametrize(("most", "uploads"), [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6)])
def test_uploads_get_three_quarters(most: int, uploads: int) -> None:
    slots = ImportSlots(most, patience=0.01)
    held = [slots.upload() for _ in range(uploads)]
    for each in held:
        each.__enter__()
    with pytest.raises(TooManyRequests, match=f"MaxImports \\({most}\\)"), slots.upload():
        pass
    files = [slots.file(LARGE) for _ in range(most - uploads)]
    for each in files:
        each.__enter__()
    with pytest.raises(TooManyRequests), slots.file(LARGE):
        pass
    held[0].__exit__(None, None, None)
    with slots.upload():
        pass


def test_a_file_waits_for_a_slot_that_is_soon_free() -> None:
    slots = ImportSlots(1, patience=10.0)
    held = slots.upload()
    held.__enter__()
    soon = threading.Timer(0.05, lambda: held.__exit__(None, None, None))
    soon.start()
    with slots.file(LARGE):
        soon.join()


def test_files_take_the_room_of_uploads_too() -> None:
    slots = ImportSlots(1)
    with slots.file(LARGE), pytest.raises(TooManyRequests), slots.upload():
        pass
    # What was not given is not kept either.
    with slots.upload():
        pass


def test_room_is_given_back_after_a_failure() -> None:
    slots = ImportSlots(1)
    with pytest.raises(ValueError, match="x"), slots.upload():
        raise ValueError("x")
    with slots.file(LARGE):
        pass


def test_a_small_file_takes_no_slot() -> None:
    slots = ImportSlots(1)
    with slots.upload(), slots.file(SMALL):
        pass
