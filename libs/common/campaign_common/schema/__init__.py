"""The schema of the database: bringing it up to date, and telling whether it is."""

from campaign_common.schema.migrate import MigrationReport, migrate
from campaign_common.schema.status import SchemaStatus, schema_status, wait_for_schema

__all__ = ["MigrationReport", "SchemaStatus", "migrate", "schema_status", "wait_for_schema"]
