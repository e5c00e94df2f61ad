"""The command `campaign` without an API."""

import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from campaign_admin.campaign.main import VERBS, main
from campaign_admin.connecting.moments import rfc3339
from campaign_admin.connecting.options import Verb, address_of
from campaign_admin.connecting.profiles import Profiles
from tests.unit.client.test_client import answer, serving

HEAVY = {"requests", "rich", "pymysql", "confluent_kafka", "marshmallow", "yaml", "msgspec"}
PROGRAM = "from campaign_admin.campaign.main import main; main()"


def test_help_imports_nothing_but_the_command_line() -> None:
    script = (
        "import sys; from campaign_admin.campaign.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "Send messages that have ended once more." in ended.stdout
    loaded = set(ended.stderr.split())
    assert "click" in loaded
    assert not loaded & (HEAVY | {"campaign_client", "campaign_providers"})


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(verb: str) -> None:
    ended = CliRunner().invoke(main, [verb, "--help"])
    assert ended.exit_code == 0
    assert "--output [text|json|jsonl]" in ended.output


@pytest.mark.parametrize(
    ("url", "key", "code", "said"),
    [
        ("nonsense", "k", 2, "'nonsense' is no URL"),
        ("ftp://x", "k", 2, "'ftp://x' is no URL"),
        ("http://127.0.0.1:1", "k\n", 1, "does not answer"),
        ("http://127.0.0.1:1", "a\nb", 2, "the API key holds"),
    ],
)
@pytest.mark.parametrize("verb", [("list",), ("providers",), ("watch", "1")], ids=lambda v: v[0])
def test_mistakes_are_one_line(
    verb: tuple[str, ...], url: str, key: str, code: int, said: str
) -> None:
    environment = {"CAMP_API_KEY": key, "XDG_CONFIG_HOME": "/nonexistent"}
    ended = CliRunner().invoke(main, [*verb, "--url", url], env=environment)
    assert ended.exit_code == code
    assert ended.output.count("\n") == 1
    assert said in ended.output


CAMPAIGN = {
    "id": 1,
    "name": "n",
    "state": "finished",
    "failure_reason": None,
    "scheduled_at": None,
    "started_at": None,
    "finished_at": None,
    "total": 2,
    "counts": {"sent": 2},
    "pending": 0,
    "possibly_sent": 0,
    "rate": None,
    "estimated_finish": None,
    "rests_until": None,
}


def test_watching_goes_on_after_a_429() -> None:
    slow = answer(429, {"detail": "slow down"}, Retry_After="0")
    with serving(slow, answer(200, CAMPAIGN)) as (url, received):
        ended = CliRunner().invoke(main, ["watch", "1", "--url", url], env={"CAMP_API_KEY": "k"})
    assert ended.exit_code == 0, ended.output
    assert "finished 2 of 2" in ended.output
    assert received[0].path == received[1].path == "/v1/campaigns/1"


def test_an_interrupt_ends_with_130() -> None:
    running = CAMPAIGN | {"state": "running"}
    with serving(answer(200, running)) as (url, _):
        watching = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "watch", "1", "--url", url],
            stdout=subprocess.PIPE,
            env={"PYTHONUNBUFFERED": "1", "HOME": "/nonexistent"},
        )
        assert watching.stdout is not None
        assert b"running" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 130
        watching.stdout.close()


def test_profiles_are_kept_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "camp-mgr" / "config.toml"
    profiles = Profiles(path)
    profiles.by_name = {'a "b"\n\\ü': {"url": "http://h", "key": "k\x7f\x01"}}
    profiles.write()
    assert Profiles(path).by_name == profiles.by_name
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("nonsense")
    with pytest.raises(click.UsageError, match="cannot be read"):
        Profiles(path)


@pytest.mark.parametrize(
    ("words", "environment", "key"),
    [
        ((), {}, "k_profile"),
        ((), {"CAMP_API_KEY": "k_environment\n"}, "k_environment"),
        (
            ("--profile", "p"),
            {"CAMP_API_KEY": "k_environment", "CAMP_URL": "http://h"},
            "k_profile",
        ),
        (("--url", "OTHER"), {}, None),
    ],
    ids=["profile", "environment", "option", "another URL"],
)
def test_the_key_goes_where_it_belongs(
    tmp_path: Path, words: tuple[str, ...], environment: dict[str, str], key: str | None
) -> None:
    page = answer(200, {"campaigns": [], "next_cursor": None})
    with serving(page) as (url, received), serving(page) as (other, received_there):
        profiles = Profiles(tmp_path / "camp-mgr" / "config.toml")
        profiles.by_name, profiles.current = {"p": {"url": url, "key": "k_profile"}}, "p"
        profiles.write()
        called = [other if word == "OTHER" else word for word in words]
        variables = {"XDG_CONFIG_HOME": str(tmp_path)} | environment
        assert CliRunner().invoke(main, ["list", *called], env=variables).exit_code == 0
    sent = (received + received_there)[0].headers["Authorization"]
    assert sent == (None if key is None else f"Bearer {key}")
    assert len(received_there) == (key is None)


CONFIGURATION = """
Port: 4711
Mysql: {DSN: "u@tcp(h:3306)/d"}
SyncClient: {Topic: t, Brokers: ["h:9092"]}
SendClient: {Group: g, Brokers: ["h:9092"]}
"""


@pytest.mark.parametrize(
    ("words", "environment", "chosen"),
    [
        (("--url", "http://option", "--profile", "p", "-c", "FILE"), {}, "http://option"),
        (("--profile", "p", "-c", "FILE"), {"CAMP_URL": "http://environment"}, "http://p"),
        (("-c", "FILE"), {"CAMP_URL": "http://environment"}, "http://environment"),
        (("-c", "FILE"), {"CAMP_PROFILE": "p"}, "http://localhost:4711"),
        ((), {"CAMP_PROFILE": "p"}, "http://p"),
        ((), {}, "http://in-use"),
    ],
    ids=["--url", "--profile", "CAMP_URL", "-c", "CAMP_PROFILE", "the profile in use"],
)
def test_the_api_is_the_first_that_is_given(
    tmp_path: Path, words: tuple[str, ...], environment: dict[str, str], chosen: str
) -> None:
    """In the order of docs/reference/commands.md; each case lacks what comes before."""
    profiles = Profiles(tmp_path / "camp-mgr" / "config.toml")
    profiles.by_name = {"p": {"url": "http://p"}, "q": {"url": "http://in-use"}}
    profiles.current = "q"
    profiles.write()
    file = tmp_path / "campmgr.yaml"
    file.write_text(CONFIGURATION)

    @click.command(cls=Verb)
    @click.pass_context
    def ask(context: click.Context) -> None:
        click.echo(address_of(context)[0])

    called = [str(file) if word == "FILE" else word for word in words]
    variables = {"XDG_CONFIG_HOME": str(tmp_path), "CAMP_URL": None, **environment}
    ended = CliRunner().invoke(ask, called, env=variables)
    assert ended.stdout == f"{chosen}\n", ended.output


@pytest.mark.parametrize(
    ("text", "zone", "read"),
    [
        ("2030-01-31T09:00", "Europe/Oslo", "2030-01-31T08:00:00Z"),
        ("2030-01-31T09:00:00+05:30", None, "2030-01-31T03:30:00Z"),
        ("1", None, "1970-01-01T00:00:01Z"),
    ],
)
def test_times_are_read(text: str, zone: str | None, read: str) -> None:
    assert rfc3339(text, zone) == read


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2030-01-31T09:00", None),
        ("soon", None),
        ("9" * 20, None),
        ("2030-01-31T09:00", "../x"),
        ("2030-03-31T02:30", "Europe/Oslo"),
        ("2030-10-27T02:30", "Europe/Oslo"),
    ],
)
def test_times_that_are_none_are_refused(text: str, zone: str | None) -> None:
    with pytest.raises(click.BadParameter):
        rfc3339(text, zone)
