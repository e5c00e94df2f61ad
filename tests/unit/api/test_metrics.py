"""The labels of the API's metrics take few values, whatever clients send."""

from flask import Flask
from prometheus_client import CollectorRegistry, generate_latest

from campaign_api.metrics import ImportMetrics, RequestMetrics
from campaign_api.web.telemetry import access_log, request_metrics
from campaign_common.store.recipients.recipient_lists import ImportTotals
from tests.support.scraping import Scrape


def asked(*requests: tuple[str, str]) -> Scrape:
    registry = CollectorRegistry()
    app = Flask("test")
    access_log.register(app)
    request_metrics.register(app, RequestMetrics(registry))
    app.add_url_rule("/people/<phone>", view_func=lambda phone: phone, endpoint="people")
    client = app.test_client()
    for method, path in requests:
        client.open(path, method=method)
    return Scrape(generate_latest(registry).decode())


def test_a_route_counts_by_its_template() -> None:
    scrape = asked(("GET", "/people/491512345678"), ("GET", "/people/491512345679"))
    people = {"method": "GET", "route": "/people/<phone>"}
    assert scrape.value("campaign_http_requests_total", {**people, "status": "2xx"}) == 2
    assert scrape.value("campaign_http_request_duration_seconds_count", people) == 2


def test_paths_and_methods_that_clients_make_up_make_no_series() -> None:
    scrape = asked(("GET", "/wp-admin"), ("GET", "/.env"), ("BREW", "/people/1"), ("BREW", "/tea"))
    assert scrape.label_values("route") == {"none"}
    assert scrape.label_values("method") == {"GET", "other"}
    assert scrape.label_values("status") == {"4xx"}


def test_imports_count_while_they_run_and_as_what_they_became() -> None:
    registry = CollectorRegistry()
    metrics = ImportMetrics(registry)
    with metrics.running():
        during = Scrape(generate_latest(registry).decode())
    metrics.made(ImportTotals(accepted=5, duplicates=2, rejected=1), seconds=2.5)
    try:
        with metrics.running():
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    after = Scrape(generate_latest(registry).decode())
    assert during.value("campaign_imports_running") == 1
    assert after.value("campaign_imports_running") == 0
    assert after.value("campaign_imports_failed_total") == 1
    assert after.value("campaign_import_duration_seconds_sum") == 2.5
    rows = {
        result: after.value("campaign_import_rows_total", {"result": result})
        for result in ("accepted", "duplicate", "rejected")
    }
    assert rows == {"accepted": 5, "duplicate": 2, "rejected": 1}
