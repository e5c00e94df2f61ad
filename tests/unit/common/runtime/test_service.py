"""The end of a service by a failure: exit code 1, and one line of the log that says why."""

import pytest
from pymysql.err import DataError
from structlog.testing import capture_logs

from campaign_common.errors import DatabaseRefused, UserError
from campaign_common.runtime.service import logged_failures


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (UserError("HealthPort 1: Permission denied"), "HealthPort 1: Permission denied"),
        (DatabaseRefused("Access denied (error 1045)"), "Access denied (error 1045)"),
        (DataError(1406, "Data too long"), "Data too long"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failure_outside_is_one_line(failure: Exception, reason: str) -> None:
    with capture_logs() as lines, pytest.raises(SystemExit) as ended, logged_failures():
        raise failure
    assert ended.value.code == 1
    ((event, level, said),) = [(one["event"], one["log_level"], one["reason"]) for one in lines]
    assert (event, level) == ("service failed", "critical")
    assert reason in said


def test_what_should_not_happen_is_logged_with_its_trace() -> None:
    with capture_logs() as lines, pytest.raises(SystemExit) as ended, logged_failures():
        raise ZeroDivisionError
    assert ended.value.code == 1
    assert [(one["kind"], one["exc_info"]) for one in lines] == [("ZeroDivisionError", True)]


def test_an_orderly_end_says_nothing() -> None:
    with capture_logs() as lines, logged_failures():
        pass
    assert lines == []
