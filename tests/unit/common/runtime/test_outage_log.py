"""An outage is logged when it begins, when it changes and when it ends, and never between."""

from structlog.testing import capture_logs

from campaign_common.errors import DatabaseUnavailable, KafkaUnavailable
from campaign_common.runtime.outage_log import Outage, OutageLog


def failing(error: Exception) -> None:
    raise error


def test_an_outage_is_logged_once_and_so_is_its_end() -> None:
    outages = OutageLog()
    with capture_logs() as lines:
        for _ in range(5):
            assert not outages.run("x", lambda: failing(DatabaseUnavailable("gone")))
        for _ in range(5):
            assert outages.run("x", lambda: None)
    assert [line["event"] for line in lines] == ["dependency unavailable", "dependency recovered"]


def test_a_different_trouble_is_logged_again() -> None:
    outages = OutageLog()
    with capture_logs() as lines:
        outages.run("x", lambda: failing(DatabaseUnavailable("gone")))
        outages.run("x", lambda: failing(KafkaUnavailable("gone")))
    assert [line["kind"] for line in lines] == ["DatabaseUnavailable", "KafkaUnavailable"]


def test_an_unexpected_error_is_logged_and_survived() -> None:
    """An unexpected error is logged with its stack trace and survived."""
    outages = OutageLog()
    with capture_logs() as lines:
        for _ in range(3):
            assert not outages.run("x", lambda: failing(ValueError("bug")))
    assert [(line["event"], line["exc_info"]) for line in lines] == [("unexpected failure", True)]


def test_one_thing_logs_new_errors_and_its_return() -> None:
    outage = Outage("reading waits", "reading goes on")
    with capture_logs() as lines:
        outage.recovered()
        for error in ("refused 1", "refused 2", "gone"):
            outage.failed(error)
        outage.recovered()
        outage.recovered()
    assert [(line["event"], line.get("error")) for line in lines] == [
        ("reading waits", "refused 1"),
        ("reading waits", "gone"),
        ("reading goes on", None),
    ]


def test_it_remembers_when_a_part_last_succeeded() -> None:
    outages = OutageLog()
    outages.run("x", lambda: failing(DatabaseUnavailable("gone")))
    assert "x" not in outages.succeeded_at
    outages.run("x", lambda: None)
    succeeded_at = outages.succeeded_at["x"]
    outages.run("x", lambda: failing(DatabaseUnavailable("gone")))
    assert outages.succeeded_at == {"x": succeeded_at}
