from dataclasses import replace

import pytest

from local_stack.demo.balance import Ledger, ReportedProgress, discrepancies

_WORDS = ("sent", "failed", "suppressed", "expired", "unknown", "cancelled", "waiting")
_FINISHED = ReportedProgress(
    state="finished",
    total=10,
    counts={**dict.fromkeys(_WORDS, 0), "sent": 8, "failed": 1, "expired": 1},
    pending=0,
    rate=5.0,
)
_LEDGER = Ledger(rows={"sent": 8, "failed": 1, "other": 1}, last_row_at=None)


def test_all_accounted_for() -> None:
    assert discrepancies(10, _FINISHED, _LEDGER) == []


@pytest.mark.parametrize(
    ("recipients", "progress", "ledger", "words"),
    [
        (10, replace(_FINISHED, state="cancelled"), _LEDGER, "cancelled, not finished"),
        (11, _FINISHED, _LEDGER, "the file has 11 recipients"),
        (10, replace(_FINISHED, pending=1), _LEDGER, "1 recipients are pending"),
        (10, _FINISHED, Ledger({"sent": 7, "failed": 1, "other": 1}, None), "holds 9 rows"),
        (10, _FINISHED, Ledger({"sent": 9, "failed": 0, "other": 1}, None), "has 9"),
    ],
)
def test_each_way_of_not_adding_up_is_named(
    recipients: int, progress: ReportedProgress, ledger: Ledger, words: str
) -> None:
    assert words in "; ".join(discrepancies(recipients, progress, ledger))


def test_waiting_is_no_outcome() -> None:
    waiting = replace(_FINISHED, counts={**_FINISHED.counts, "waiting": 3}, pending=3)
    assert waiting.ended == 10
