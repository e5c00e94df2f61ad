"""The API's application on a port of this machine, with a real database and without a scheduler."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from werkzeug.serving import make_server

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.dsn import parse_dsn
from campaign_common.settings import (
    MysqlSettings,
    SendClientSettings,
    Settings,
    SyncClientSettings,
)

SHARDS = 2
UNUSED = ("unused:9092",)


def settings_of(dsn: str, folder: Path) -> Settings:
    return Settings(
        mysql=MysqlSettings(dsn=parse_dsn(dsn), active=16),
        sync_client=SyncClientSettings(brokers=UNUSED),
        send_client=SendClientSettings(brokers=UNUSED),
        csv_root=folder,
        msg_table_sharding_size=SHARDS,
    )


@contextmanager
def served(
    settings: Settings,
    database: Database,
    configured: Callable[[str], dict[str, object]] = lambda _: {},
) -> Iterator[str]:
    """Serve until the end of the block, and give the URL; `configured` says what it changes."""
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    url = f"http://localhost:{server.port}"
    changed = replace(settings, **configured(url))  # type: ignore[arg-type]
    server.app = create_app(changed, Databases((database,)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
