"""Headers of every answer, and its line in the log."""

import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.dsn import parse_dsn
from campaign_common.runtime.logs import configure_logging
from campaign_common.settings import (
    ApiSettings,
    LogSettings,
    MysqlSettings,
    SendClientSettings,
    Settings,
    SyncClientSettings,
)

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ZEROES = "0" * 32


@pytest.fixture
def settings() -> Settings:
    """Nothing here gets as far as the database."""
    return Settings(
        mysql=MysqlSettings(dsn=parse_dsn("root@tcp(127.0.0.1:1)/camp")),
        sync_client=SyncClientSettings(brokers=("unused:9092",)),
        send_client=SendClientSettings(brokers=("unused:9092",)),
        auth="none",
    )


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    return create_app(settings, Databases((Database(settings.mysql),))).test_client()


@pytest.fixture
def log() -> io.StringIO:
    stream = io.StringIO()
    configure_logging("api", LogSettings(level="debug", format="json"), stream)
    return stream


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.parametrize("path", ["/healthz", "/v1/nothing", "/openapi.json", "/docs/"])
def test_browsers_are_told_to_do_nothing(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert ("script-src" in policy) == path.startswith("/docs")
    assert (headers.get("Cache-Control") == "no-store") == path.startswith("/v1/")


def test_documentation_page_asks_nobody_else(client: FlaskClient) -> None:
    page = client.get("/docs/").text
    assert "swagger-ui-bundle.js" in page
    assert not re.search(r"https?://(?!localhost/)", page)
    assert client.get("/docs/swagger-ui-bundle.js").status_code == 200


def test_documentation_is_found_without_its_slash(client: FlaskClient) -> None:
    """The documentation is found without its slash under every host name."""
    answer = client.get("/docs", headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.headers["Location"]) == (308, "/docs/")


def test_request_id_goes_in_and_out(client: FlaskClient, log: io.StringIO) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": "order-66.a_b"})
    assert answer.headers["X-Request-Id"] == "order-66.a_b"
    assert lines(log)[-1]["request_id"] == "order-66.a_b"


@pytest.mark.parametrize(
    "sent",
    [
        *("", "a" * 65, "a b", "a\u00e9", "{}", "a;Set-Cookie"),
        *("13961467500", "u_491512345678", "491512345678-retry", "1234567", "id.1234567.x"),
        *("49-151-234-5678", "49_1512_345678", "49.1512.345678", "tel-1-2-3-4-5-6-7"),
        *("0000491512345678", "00000000000000000000491512345678"),
        "00000000-0000-0000-0000-491512345678",
    ],
)
def test_strange_request_ids_are_made_anew(
    client: FlaskClient, log: io.StringIO, sent: str
) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": sent})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert not sent or sent not in log.getvalue()


@pytest.mark.parametrize(
    "sent",
    [
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "12345678901234567890abcdefabcdef",
        "00f067aa0ba902b7",
        "00000000-1234-5678-9abc-def012345678",
        "550E8400-E29B-41D4-A716-446655440000",
        "order-123456",
        "01J9Z3K8Q2X7M5N4P6R8T0V1W2",
        "a",
    ],
)
def test_ids_that_are_no_phone_numbers_are_kept(client: FlaskClient, sent: str) -> None:
    """UUIDs, hexadecimal ids and short numbers: seven digits in a row are ordinary in the first."""
    assert client.get("/healthz", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent


def test_a_trace_id_that_could_be_a_phone_number_is_replaced(
    client: FlaskClient, log: io.StringIO
) -> None:
    parent = "00-00000000000000000000491512345678-00f067aa0ba902b7-01"
    answer = client.get("/healthz", headers={"traceparent": parent})
    assert "491512345678" not in answer.headers["traceparent"]
    assert "491512345678" not in log.getvalue()


def test_http_1_1_needs_a_host(client: FlaskClient) -> None:
    """RFC 9112, section 3.2; HTTP/1.0 knew none."""
    for protocol, status in (("HTTP/1.1", 400), ("HTTP/1.0", 200)):
        overrides = {"HTTP_HOST": "", "SERVER_PROTOCOL": protocol}
        assert client.get("/healthz", environ_overrides=overrides).status_code == status


@pytest.mark.parametrize(
    "path", ["//healthz", "///healthz", "//v1/stats", "//docs/", "//v1/camp/create"]
)
def test_two_slashes_are_not_one(client: FlaskClient, path: str) -> None:
    answer = client.get("/", environ_overrides={"PATH_INFO": path})
    assert answer.status_code == 404


def test_trace_goes_on(client: FlaskClient, log: io.StringIO) -> None:
    answer = client.get("/healthz", headers={"traceparent": PARENT})
    _, trace_id, span_id, flags = answer.headers["traceparent"].split("-")
    assert trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert span_id != "00f067aa0ba902b7"
    assert flags == "01"
    assert lines(log)[-1]["trace_id"] == trace_id


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        PARENT.upper(),
        f"00-{ZEROES}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{ZEROES[:16]}-01",
        f"ff{PARENT[2:]}",
        f"{PARENT}-more",
        PARENT[:-1],
    ],
)
def test_malformed_traces_begin_anew(client: FlaskClient, sent: str | None) -> None:
    headers = {} if sent is None else {"traceparent": sent}
    parent = client.get("/healthz", headers=headers).headers["traceparent"]
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", parent)
    assert "4bf92f3577b34da6a3ce929d0e0e4736" not in parent


def test_the_access_log_has_no_secrets_and_numbers(client: FlaskClient, log: io.StringIO) -> None:
    """The access log has client and request, and neither secrets nor phone numbers."""
    client.get(
        "/v1/messages?phone=13961467500&token=hush",
        headers={"Authorization": "Bearer secret.token", "Cookie": "secret"},
    )
    client.delete("/v1/recipients/12")
    client.get("/v1/13961467500/secret")
    client.get("/docs/13961467500/secret")
    client.post("/v1/recipients/13961467500", data="secret", content_type="text/secret")
    requests = [line for line in lines(log) if line["event"] == "request"]
    assert len(requests) == 5
    assert [line["status"] for line in requests][1:] == [422, 404, 404, 405]
    assert requests[1]["phone"] == "12"
    assert all(line["client"] == "127.0.0.1" for line in requests)
    for forbidden in ("1396146", "secret", "hush", "token"):
        assert forbidden not in log.getvalue()


def test_an_answer_without_keys_is_not_counted(settings: Settings) -> None:
    one = replace(settings, api=ApiSettings(requests_per_minute=1))
    client = create_app(one, Databases((Database(one.mysql),))).test_client()
    for _ in range(3):
        answer = client.get("/v1/nothing")
        assert answer.status_code == 404
        assert "RateLimit" not in answer.headers
