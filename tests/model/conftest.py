import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def states_hold_no_cycles() -> Iterator[None]:
    """Spare the garbage collector hundreds of thousands of states: none refers to itself."""
    gc.disable()
    yield
    gc.enable()
