"""campaign-db key: makes, lists and revokes API keys."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hmac import compare_digest
from pathlib import Path

import click

from campaign_admin.commands.actor import command_actor
from campaign_common.database import Cursor, Database
from campaign_common.domain.api_key import LONGEST_NAME, ApiKey, Scope, is_name
from campaign_common.runtime.command_line import (
    EXIT_FAILURE,
    configuration_option,
    one_line_failures,
    settings_or_exit,
)
from campaign_common.store.access.api_keys import insert_key, read_entries, read_keys, revoke_key


def _name(_: click.Context, __: click.Parameter, value: str) -> str:
    if not is_name(value):
        raise click.BadParameter(f"must be 1 to {LONGEST_NAME} printable characters")
    return value


@click.group("key")
@configuration_option
def key() -> None:
    """Make, list and revoke API keys."""


@key.command("create")
@configuration_option
@click.option(
    "--name",
    required=True,
    callback=_name,
    help="Under which its changes are noted in the campaigns' events.",
)
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    required=True,
    help="read: GET; write: changes too; admin: erasing people too.",
)
@click.pass_context
def create_command(context: click.Context, name: str, scope: str) -> None:
    """Make a key and print it, this once: only a digest of it is stored."""
    made = ApiKey.generate()
    with one_line_failures("campaign-db key create"), _database(context) as database:
        database.run(lambda cursor: _insert(cursor, made, name, scope))
    click.echo(made.token)
    click.echo("send it as Authorization: Bearer; it is not shown again", err=True)


@key.command("install")
@configuration_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, callback=_name, help="As for create.")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    required=True,
    help="As for create.",
)
@click.pass_context
def install_command(context: click.Context, file: Path, name: str, scope: str) -> None:
    """Store the key that FILE holds, such as a mounted secret; again changes nothing.

    FILE has what create prints: 16 hexadecimal digits, a dot, 32 random bytes as base64url. A
    key that was revoked stays so.
    """
    given = ApiKey.parse(file.read_text(encoding="ascii", errors="replace").strip())
    if given is None:
        # What stands there may be most of a key: it is not repeated.
        click.echo(f"campaign-db key install: {file} holds no key as create prints it", err=True)
        sys.exit(EXIT_FAILURE)
    with one_line_failures("campaign-db key install"), _database(context) as database:
        with database.reading() as cursor:
            known = {stored.id: stored.secret_sha256 for stored in read_keys(cursor)}
        if given.id not in known:
            database.run(lambda cursor: _insert(cursor, given, name, scope))
            click.echo(f"{given.id} is stored")
        elif compare_digest(known[given.id], given.digest()):
            click.echo(f"{given.id} is there already")
        else:
            click.echo(f"campaign-db key install: {given.id} has another secret", err=True)
            sys.exit(EXIT_FAILURE)


@key.command("list")
@configuration_option
@click.pass_context
def list_command(context: click.Context) -> None:
    """List all keys, revoked ones too; times are UTC."""
    with (
        one_line_failures("campaign-db key list"),
        _database(context) as database,
        database.reading() as cursor,
    ):
        entries = read_entries(cursor)
    for entry in entries:
        click.echo(
            f"{entry.id}  {entry.scope:5}  created {_time(entry.created_at)}"
            f"  used {_time(entry.last_used_at)}  revoked {_time(entry.revoked_at)}  {entry.name}"
        )


@key.command("revoke")
@configuration_option
@click.argument("key_id", metavar="ID")
@click.pass_context
def revoke_command(context: click.Context, key_id: str) -> None:
    """Revoke a key by its id, for good: within 5 seconds no service takes it any more."""
    with one_line_failures("campaign-db key revoke"), _database(context) as database:
        known = database.run(lambda cursor: revoke_key(cursor, key_id, actor=command_actor()))
    if not known:
        # What was given may be a whole key: it is not repeated.
        click.echo("campaign-db key revoke: there is no key of this id", err=True)
        sys.exit(EXIT_FAILURE)
    click.echo(f"{key_id} is revoked")


def _insert(cursor: Cursor, made: ApiKey, name: str, scope: str) -> None:
    insert_key(cursor, made.id, name, Scope(scope), made.digest(), actor=command_actor())


@contextmanager
def _database(context: click.Context) -> Iterator[Database]:
    database = Database(settings_or_exit(context).mysql)
    try:
        yield database
    finally:
        database.close()


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "never".ljust(19)
