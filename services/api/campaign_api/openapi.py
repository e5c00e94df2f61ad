"""Prints the OpenAPI document: `python -m campaign_api.openapi > docs/reference/openapi.json`."""

import json
import sys

from campaign_api.app import create_app
from campaign_api.web.routing.documentation import DOCUMENT_PATH
from campaign_common.database import Databases
from campaign_common.dsn import parse_dsn
from campaign_common.settings import (
    MysqlSettings,
    SendClientSettings,
    Settings,
    SyncClientSettings,
)

NOWHERE = "nobody@tcp(127.0.0.1:1)/none"
"""The document names no server, and none is connected to."""


def document() -> str:
    """Return the document as it is committed: with the limits that hold unless configured."""
    settings = Settings(
        mysql=MysqlSettings(dsn=parse_dsn(NOWHERE)),
        sync_client=SyncClientSettings(brokers=()),
        send_client=SendClientSettings(brokers=()),
    )
    app = create_app(settings, Databases.configured(settings))
    with app.test_request_context(DOCUMENT_PATH):
        answer = app.make_response(app.dispatch_request())
    return json.dumps(answer.json, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
