"""The schema of the database: bringing it up to date, and telling whether it is."""

from campaign_common.schema.migrate import MigrationReport, migrate, migrate_all
from campaign_common.schema.status import (
    SchemaCheck,
    SchemaStatus,
    schema_status,
    wait_for_schema,
)

__all__ = [
    "MigrationReport",
    "SchemaCheck",
    "SchemaStatus",
    "migrate",
    "migrate_all",
    "schema_status",
    "wait_for_schema",
]
