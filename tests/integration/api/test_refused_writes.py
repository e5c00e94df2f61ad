"""A database that does not take writes: a 503 that says so, in requests and in /readyz."""

from collections.abc import Iterator
from dataclasses import replace
from secrets import token_hex

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.database.demands import READ_ONLY, RIGHTS
from campaign_common.settings import Settings
from tests.integration.api.drafted import post
from tests.integration.api.stored import add_list, create
from tests.integration.api.web.test_http import refusal
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def _list(pool: Database) -> None:
    """The list that drafts name."""
    add_list(pool, [("13961467500", "Ann", {})])


@pytest.fixture
def account(pool: Database) -> Iterator[str]:
    """The name of a database user, which may read."""
    name = f"few_{token_hex(4)}"
    schema = pool.settings.dsn.database
    execute(pool, f"CREATE USER {name}@'%' IDENTIFIED BY 'secret'")
    execute(pool, f"GRANT SELECT ON {schema}.* TO {name}@'%'")
    yield name
    execute(pool, f"DROP USER {name}@'%'")


@pytest.fixture
def refused(settings: Settings, account: str) -> Iterator[FlaskClient]:
    """An API that works as that user."""
    dsn = replace(settings.mysql.dsn, user=account, password="secret")
    database = Database(replace(settings.mysql, dsn=dsn))
    impatient = replace(settings, timeout=0.5)
    yield create_app(impatient, Databases((database,))).test_client()
    database.close()


def execute(pool: Database, sql: str) -> None:
    with pool.reading() as cursor:
        cursor.execute(sql)


def test_missing_rights_are_named_and_end_with_a_grant(
    refused: FlaskClient, pool: Database, account: str, settings: Settings
) -> None:
    (settings.csv_root / "recipients.csv").write_text("Ann,13961467500\n")
    for answer in (create(refused), post(refused)):
        status, message = refusal(answer)
        assert (status, answer.headers["Retry-After"]) == (503, "5")
        assert message.startswith(RIGHTS.message)
        assert account not in message
    assert refused.get("/v1/campaigns").status_code == 200
    ready = refused.get("/readyz")
    assert (ready.status_code, ready.json) == (
        503,
        {"status": "not ready", "reason": str(RIGHTS)},
    )
    schema = pool.settings.dsn.database
    execute(pool, f"GRANT INSERT, UPDATE, DELETE ON {schema}.* TO {account}@'%'")
    # MySQL tells sessions of rights in a schema when they begin.
    wait_until(lambda: create(refused).status_code == 200, timeout=10)


def test_a_read_only_server_is_named(
    refused: FlaskClient, pool: Database, account: str, settings: Settings
) -> None:
    schema = pool.settings.dsn.database
    execute(pool, f"GRANT INSERT, UPDATE, DELETE ON {schema}.* TO {account}@'%'")
    execute(pool, "SET GLOBAL read_only = 1")
    try:
        status, message = refusal(post(refused))
        ready = refused.get("/readyz")
    finally:
        execute(pool, "SET GLOBAL read_only = 0")
    assert status == 503
    assert message.startswith(READ_ONLY.message)
    assert ready.json == {"status": "not ready", "reason": str(READ_ONLY)}


def test_a_password_that_changes_is_a_503(
    refused: FlaskClient, pool: Database, account: str
) -> None:
    execute(pool, f"ALTER USER {account}@'%' IDENTIFIED BY 'another'")
    status, message = refusal(post(refused))
    assert status == 503
    assert account not in message
    assert refused.get("/readyz").json == {
        "status": "not ready",
        "reason": "the database refuses this service's login",
    }
    execute(pool, f"ALTER USER {account}@'%' IDENTIFIED BY 'secret'")
    wait_until(lambda: refused.get("/v1/campaigns").status_code == 200, timeout=10)


def test_an_unknown_refusal_is_a_503(client: FlaskClient, pool: Database) -> None:
    execute(pool, "RENAME TABLE campaign_events TO elsewhere")
    try:
        status, message = refusal(post(client))
    finally:
        execute(pool, "RENAME TABLE elsewhere TO campaign_events")
    assert status == 503
    assert "the log of the API service says more" in message
