import json

import msgspec
import pytest

from campaign_providers.http.request_writer import RequestWriter, Target
from tests.unit.sender.messages import message


@pytest.mark.parametrize(
    ("url", "host", "port", "host_header", "path"),
    [
        ("http://sms.example", "sms.example", 80, "sms.example", "/"),
        ("https://sms.example/v1/send", "sms.example", 443, "sms.example", "/v1/send"),
        ("https://sms.example:8443/v1?k=1", "sms.example", 8443, "sms.example:8443", "/v1?k=1"),
        ("http://[2001:db8::1]:81/x", "2001:db8::1", 81, "[2001:db8::1]:81", "/x"),
        ("https://[2001:db8::1]:443/x", "2001:db8::1", 443, "[2001:db8::1]", "/x"),
    ],
)
def test_a_url_says_where_to_and_what_for(
    url: str, host: str, port: int, host_header: str, path: str
) -> None:
    target = Target(url)
    assert (target.host, target.port) == (host, port)
    assert (target.host_header, target.path) == (host_header, path)


def test_a_target_shows_neither_path_nor_query() -> None:
    assert str(Target("https://sms.example/secret?token=secret")) == "sms.example:443"


def test_a_request_carries_the_message_under_its_key() -> None:
    writer = RequestWriter(Target("https://sms.example/send"), "Bearer token")
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


def test_the_key_is_the_same_in_every_try() -> None:
    writer = RequestWriter(Target("https://sms.example/send"), None)
    assert writer.write(message(5, try_number=1)) == writer.write(message(5, try_number=4))


def test_the_length_counts_bytes() -> None:
    writer = RequestWriter(Target("https://sms.example/send"), None)
    greeting = message()
    greeting.record = msgspec.structs.replace(greeting.record, body="héllo\r\n\U0001f600")
    head, _, body = writer.write(greeting).partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head
    assert json.loads(body)["body"] == "héllo\r\n\U0001f600"
