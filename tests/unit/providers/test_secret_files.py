"""Secrets in files, which are read again when they change."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from campaign_providers.http.requests.current_writer import CurrentWriter
from campaign_providers.secret_files import LONGEST_SECRET, SecretFiles, SecretUnreadable
from tests.unit.providers.gateways import Outbound, gateway, read


def writer_of(path: Path) -> CurrentWriter:
    keys = {
        "Secrets": {"token": {"File": str(path)}},
        "Headers": {"Authorization": "Bearer {secret.token}"},
    }
    return CurrentWriter("gateway", gateway(**keys))


def token(current: CurrentWriter) -> str:
    assert current.writer is not None
    return read(current.writer.write(Outbound())).headers["authorization"]


def test_a_secret_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    current = writer_of(path)
    assert (token(current), current.refresh()) == ("Bearer one", False)
    path.write_text("two-two")
    assert (current.refresh(), token(current)) == (True, "Bearer two-two")


def test_a_file_behind_a_link_may_be_another_one(tmp_path: Path) -> None:
    """Mounted secrets are replaced by a link to another folder."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(name)
        os.utime(tmp_path / name / "token", (1, 1))
    link = tmp_path / "data"
    link.symlink_to(tmp_path / "one")
    current = writer_of(link / "token")
    (tmp_path / "new").symlink_to(tmp_path / "two")
    (tmp_path / "new").rename(link)
    assert (current.refresh(), token(current)) == (True, "Bearer two")


def test_a_secret_that_becomes_unreadable_is_used_further(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one")
    current = writer_of(path)
    path.unlink()
    assert current.refresh() is False
    assert (current.problem, token(current)) == (None, "Bearer one")
    path.write_text("two")
    assert (current.refresh(), token(current)) == (True, "Bearer two")


def test_rights_that_change_are_a_change(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one")
    current = writer_of(path)
    path.chmod(0o600)
    assert (current.refresh(), current.refresh()) == (True, False)


def test_a_file_that_was_unreadable_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason why a file cannot be read need not be seen from outside."""
    path = tmp_path / "token"
    path.write_text("one")
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(Path, "open", _refuse)
        current = writer_of(path)
        assert (current.refresh(), current.writer) == (False, None)
    assert [entry["event"] for entry in logs] == ["secret unreadable"]
    assert (current.refresh(), current.problem, token(current)) == (True, None, "Bearer one")


def test_a_user_that_brings_a_colon_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "user"
    path.write_text("a:b")
    keys = {
        "Secrets": {"user": {"File": str(path)}},
        "Basic": {"User": "{secret.user}", "Password": "c"},
    }
    current = CurrentWriter("gateway", gateway(**keys))
    assert current.problem == "Basic.User: expected a user without a colon"
    path.write_text("ab")
    assert (current.refresh(), current.problem) == (True, None)


def _refuse(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_without_a_secret_there_is_no_writer_until_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "token"
    current = writer_of(path)
    assert current.writer is None
    assert current.problem == f"secret token, {path}: No such file or directory"
    path.write_text("one")
    assert (current.refresh(), current.problem, token(current)) == (True, None, "Bearer one")


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a\nb", b"a\r\nX: y", b"\xc3\xbc", b"a\0", b"x" * (LONGEST_SECRET + 1)]
)
def test_a_secret_is_one_line_of_ascii(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    secrets = gateway(Secrets={"token": {"File": str(path)}}).secrets
    with pytest.raises(SecretUnreadable, match="expected one line of printable ASCII") as error:
        SecretFiles(secrets).read()
    assert content.decode("latin-1").strip() not in str(error.value) or len(content) < 2


@pytest.mark.parametrize("content", [b"a b\n", b"a b\r\n", b"a b", b"a" * LONGEST_SECRET + b"\r\n"])
def test_a_line_end_is_left_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    secrets = gateway(Secrets={"token": {"File": str(path)}}).secrets
    assert SecretFiles(secrets).read() == {"token": content.decode().rstrip("\r\n")}


@pytest.mark.parametrize(
    ("keys", "same"),
    [
        ({}, True),
        ({"Headers": {"Authorization": "Bearer b"}}, False),
        ({"Basic": {"User": "u", "Password": "b"}}, False),
        ({"Url": "https://gateway.example/send?token=b"}, False),
        ({"Timeout": "7s"}, True),
    ],
    ids=["equal", "header", "basic", "url", "timeout"],
)
def test_an_account_is_told_by_constants_too(keys: dict[str, object], same: bool) -> None:
    """Credentials that stand in the templates make an account, as secrets do."""
    first = CurrentWriter("gateway", gateway(), b"key")
    assert first.digest is not None
    assert (CurrentWriter("gateway", gateway(**keys), b"key").digest == first.digest) is same
