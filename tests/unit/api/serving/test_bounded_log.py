from structlog.testing import capture_logs

from campaign_api.serving.responses.bounded_log import BoundedLog


def test_a_flood_of_events_is_counted_and_not_logged() -> None:
    now = 100.0
    bounded = BoundedLog(most=3, clock=lambda: now)
    with capture_logs() as logged:
        for status in range(10):
            bounded.warning("rejected", status=status)
        now = 101.0
        bounded.warning("rejected", status=11)
        bounded.warning("rejected", status=12)
    assert [(line["status"], line.get("omitted")) for line in logged] == [
        (0, None),
        (1, None),
        (2, None),
        (11, 7),
        (12, None),
    ]
