"""An outage is logged when it begins, when it changes and when it ends, and never between."""

from structlog.testing import capture_logs

from campaign_common.errors import DatabaseUnavailable, KafkaUnavailable
from campaign_common.runtime.outage_log import Backoff, OutageLog


def failing(error: Exception) -> None:
    raise error


def test_an_outage_is_logged_once_and_so_is_its_end() -> None:
    outages = OutageLog()
    with capture_logs() as lines:
        for _ in range(5):
            assert not outages.run("x", lambda: failing(DatabaseUnavailable("gone")))
        for _ in range(5):
            assert outages.run("x", lambda: None)
    assert [line["event"] for line in lines] == ["waiting", "going on"]


def test_a_different_trouble_is_logged_again() -> None:
    outages = OutageLog()
    with capture_logs() as lines:
        outages.run("x", lambda: failing(DatabaseUnavailable("gone")))
        outages.run("x", lambda: failing(KafkaUnavailable("gone")))
    assert [line["trouble"] for line in lines] == ["DatabaseUnavailable", "KafkaUnavailable"]


def test_an_unexpected_error_is_logged_and_survived() -> None:
    """An unexpected error is logged with its stack trace and survived."""
    outages = OutageLog()
    with capture_logs() as lines:
        for _ in range(3):
            assert not outages.run("x", lambda: failing(ValueError("bug")))
    assert [(line["event"], line["exc_info"]) for line in lines] == [("unexpected failure", True)]


def test_waits_double_to_a_bound_and_begin_anew_after_a_success() -> None:
    waits: list[float] = []
    backoff = Backoff(waits.append, first=1.0, longest=5.0)
    for _ in range(4):
        backoff.pause()
    backoff.succeeded()
    backoff.pause()
    assert waits == [1.0, 2.0, 4.0, 5.0, 1.0]


def test_it_remembers_when_a_part_last_succeeded() -> None:
    outages = OutageLog()
    outages.run("x", lambda: failing(DatabaseUnavailable("gone")))
    assert "x" not in outages.succeeded_at
    outages.run("x", lambda: None)
    succeeded_at = outages.succeeded_at["x"]
    outages.run("x", lambda: failing(DatabaseUnavailable("gone")))
    assert outages.succeeded_at == {"x": succeeded_at}
