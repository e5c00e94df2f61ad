"""campaign providers, and the check of one, over a client that says what the test wants."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner, Result

from campaign_admin.campaign.main import main
from campaign_admin.commands.api_client import ApiClient, ApiRefused, ApiUnreachable
from campaign_admin.commands.providers import check
from campaign_admin.commands.providers.check_text import described, printable

REQUEST = {
    "method": "POST",
    "url": "https://g.example/MASKED",
    "headers": [{"name": "Authorization", "value": "Bearer MASKED"}],
    "body": '{"to":"***********78"}',
}
ANSWER = {
    "status": 200,
    "headers": [{"name": "content-type", "value": "application/json"}],
    "body": '{"id": "m-1"}\r\n',
    "is_cut": False,
    "seconds": 0.0123,
}
READING = {
    "word": "success",
    "rule": "rule 1 of Answers: {Status: 2xx, Then: success, Id: id}",
    "provider_message_id": "m-1",
    "error_code": None,
    "retry_after": None,
    "suppress": False,
}
DONE: dict[str, Any] = {
    "id": 7,
    "provider": "acme",
    "phone": "***********78",
    "dry_run": False,
    "state": "done",
    "sender": "s-1",
    "problem": None,
    "note": None,
    "request": REQUEST,
    "answer": ANSWER,
    "reading": READING,
}
OPEN = DONE | {"state": "waiting", "request": None, "answer": None, "reading": None}

ACCEPTED = """POST https://g.example/MASKED
Authorization: Bearer MASKED

{"to":"***********78"}

Answer after 0.012 s: 200
content-type: application/json

{"id": "m-1"}

Read as success, by rule 1 of Answers: {Status: 2xx, Then: success, Id: id}
  id at the provider: m-1
Made by s-1.
"""


class Api:
    """Answers with a check that is waiting, then with what comes next."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *then: dict[str, Any] | Exception) -> None:
        self.asked: list[dict[str, Any]] = []
        self._then = list(then)
        monkeypatch.setattr(check, "PAUSE", 0.0)
        monkeypatch.setattr(ApiClient, "start_check", lambda _, __, wanted: self._start(wanted))
        monkeypatch.setattr(ApiClient, "read_check", lambda *_: self._next())

    def _start(self, wanted: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(wanted)
        return OPEN

    def _next(self) -> dict[str, Any]:
        following = self._then.pop(0) if len(self._then) > 1 else self._then[0]
        if isinstance(following, Exception):
            raise following
        return following


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["providers", *arguments])


def test_a_check_shows_request_answer_and_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(monkeypatch, OPEN | {"state": "running"}, ApiUnreachable("away"), DONE)
    shown = run("check", "acme", "--to", "+49 151 12345678")
    assert (shown.output, shown.exit_code) == (ACCEPTED, 0)
    assert api.asked == [{"dry_run": False, "phone": "+49 151 12345678"}]


@pytest.mark.parametrize(
    ("changes", "line", "exit_code"),
    [
        pytest.param(
            {"dry_run": True, "answer": None, "reading": None},
            "Nothing was sent: a dry run, made by s-1.",
            0,
            id="dry run",
        ),
        pytest.param(
            {"reading": READING | {"word": "account", "rule": None}},
            "Read as account, by no rule",
            1,
            id="refused account",
        ),
        pytest.param(
            {"answer": None, "reading": READING | {"word": "retryable", "error_code": "timeout"}},
            "No answer: timeout",
            1,
            id="no answer",
        ),
        pytest.param(
            {"state": "refused", "problem": "secret x", "request": None, "reading": None},
            "Nothing was sent: secret x",
            1,
            id="refused",
        ),
        pytest.param(
            {"state": "expired", "problem": "no sender", "request": None, "reading": None},
            "Nothing was sent: no sender",
            1,
            id="expired",
        ),
        pytest.param(
            {"state": "unknown", "problem": "sender lost", "request": None, "reading": None},
            "Unknown: sender lost",
            1,
            id="unknown",
        ),
        pytest.param(
            {"note": "a simulated provider makes no request", "request": None, "answer": None},
            "a simulated provider makes no request",
            0,
            id="simulated",
        ),
        pytest.param(
            {"answer": ANSWER | {"body": None}},
            "(a body longer than 64 KiB, or with a Content-Encoding, is not read)",
            0,
            id="unread body",
        ),
        pytest.param(
            {"answer": ANSWER | {"body": "x\n", "is_cut": True}}, "x (cut)", 0, id="cut body"
        ),
        pytest.param(
            {"reading": READING | {"suppress": True, "retry_after": 5.0}},
            "  seconds to wait: 5.0",
            0,
            id="wait",
        ),
    ],
)
def test_every_end_of_a_check_has_its_line_and_exit_code(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], line: str, exit_code: int
) -> None:
    Api(monkeypatch, DONE | changes)
    shown = run("check", "acme", "--to", "4915112345678")
    assert line in shown.output.splitlines()
    assert shown.exit_code == exit_code


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--dry-run"], {"dry_run": True}),
        (
            ["--dry-run", "--text", "hi {you}", "--from", "Shop"],
            {
                "dry_run": True,
                "from": "Shop",
                "content": {"kind": "text", "template": "hi {{you}}"},
            },
        ),
        (
            ["--dry-run", "--template", "hi", "--language", "de", "--part", "a", "--part", "{b}"],
            {
                "dry_run": True,
                "content": {
                    "kind": "template",
                    "name": "hi",
                    "language": "de",
                    "parts": ["a", "{{b}}"],
                },
            },
        ),
    ],
)
def test_options_are_the_fields_of_the_request(
    monkeypatch: pytest.MonkeyPatch, options: Sequence[str], asked: dict[str, Any]
) -> None:
    api = Api(monkeypatch, DONE)
    assert run("check", "acme", *options, "--json").exit_code == 0
    assert api.asked == [asked]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--dry-run", "--language", "de"],
        ["--dry-run", "--template", "hi"],
        ["--dry-run", "--template", "hi", "--language", "de", "--text", "hi"],
    ],
)
def test_options_that_do_not_go_together_are_refused(options: Sequence[str]) -> None:
    assert run("check", "acme", *options).exit_code == 2


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ApiRefused("there is no check 7"), "campaign providers check: there is no check 7"),
        (ApiUnreachable("away"), "campaign providers check: away"),
        (OPEN, "campaign providers check: check 7 has not ended for 0 s"),
    ],
)
def test_a_check_never_hangs(
    monkeypatch: pytest.MonkeyPatch, error: dict[str, Any] | Exception, line: str
) -> None:
    Api(monkeypatch, error)
    monkeypatch.setattr(check, "PATIENCE", 0.3)
    monkeypatch.setattr(check, "SILENCE", 0.1)
    ended = run("check", "acme", "--dry-run")
    assert ended.exit_code == 1
    assert ended.output.startswith(line)


def test_a_gateway_does_not_write_to_the_terminal() -> None:
    said = DONE | {"answer": ANSWER | {"body": "\x1b[2Jred\x9b\u202eabc\ud800"}}
    assert "\\x1b[2Jred\\x9b\\u202eabc\\ud800" in printable(described(said))


def test_providers_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    provider: dict[str, Any] = {
        "name": "acme",
        "kind": "http",
        "preset": "twilio",
        "is_default": True,
        "state": "resting",
        "until": "2027-01-31T12:00:00.000Z",
        "problem": "secret x (on s-1)",
        "limits": {"limits": {"per_second": 7.5, "unit": "messages"}},
        "second": {"quota": 7, "granted": 3},
        "day": {"taken": 12_000, "per_day": 50_000},
        "answers": {"success": 90, "throttled": 10},
        "latency": {"p50": 0.0123, "p95": 0.5},
        "senders": [{}, {}],
    }
    bare = provider | {
        "name": "bare",
        "preset": None,
        "is_default": False,
        "until": None,
        "problem": None,
        "limits": {"limits": {"per_second": None, "unit": "messages"}},
        "second": None,
        "day": None,
        "latency": None,
    }
    monkeypatch.setattr(ApiClient, "providers", lambda _: [provider, bare])
    header, first, second, problem = run().output.splitlines()
    assert header.split()[:4] == ["name", "kind", "state", "until"]
    name, rest = "acme (default) twilio", "3 of 7.5 messages 12,000 of 50,000 100 10 12 ms 500 ms 2"
    assert " ".join(first.split()) == f"{name} resting 2027-01-31T12:00:00Z {rest}"
    assert second.split() == ["bare", "http", "resting", "100", "10", "2"]
    assert problem == "acme: secret x (on s-1)"
    assert json.loads(run("--json").output) == [provider, bare]
