import json
from pathlib import Path

import msgspec
import pytest

from campaign_common.settings import HttpSettings, load_settings
from campaign_providers.http.requests.current_writer import CurrentWriter
from campaign_providers.http.requests.fixed_body import as_templates
from campaign_providers.http.requests.writer import RequestWriter
from tests.support.sample import SAMPLE
from tests.unit.sender.messages import message


def writer_for(url: str, authorization: str | None = None) -> RequestWriter:
    settings = HttpSettings(url=url, authorization=authorization)
    writer = CurrentWriter("http", as_templates(settings)).writer
    assert writer is not None
    return writer


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://sms.example", "/"),
        ("http://sms.example?k", "/?k"),
        ("https://sms.example/v1/send", "/v1/send"),
        ("https://sms.example/v1//send/", "/v1//send/"),
        ("https://sms.example:8443/v1?k=1&l&m={x}", "/v1?k=1&l&m={x}"),
        ("https://sms.example/{phone}/%7B?q=%7Bbody}", "/{phone}/%7B?q=%7Bbody}"),
    ],
)
def test_path_and_query_are_those_of_the_url(url: str, path: str) -> None:
    line, _, _ = writer_for(url).write(message()).partition(b"\r\n")
    assert line == f"POST {path} HTTP/1.1".encode()


def test_a_request_carries_the_message_under_its_key() -> None:
    writer = writer_for("https://sms.example/send", "Bearer token")
    head, _, body = writer.write(message(5, generation=2)).partition(b"\r\n\r\n")
    routes = head.decode("ascii").split("\r\n")
    assert routes[0] == "POST /send HTTP/1.1"
    headers = dict(line.split(": ") for line in routes[1:])
    assert headers["Host"] == "sms.example"
    assert headers["Authorization"] == "Bearer token"
    assert headers["Idempotency-Key"] == "7-5-2"
    assert headers["Content-Length"] == str(len(body))
    assert json.loads(body) == {
        "message_id": "7-5-2",
        "campaign_id": 7,
        "seq": 5,
        "phone": "13961467500",
        "body": "hi",
    }


def test_an_authorization_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    """The file is the one that the environment names."""
    file, config = tmp_path / "authorization", tmp_path / "campmgr.yaml"
    file.write_text("Bearer one\n\n")
    config.write_text(SAMPLE)
    environ = {
        "CAMP__HTTP__URL": "https://sms.example/send",
        "CAMP__HTTP__AUTHORIZATION_FILE": str(file),
    }
    current = CurrentWriter("http", as_templates(load_settings(config, environ).http))
    assert (authorization(current), current.refresh()) == ("Bearer one", False)
    file.write_text("Bearer two-two\n")
    assert (current.refresh(), authorization(current)) == (True, "Bearer two-two")


def authorization(current: CurrentWriter) -> str:
    assert current.writer is not None
    head, _, _ = current.writer.write(message()).partition(b"\r\n\r\n")
    headers = dict(line.split(": ") for line in head.decode("ascii").split("\r\n")[1:])
    return headers["Authorization"]


def test_the_key_is_the_same_in_every_try() -> None:
    writer = writer_for("https://sms.example/send")
    assert writer.write(message(5, try_number=1)) == writer.write(message(5, try_number=4))


def test_the_length_counts_bytes() -> None:
    writer = writer_for("https://sms.example/send")
    greeting = message()
    greeting.record = msgspec.structs.replace(greeting.record, body="héllo\r\n\U0001f600")
    head, _, body = writer.write(greeting).partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head
    assert json.loads(body)["body"] == "héllo\r\n\U0001f600"
