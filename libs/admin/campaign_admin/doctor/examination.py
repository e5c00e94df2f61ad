"""All checks in turn; those that cannot run are named with the reason."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from confluent_kafka.admin import AdminClient
from pymysql.err import Error as DriverError

from campaign_admin.doctor.campaigns import check_campaigns
from campaign_admin.doctor.configuration import check_configuration
from campaign_admin.doctor.finding import CheckStatus, Finding, failed, unknown
from campaign_admin.doctor.live_weights import check_live_weights
from campaign_admin.doctor.schema import check_keys, check_schema
from campaign_admin.doctor.server import check_server, check_writes
from campaign_admin.doctor.topic import check_topic
from campaign_admin.doctor.view import check_views
from campaign_common.database import Database, Databases
from campaign_common.errors import (
    CampaignError,
    DatabaseDemoted,
    DatabaseRefused,
    DatabaseUnavailable,
    KafkaUnavailable,
)
from campaign_common.kafka import clients
from campaign_common.settings import Settings

TO_THE_PRIMARY = "let the DSN lead to the primary, or end read_only there"

Check = Callable[[], list[Finding]]


def examine(settings: Settings, file: Path | None = None) -> Iterator[Finding]:
    """Make all checks, one after the other; takes about a minute at the longest.

    `file` is the configuration's, where that is known.
    """
    yield from check_configuration(settings, file)
    databases, admin = Databases.configured(settings), clients.admin(settings)
    try:
        yield from _of_the_databases(settings, databases, admin)
    finally:
        databases.close()


def _of_the_databases(
    settings: Settings, databases: Databases, admin: AdminClient
) -> Iterator[Finding]:
    servers: list[Finding] = []
    for database, held in databases.shares(range(settings.msg_table_sharding_size)):
        server = list(_of_one(database, held))
        servers += server
        if len(databases.all) > 1:
            server = [one._replace(message=f"{database.name}: {one.message}") for one in server]
        yield from server
    if any(found.check == "database" for found in servers):
        obstacle = "cannot be checked without the database"
    elif any(found.check == "schema" and found.status is not CheckStatus.OK for found in servers):
        obstacle = "cannot be checked before the schema is up to date"
    else:
        yield from _of_what_is_kept(settings, databases, admin)
        return
    for check in ("API keys", "send guard", "topic", "live weights", "campaigns"):
        yield unknown(check, obstacle)


def _of_one(database: Database, held: Sequence[int]) -> Iterator[Finding]:
    server = _attempt("database", lambda: check_server(database))
    yield from server
    if any(found.check == "database" for found in server):
        for check in ("schema", "writes"):
            yield unknown(check, "cannot be checked without the database")
        return
    schema = _attempt("schema", lambda: check_schema(database, held))
    yield from schema
    if any(found.status is not CheckStatus.OK for found in schema):
        yield unknown("writes", "cannot be tried before the schema is up to date")
    else:
        yield from _attempt("writes", lambda: check_writes(database, held))


def _of_what_is_kept(
    settings: Settings, databases: Databases, admin: AdminClient
) -> Iterator[Finding]:
    yield from _attempt("API keys", lambda: check_keys(databases.main, settings))
    yield from _attempt("send guard", lambda: check_views(databases, settings))
    yield from _attempt("topic", lambda: check_topic(databases, admin, settings))
    yield from _attempt("live weights", lambda: check_live_weights(databases.main, settings))
    yield from _attempt("campaigns", lambda: check_campaigns(databases, settings))


def _attempt(name: str, check: Check) -> list[Finding]:
    """Make a check; what keeps it from its work is a finding too."""
    try:
        return check()
    except DatabaseRefused as error:
        return [failed("database", str(error), "fix its DSN, or campaign-db create-database")]
    except DatabaseUnavailable as error:
        is_demoted = isinstance(error, DatabaseDemoted)
        return [
            failed(
                "database",
                str(error),
                TO_THE_PRIMARY if is_demoted else "start it, or correct the address in its DSN",
            )
        ]
    except KafkaUnavailable as error:
        return [failed("Kafka", str(error), "start it, or fix SyncClient.Brokers")]
    except CampaignError as error:
        return [unknown(name, str(error))]
    except DriverError as error:
        return [unknown(name, f"the database refused a statement: {error.args[-1]}")]
