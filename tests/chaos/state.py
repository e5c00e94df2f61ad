"""The state of a system when a test of it fails; the report of the failure shows it."""

from collections.abc import Iterator

import pymysql

from tests.chaos.scene import Scene

SHOWN_OF_A_LOG = 3_000
"""Number of characters from the end of each process's log."""
REQUEST = '"event": "request"'
"""Lines of the API's log that are left out: those of a test's own looks."""
TABLES = (
    "campaigns",
    "campaign_counters",
    "partition_map",
    "shard_claims",
    "shard_commands",
    "sender_heartbeats",
)


def state_of(scene: Scene) -> Iterator[str]:
    """Yield who has what and waits for what, and the end of each process's log."""
    yield f"{scene.calls()} calls; processes {[(p.pid, p.poll()) for p in scene.running()]}"
    for table in TABLES:
        yield f"{table}:"
        try:
            yield from _rows(scene, table)
        except pymysql.err.Error as error:
            yield str(error)
    for log in sorted(scene.system.folder.glob("*.log")):
        yield f"{log.name} ends:"
        lines = [
            line for line in log.read_text(errors="replace").splitlines() if REQUEST not in line
        ]
        yield "\n".join(lines)[-SHOWN_OF_A_LOG:]


def _rows(scene: Scene, table: str) -> Iterator[str]:
    with scene.system.database.reading() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        columns = [column[0] for column in cursor.description or ()]
        for row in cursor.fetchall():
            yield str({name: _short(value) for name, value in zip(columns, row, strict=True)})


def _short(value: object) -> object:
    return f"{len(value)} bytes" if isinstance(value, bytes) else value
