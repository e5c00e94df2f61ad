"""Transactions that are committed, and whose client is not told so."""

from typing import Any

import pytest

from campaign_common.database import Database
from campaign_common.errors import CommitUnknown


def lose_first_commit(pool: Database, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Lose the answer to the next commit of `run`; return a list that is given its result."""
    run, lost = pool.run, list[Any]()

    def lose_the_first(work: Any, **options: Any) -> Any:  # noqa: ANN401 - the pool's own
        result = run(work, **options)
        if not lost:
            lost.append(result)
            raise CommitUnknown("no clear answer to COMMIT")
        return result

    monkeypatch.setattr(pool, "run", lose_the_first)
    return lost
