"""An upload of a small list, as the tests of lists share it."""

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_common.database import Database
from tests.integration.api.stored import rows

URL = "/v1/recipient-lists"
CSV = "name,phone,city\nAnn,13961467500,Oslo\nBob,13961467501,Bergen\nBob,+1 396 146 7501,\nx,y,z\n"


def upload(client: FlaskClient, text: str | bytes = CSV, **query: str) -> TestResponse:
    query = {"name": "friends", **query}
    return client.post(URL, data=text, content_type="text/csv", query_string=query)


def listed(database: Database) -> list[tuple[str, str]]:
    return rows(database, "SELECT name, state FROM recipient_lists ORDER BY id")
