"""campaign-db: creates the database, keeps its schema up to date and its content in order."""

import sys

import click

from campaign_admin.commands.check import check
from campaign_admin.commands.key import key
from campaign_admin.commands.purge import purge
from campaign_admin.commands.restored import hold
from campaign_common.database import Databases
from campaign_common.database.administration import provide_database
from campaign_common.dsn import Dsn, parse_dsn
from campaign_common.errors import DsnInvalid
from campaign_common.runtime.command_line import (
    EXIT_CONFIGURATION,
    EXIT_FAILURE,
    configuration_option,
    one_line_failures,
    settings_or_exit,
)
from campaign_common.schema import schema_status
from campaign_common.schema.migrate import migrate_all


@click.group()
@configuration_option
@click.version_option(package_name="camp-mgr", prog_name="campaign-db")
def main() -> None:
    """Create the database, keep its schema up to date and its content in order."""


main.add_command(key)
main.add_command(purge)
main.add_command(hold)
main.add_command(check)


@main.command("migrate")
@configuration_option
@click.option("--wait", default=60.0, show_default=True, help="Seconds to wait for another one.")
@click.option(
    "--moved", is_flag=True, help="Shards were moved, with their data, to where MysqlShards says."
)
@click.option("--force", is_flag=True, help="Migrate even if services of 0.1.0 seem to run.")
@click.pass_context
def migrate_command(context: click.Context, wait: float, *, moved: bool, force: bool) -> None:
    """Apply pending migrations and create missing shard tables; again changes nothing."""
    settings = settings_or_exit(context)
    with one_line_failures("campaign-db migrate"):
        databases = Databases.configured(settings)
        shards = settings.msg_table_sharding_size
        reports = migrate_all(databases, shards, wait=wait, moved=moved, force=force)
        for database, report in zip(databases.all, reports, strict=True):
            for name in report.applied:
                click.echo(f"applied {name}")
            if report.created_tables:
                click.echo(f"created {len(report.created_tables)} shard tables")
            if report.altered_tables:
                click.echo(f"added columns to {len(report.altered_tables)} tables of shards")
            click.echo(f"{database.settings.dsn}: the schema is up to date")
        databases.close()


@main.command("status")
@configuration_option
@click.pass_context
def status_command(context: click.Context) -> None:
    """Say what the schema of every server has and lacks; exit code 1 when one lacks something."""
    settings = settings_or_exit(context)
    current = True
    with one_line_failures("campaign-db status"):
        databases = Databases.configured(settings)
        for database, held in databases.shares(range(settings.msg_table_sharding_size)):
            status = schema_status(database, held)
            for name in status.applied:
                click.echo(f"applied  {name}")
            for name in (*status.pending, *status.missing_shard_tables):
                click.echo(f"missing  {name}")
            click.echo(f"{database.settings.dsn}: {status}")
            current = current and status.current
        databases.close()
    sys.exit(0 if current else EXIT_FAILURE)


@main.command("create-database")
@configuration_option
@click.option(
    "--admin-dsn",
    envvar="MYSQL_ADMIN_DSN",
    help="A user who may create databases and users: user:password@tcp(host:3306)/. Better in "
    "the variable MYSQL_ADMIN_DSN, since other users of the machine see command lines.",
)
@click.option("--admin-user", envvar="MYSQL_ADMIN_USER", help="The same, as a name and")
@click.option(
    "--admin-password",
    envvar="MYSQL_ADMIN_PASSWORD",
    default="",
    help="a password, at the address of each DSN.",
)
@click.option(
    "--user-host", default="%", show_default=True, help="From where the user may connect."
)
@click.pass_context
def create_database_command(
    context: click.Context,
    admin_dsn: str | None,
    admin_user: str | None,
    admin_password: str,
    user_host: str,
) -> None:
    """Create the databases and users that Mysql.DSN and MysqlShards name; again changes nothing."""
    settings = settings_or_exit(context)
    named = _parsed(admin_dsn) if admin_dsn else None
    for target in (settings.mysql.dsn, *(server.dsn for server in settings.mysql_shards)):
        if named is None:
            admin = target.as_user(admin_user, admin_password) if admin_user else target
        elif target is settings.mysql.dsn:
            admin = named
        else:
            # The same administrator, at each further address.
            admin = target.as_user(named.user, named.password)
        with one_line_failures("campaign-db create-database"):
            made_user = provide_database(admin.without_database(), target, user_host)
        user = f" and user {target.user}@{user_host}" if made_user else ""
        click.echo(f"{target}: database {target.database}{user} ready")


def _parsed(admin_dsn: str) -> Dsn:
    try:
        return parse_dsn(admin_dsn)
    except DsnInvalid as error:
        click.echo(f"--admin-dsn: {error}", err=True)
        sys.exit(EXIT_CONFIGURATION)
