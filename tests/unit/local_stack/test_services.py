"""Keys of the local stack: made only where the API cannot tell its own user's programs."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from local_stack import services
from local_stack.configuration import Addresses
from local_stack.services import ServiceOptions, Services

TOKEN = "4f1c2a7be09d6633.JkT0"


@pytest.fixture
def stack(tmp_path: Path) -> Services:
    return Services(
        Addresses(tmp_path, "root:x@tcp(h)/camp", "h:2"), ServiceOptions(1, 0, tmp_path)
    )


@pytest.mark.parametrize(
    ("status", "keys", "expected"),
    [(200, "", None), (503, "", None), (401, "", TOKEN), (401, "4f1c  admin  night shift\n", None)],
    ids=["let in", "away", "no key", "keys of the user's own"],
)
def test_a_key_is_made_where_one_is_needed(
    stack: Services,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    keys: str,
    expected: str | None,
) -> None:
    asked = []

    def run(_: Services, *command: str) -> str:
        asked.append(command[1:3])
        return keys if command[2] == "list" else f"{TOKEN}\n"

    monkeypatch.setattr(
        services.requests, "get", lambda *_, **__: SimpleNamespace(status_code=status)
    )
    monkeypatch.setattr(Services, "_run", run)
    for _ in range(2):  # and is kept for the next run
        stack.key_file = stack._key_where_needed()
        bearer = {} if expected is None else {"Authorization": f"Bearer {expected}"}
        assert stack.headers == bearer
    assert asked.count(("key", "create")) == (expected is not None)
    if stack.key_file is not None:
        assert stack.key_file.stat().st_mode & 0o777 == 0o600
