import pytest

from tests.unit.sender.limiting.tables import Tables


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Tables:
    return Tables.patched(monkeypatch)
