"""The preset `kannel` and a real Kannel, with a message centre behind it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_providers.callbacks.facts import Accepted, CallbackPurpose, CallbackRequest
from campaign_providers.callbacks.message_references import references_of
from campaign_providers.callbacks.registry import callbacks_of, inbound_urls_of
from campaign_providers.contract import SendStatus
from tests.integration.providers.sending import (
    Sending,
    Text,
    configuration,
    provider_of,
    provider_settings,
)
from tests.support.providers.pages import read_page
from tests.support.servers.kannel import PASSWORD, REFUSED_PREFIX, USER, Kannel, running_kannel
from tests.support.servers.smsc import MessageCentre
from tests.support.waiting import wait_until

SENDER = "Shop"
TEXTS = {
    "gsm": ("hello {to} [a] €5 \\ ~ ^ | ñ @ & + %41 ' \" # = ?", 1),
    "two-segments": ("a" * 161, 2),
    "ucs2": ("héllo 😀 مرحبا e\u0301 `", 1),
    "longest": ("ж" * 670, 10),
}
NOT_ROUTABLE = "Not routable. Do not try again."
GET_URL = "&from=%p&to=%P&text=%a&id=%I&at=%T"
"""Escapes that the page adds to the URL for inbound messages."""


@contextmanager
def sending_to(gateway: Kannel, folder: Path, **more: object) -> Iterator[Sending]:
    """Run a provider with the keys of the page and those of the gateway."""
    keys = {
        **read_page("kannel").keys,
        "Url": gateway.url,
        "From": SENDER,
        "AllowedNetworks": ["127.0.0.0/8"],
        "Secrets": {"username": {"Value": USER}, "password": {"Value": PASSWORD}},
        **more,
    }
    with Sending("kannel", provider_settings(keys, folder)).running() as sending:
        yield sending


def answer_of(gateway: Kannel, **fields: str) -> tuple[int, str]:
    """Return status and text of the answer to a request, which has `fields` of its own."""
    good = {
        "username": USER,
        "password": PASSWORD,
        "from": SENDER,
        "to": "4915100009999",
        "text": "hello",
        "charset": "UTF-8",
        "coding": "0",
    }
    answer = requests.get(gateway.url, params={**good, **fields}, timeout=30)
    return answer.status_code, answer.text


def word_on_the_page(status: int, text: str) -> str:
    rows = read_page("kannel").rows
    (word,) = (row.word for row in rows if row.answer == str(status) and text in row.codes)
    return word


@pytest.mark.parametrize("name", TEXTS)
def test_texts_arrive_at_the_message_centre(
    name: str, kannel: Kannel, message_centre: MessageCentre, tmp_path: Path
) -> None:
    text, segments = TEXTS[name]
    phone = f"4915100{list(TEXTS).index(name):06}"
    with sending_to(kannel, tmp_path) as sending:
        (result,) = sending.send(Text(phone, text))
    assert result.status is SendStatus.ACCEPTED

    def arrived() -> list[tuple[str, str, int]]:
        found = [message for message in message_centre.messages() if message.phone == phone]
        return [(message.sender, message.text, message.segments) for message in found]

    wait_until(lambda: [message[2] for message in arrived()] == [segments])
    assert arrived() == [(SENDER, text, segments)]


REFUSALS = {
    "password": ({"password": "x"}, (403, "Authorization failed for sendsms")),
    "sender": ({"from": ""}, (400, "Sender missing and no global set, rejected")),
    "recipient": ({"to": ""}, (400, "Empty receiver number not allowed, rejected")),
    "route": ({"to": f"{REFUSED_PREFIX}1"}, (403, NOT_ROUTABLE)),
}


@pytest.mark.parametrize(("fields", "answer"), REFUSALS.values(), ids=list(REFUSALS))
def test_refusals_are_those_of_the_page(
    fields: Mapping[str, str], answer: tuple[int, str], kannel: Kannel
) -> None:
    assert answer_of(kannel, **fields) == answer
    assert word_on_the_page(*answer) != "success"


def test_refusals_are_read_as_the_page_says(kannel: Kannel, tmp_path: Path) -> None:
    with sending_to(kannel, tmp_path) as sending:
        (unroutable,) = sending.send(Text(f"{REFUSED_PREFIX}1", "hello"))
    wrong = {"username": {"Value": USER}, "password": {"Value": "x"}}
    with sending_to(kannel, tmp_path, Secrets=wrong) as sending:
        (unauthorized,) = sending.send(Text("4915100009999", "hello"))
    assert (unroutable.status, unauthorized.status) == (SendStatus.RETRYABLE, SendStatus.ACCOUNT)


def test_a_queue_takes_messages_until_it_is_full(kannel_programs: Path, tmp_path: Path) -> None:
    with running_kannel(kannel_programs, tmp_path, None, queue_limit=2) as gateway:
        queued = (202, "3: Queued for later delivery")
        full = (503, "Temporal failure, try again later.")
        answers = [answer_of(gateway) for _ in range(10)]
        assert set(answers) == {queued, full}
        assert answers == sorted(answers)
        with sending_to(gateway, tmp_path) as sending:
            (result,) = sending.send(Text("4915100009999", "hello"))
    assert result.status is SendStatus.THROTTLED
    assert [word_on_the_page(*each) for each in (queued, full)] == ["success", "throttled"]


def test_a_stopped_message_centre_is_no_reason_to_fail(
    kannel_programs: Path, message_centre: MessageCentre, tmp_path: Path
) -> None:
    with running_kannel(kannel_programs, tmp_path, message_centre) as gateway:
        gateway.stop_message_centre()
        wait_until(lambda: answer_of(gateway) == (403, NOT_ROUTABLE))
        with sending_to(gateway, tmp_path) as sending:
            (result,) = sending.send(Text("4915100009999", "hello"))
    assert result.status is SendStatus.RETRYABLE


@contextmanager
def callbacks_received() -> Iterator[tuple[str, list[str]]]:
    """Run a server for callbacks; the targets of its requests are collected."""
    targets: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            targets.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", targets
        finally:
            server.shutdown()


def test_a_receipt_comes_back_with_the_reference(kannel: Kannel, tmp_path: Path) -> None:
    """Kannel replaces the escapes of the URL, and leaves the reference in it as it was."""
    text = Text("4915100008888", "hello")
    keys = {
        **read_page("kannel").keys,
        "Url": kannel.url,
        "From": SENDER,
        "AllowedNetworks": ["127.0.0.0/8"],
        "Secrets": {"username": {"Value": USER}, "password": {"Value": PASSWORD}},
    }
    with callbacks_received() as (base_url, targets):
        callbacks = {"BaseUrl": base_url, "Secrets": [{"Value": "secret-of-references"}]}
        settings = configuration(keys, tmp_path, Callbacks=callbacks)
        references = references_of(settings)["one"]
        with Sending("kannel", provider_of(settings), references).running() as sending:
            (result,) = sending.send(text)
        assert result.status is SendStatus.ACCEPTED
        wait_until(lambda: bool(targets))
    request = CallbackRequest("GET", base_url + targets[0], {})
    found = callbacks_of(settings)["one"].accept(request, CallbackPurpose.RECEIPTS)
    assert isinstance(found, Accepted)
    (receipt,) = found.receipts
    assert tuple(receipt.reference or ()) == text.referenced
    assert (receipt.word, receipt.rank) == ("8", ReceiptRank.ACCEPTED)
    assert receipt.at is not None
    assert not found.unknown


def test_what_a_person_writes_comes_in_with_an_id(
    kannel_programs: Path, message_centre: MessageCentre, tmp_path: Path
) -> None:
    """The message centre has a message for each client that binds; Kannel replaces the escapes."""
    page = Path(__file__).parents[3] / "docs" / "providers" / "kannel.md"
    assert f"URL{GET_URL}" in page.read_text()
    keys = {
        **read_page("kannel").keys,
        "Url": "http://127.0.0.1:1/cgi-bin/sendsms",
        "AllowedNetworks": ["127.0.0.0/8"],
        "Secrets": {"username": {"Value": USER}, "password": {"Value": PASSWORD}},
    }
    with callbacks_received() as (base_url, targets):
        callbacks = {"BaseUrl": base_url, "Secrets": [{"Value": "secret-of-references"}]}
        settings = configuration(keys, tmp_path, Callbacks=callbacks)
        url = inbound_urls_of(settings)["one"] + GET_URL
        with running_kannel(kannel_programs, tmp_path, message_centre, inbound_url=url):
            wait_until(lambda: bool(targets))
    request = CallbackRequest("GET", base_url + targets[0], {})
    found = callbacks_of(settings)["one"].accept(request, CallbackPurpose.INBOUND)
    assert isinstance(found, Accepted)
    (message,) = found.inbound
    assert (message.phone, message.recipient, message.text) == ("+555", "+12345", "Hello World")
    assert message.provider_message_id
    assert message.at is not None
    assert not found.unknown
