import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import structlog
from structlog.testing import capture_logs

from campaign_common.runtime.logs import (
    configure_logging,
    log_uncaught_errors,
    mask_phone,
    mask_text,
)
from campaign_common.settings import LogSettings

PHONE = "13961467500"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = hooks
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def logger() -> structlog.stdlib.BoundLogger:
    bound: structlog.stdlib.BoundLogger = structlog.get_logger("test")
    return bound


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_line_says_when_how_grave_who_and_what() -> None:
    out = io.StringIO()
    configure_logging("sender", LogSettings(format="json"), out)
    logger().info("batch_recorded", messages=4000)
    (line,) = lines(out)
    assert list(line)[:4] == ["ts", "level", "service", "event"]
    assert (line["level"], line["service"]) == ("info", "sender")
    assert (line["event"], line["messages"]) == ("batch_recorded", 4000)
    assert datetime.fromisoformat(str(line["ts"])).utcoffset() == timedelta()


def test_libraries_log_the_same_way() -> None:
    out = io.StringIO()
    configure_logging("api", LogSettings(format="json"), out)
    logging.getLogger("gunicorn.error").warning("worker %d for %s", 7, PHONE)
    (line,) = lines(out)
    assert (line["service"], line["level"]) == ("api", "warning")
    assert line["event"] == "worker 7 for *********00"


def test_the_level_is_kept() -> None:
    out = io.StringIO()
    configure_logging("api", LogSettings(format="json", level="warning"), out)
    logger().info("unseen")
    logging.getLogger("library").info("unseen")
    logger().warning("seen")
    assert [line["event"] for line in lines(out)] == ["seen"]


def test_text_is_for_people() -> None:
    out = io.StringIO()
    configure_logging("api", LogSettings(format="text"), out)
    logger().info("started", port=10001)
    assert "started" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_auto_is_json_where_nobody_watches() -> None:
    out = io.StringIO()
    configure_logging("api", LogSettings(), out)
    logger().info("started")
    assert lines(out)


@pytest.mark.parametrize("style", ["json", "text"])
def test_no_phone_number_and_no_password_gets_through(style: str) -> None:
    out = io.StringIO()
    configure_logging("api", LogSettings(format="json" if style == "json" else "text"), out)
    try:
        int(f"Duplicate entry '{PHONE}-5' at root:hidden@tcp(db)/camp")
    except ValueError as error:
        logger().exception(
            f"failed for +{PHONE}",
            phone=int(PHONE),
            row={"phone": PHONE, "others": [PHONE]},
            error=error,
            path=("x", PHONE),
        )
    assert PHONE[:-2] not in out.getvalue()
    assert "hidden" not in out.getvalue()
    assert "Traceback" in out.getvalue()


def test_numbers_that_are_no_phones_stay() -> None:
    out = io.StringIO()
    configure_logging("api", LogSettings(format="json"), out)
    logger().info("started", campaign_id=1000000000, host="10.20.30.40", share=0.25)
    (line,) = lines(out)
    assert (line["campaign_id"], line["host"], line["share"]) == (1000000000, "10.20.30.40", 0.25)


def test_a_masked_phone_keeps_two_digits() -> None:
    assert mask_phone(PHONE) == "*********00"
    assert mask_text(f"to {PHONE}, 123456 rows") == "to *********00, 123456 rows"


def test_what_ends_a_thread_is_a_line_and_no_raw_trace(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    configure_logging("sender", LogSettings(format="json"), out)
    log_uncaught_errors()

    def fail() -> None:
        raise ValueError(f"of {PHONE}")

    thread = threading.Thread(target=fail, name="heartbeat")
    thread.start()
    thread.join()
    (line,) = lines(out)
    assert (line["level"], line["service"]) == ("critical", "sender")
    assert line["event"] == "uncaught error in thread"
    assert line["thread"] == "heartbeat"
    assert "ValueError: of *********00" in str(line["exception"])
    assert capsys.readouterr() == ("", "")


def test_what_ends_the_process_is_a_line_and_no_raw_trace() -> None:
    out = io.StringIO()
    configure_logging("sender", LogSettings(format="json"), out)
    log_uncaught_errors()
    error = ValueError("bug")
    sys.excepthook(ValueError, error, None)
    (line,) = lines(out)
    assert (line["level"], line["event"]) == ("critical", "uncaught error in process")
    assert "ValueError: bug" in str(line["exception"])


def test_a_logger_used_before_is_seen_by_captures() -> None:
    """The tests' own configuration: in which order tests run must not matter."""
    configure_logging("api", LogSettings(format="json"), io.StringIO())
    used_before = logger()
    used_before.info("first")
    configure_logging("sender", LogSettings(format="json"), io.StringIO())
    with capture_logs() as entries:
        used_before.bind(provider="gateway").info("second")
    assert [entry["event"] for entry in entries] == ["second"]
