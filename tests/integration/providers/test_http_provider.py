"""The HTTP provider against real servers: what it sends, and what it says of it."""

import select
import socket
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import structlog

from campaign_providers.contract import SendStatus
from campaign_sender.message import Message
from tests.integration.providers.scripted_server import (
    WHOLE,
    Visitor,
    answer_all,
    answer_each,
    scripted_server,
)
from tests.integration.providers.submissions import answers, submitting_to
from tests.support.providers.recording_provider import Faults
from tests.support.providers.recordings import recording_provider
from tests.support.waiting import wait_until


def test_every_message_is_posted_once_under_its_key(tmp_path: Path) -> None:
    seqs = range(1, 2001)
    with recording_provider(tmp_path / "calls") as provider:
        with submitting_to(provider.url) as submissions:
            results = submissions.run(*seqs)
        recorded = provider.calls()
    assert set(answers(results)) == {SendStatus.ACCEPTED}
    assert [result.provider_message_id for result in results] == [f"rec-7-{n}-0" for n in seqs]
    assert sorted(call.sent.seq for call in recorded) == list(seqs)
    for call in recorded:
        assert call.key == call.sent.message_id == f"7-{call.sent.seq}-0"
        assert (call.sent.phone, call.sent.body) == ("13961467500", "hi")


def test_a_request_on_a_dropped_connection_is_never_repeated(tmp_path: Path) -> None:
    with recording_provider(tmp_path / "calls", "--drop", 0.2) as provider:
        with submitting_to(provider.url, connections=8) as submissions:
            results = submissions.run(*range(1, 501))
        recorded = provider.calls()
    assert set(Counter(call.key for call in recorded).values()) == {1}
    dropped = {call.sent.seq for call in recorded if call.fate == "drop"}
    assert len(dropped) > 50
    assert all(call.nth > 1 for call in recorded if call.fate == "drop")
    doubtful = [result for result in results if result.status is SendStatus.AMBIGUOUS]
    assert {result.message.record.seq for result in doubtful} == dropped
    assert {result.error_code for result in doubtful} == {"connection_lost"}


def test_errors_are_reported_as_the_table_says(tmp_path: Path) -> None:
    options = ("--error", 429, 0.3, "--error", 400, 0.3, "--retry-after", 9)
    with (
        recording_provider(tmp_path / "calls", *options) as provider,
        submitting_to(provider.url) as submissions,
    ):
        results = submissions.run(*range(1, 201))
        fates = {call.sent.seq: call.fate for call in provider.calls()}
    expected = {
        "202": SendStatus.ACCEPTED,
        "400": SendStatus.PERMANENT,
        "429": SendStatus.THROTTLED,
    }
    for result in results:
        assert result.status is expected[fates[result.message.record.seq]]
        assert (result.retry_after == 9.0) is (result.status is not SendStatus.ACCEPTED)


def test_no_more_connections_than_configured(tmp_path: Path) -> None:
    with recording_provider(tmp_path / "calls", "--latency", 0.02) as provider:
        with submitting_to(provider.url, connections=3) as submissions:
            submissions.run(*range(1, 31))
        assert {call.connection for call in provider.calls()} == {1, 2, 3}


def test_a_request_without_a_response_is_ambiguous(tmp_path: Path) -> None:
    with (
        recording_provider(tmp_path / "calls", "--hang", 1) as provider,
        submitting_to(provider.url, connections=1, timeout=0.3) as submissions,
    ):
        (hung,) = submissions.run(1)
        provider.set_faults(Faults())
        (answered,) = submissions.run(2)
    assert (hung.status, hung.error_code) == (SendStatus.AMBIGUOUS, "timeout")
    assert answered.status is SendStatus.ACCEPTED


def test_close_abandons_what_is_under_way(tmp_path: Path) -> None:
    with recording_provider(tmp_path / "calls", "--hang", 1) as provider:
        with submitting_to(provider.url, timeout=60.0) as submissions:
            submissions.start(1, 2, 3)
            wait_until(lambda: provider.status()["in_flight"] == 3)
        names = {thread.name for thread in threading.enumerate()}
    assert "http-provider" not in names


@pytest.mark.parametrize("answer", [SendStatus.STALE, SendStatus.EXPIRED, SendStatus.DEFERRED])
def test_the_pre_send_check_runs_with_the_connection_ready(answer: SendStatus) -> None:
    connections_at_check: list[int] = []

    def check(messages: Sequence[Message]) -> list[SendStatus]:
        wait_until(lambda: server.connections == 1)
        connections_at_check.append(server.connections)
        return [answer] * len(messages)

    with scripted_server(answer_all) as server, submitting_to(server.url, check) as submissions:
        results = submissions.run(1)
        assert answers(results) == [answer]
        assert connections_at_check == [1]
        assert server.commands == []


def test_a_request_is_on_the_wire_before_the_next_check() -> None:
    """A process that is stopped right after a check sends at most that one message later."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted: list[socket.socket] = []
        arrived: list[int] = []

        def accept() -> None:
            accepted.extend([listener.accept()[0], listener.accept()[0]])
            both_connected.set()

        def check(messages: Sequence[Message]) -> list[None]:
            both_connected.wait(10)
            arrived.append(len(select.select(accepted, [], [], 0)[0]))
            return [None] * len(messages)

        both_connected = threading.Event()
        threading.Thread(target=accept, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with submitting_to(url, check, connections=2) as submissions:
            submissions.start(1, 2)
            wait_until(lambda: len(arrived) == 2)
        for connection in accepted:
            connection.close()
    assert arrived == [0, 1]


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    redirect = b"HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with scripted_server(answer_each(redirect)) as server, submitting_to(server.url) as submissions:
        (result,) = submissions.run(1)
        assert (result.status, result.error_code) == (SendStatus.PERMANENT, "http_307")
        assert len(server.commands) == 1


@pytest.mark.parametrize(
    ("answer", "error_code"),
    [
        (b"", "connection_lost"),
        (b"HTTP/1.1 202 Acc", "connection_lost"),
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{", "connection_lost"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "connection_lost"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answer_malformed"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "answer_too_long"),
    ],
)
def test_half_a_response_on_a_reused_connection_is_ambiguous(
    answer: bytes, error_code: str
) -> None:
    with (
        scripted_server(answer_each(WHOLE, answer)) as server,
        submitting_to(server.url, connections=1) as submissions,
    ):
        (first,) = submissions.run(1)
        (second,) = submissions.run(2)
        assert first.status is SendStatus.ACCEPTED
        assert (second.status, second.error_code) == (SendStatus.AMBIGUOUS, error_code)
        assert [request.connection for request in server.commands] == [1, 1]


@pytest.mark.parametrize(
    ("answer", "message_id"),
    [
        (b"HTTP/1.1 202 A\r\nConnection: close\r\n" + WHOLE.partition(b"\r\n")[2], "abc"),
        (WHOLE + b"HTTP/1.1 500 Surplus\r\nContent-Length: 0\r\n\r\n", "abc"),
        (b"HTTP/1.1 202 A\r\nContent-Length: 9999999\r\n\r\n" + b" " * 400_000, None),
    ],
)
def test_a_connection_out_of_step_is_not_used_again(answer: bytes, message_id: str | None) -> None:
    """A connection that cannot be trusted further is not used again."""
    with (
        scripted_server(answer_each(answer, b"HTTP/1.1 500 X\r\n\r\n")) as server,
        submitting_to(server.url, connections=1, idle_timeout=60.0) as submissions,
    ):
        (first,) = submissions.run(1)
        (second,) = submissions.run(2)
        assert answers([first, second]) == [SendStatus.ACCEPTED, SendStatus.ACCEPTED]
        assert first.provider_message_id == message_id
        assert [request.connection for request in server.commands] == [1, 2]


def test_unsolicited_data_is_no_response() -> None:
    def script(visitor: Visitor) -> None:
        visitor.request()
        visitor.say(WHOLE)
        if visitor.number == 1:
            answered.wait(10)
            visitor.say(b"HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n")
            ended.append(visitor.closed_by_client())

    answered = threading.Event()
    ended: list[bool] = []
    with (
        scripted_server(script) as server,
        submitting_to(server.url, connections=1, idle_timeout=60.0) as submissions,
    ):
        assert answers(submissions.run(1)) == [SendStatus.ACCEPTED]
        answered.set()
        wait_until(lambda: ended == [True])
        assert answers(submissions.run(2)) == [SendStatus.ACCEPTED]


def test_an_idle_connection_is_closed_before_the_other_side_does() -> None:
    def script(visitor: Visitor) -> None:
        visitor.request()
        visitor.say(WHOLE)
        ended.append(visitor.closed_by_client())

    ended: list[bool] = []
    with (
        scripted_server(script) as server,
        submitting_to(server.url, idle_timeout=0.2) as submissions,
    ):
        assert answers(submissions.run(1)) == [SendStatus.ACCEPTED]
        wait_until(lambda: ended == [True])


def test_logs_name_the_server_and_no_secret() -> None:
    with structlog.testing.capture_logs() as routes:
        url = "http://localhost:1/path?token=hidden"
        with submitting_to(url, authorization="Bearer hidden") as submissions:
            submissions.run(1, 2)
    assert len(routes) == 1
    assert routes[0]["target"] == "localhost:1"
    assert "hidden" not in str(routes)
    assert "13961467500" not in str(routes)
