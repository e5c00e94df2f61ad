"""Looking at what the API service has stored, and asking it for more."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_common.database import Database
from campaign_common.store.recipients.recipient_lists import RecipientList, read_list
from campaign_common.store.recipients.recipients import NewRecipient, insert_recipients

REQUEST: Mapping[str, Any] = {
    "campaign_name": "game0",
    "campaign_id": 1000000000,
    "message_template": "hi {name}, this is a test message.",
    "scheduled_time": 1727351999,
    "csv_file_path": "recipients.csv",
}


def create(client: FlaskClient, **changes: Any) -> TestResponse:  # noqa: ANN401 - any JSON
    return client.post("/v1/camp/create", json={**REQUEST, **changes})


def rows(database: Database, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
    with database.reading() as cursor:
        cursor.execute(sql, arguments)
        return list(cursor.fetchall())


def value(database: Database, sql: str, *arguments: object) -> Any:  # noqa: ANN401 - any column
    return rows(database, sql, *arguments)[0][0]


def change(database: Database, sql: str, *arguments: object) -> int:
    return database.run(lambda cursor: cursor.execute(sql, arguments))


def list_of(database: Database, campaign_id: int) -> RecipientList:
    list_id = value(database, "SELECT list_id FROM campaigns WHERE id = %s", campaign_id)
    with database.reading() as cursor:
        found = read_list(cursor, list_id)
    assert found is not None
    return found


def add_list(
    database: Database,
    recipients: Sequence[tuple[str, str, Mapping[str, str]]],
    *,
    columns: Sequence[str] = ("city",),
    list_id: int = 1,
) -> int:
    """Store a ready list of (phone, name, attributes); the seq of the first is 1."""
    change(
        database,
        "INSERT INTO recipient_lists (id, name, state, attribute_columns, accepted, last_seq,"
        " created_at, progressed_at) VALUES (%s, 'people', 'ready', %s, %s, %s, NOW(6), NOW(6))",
        list_id,
        json.dumps(columns),
        len(recipients),
        len(recipients),
    )
    with database.transaction() as cursor:
        insert_recipients(
            cursor,
            list_id,
            [
                NewRecipient(seq, phone, name, json.dumps(attributes))
                for seq, (phone, name, attributes) in enumerate(recipients, 1)
            ],
        )
    return list_id
