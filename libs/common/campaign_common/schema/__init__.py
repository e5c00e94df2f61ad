"""The schema of the database: telling whether it is up to date, and bringing it there.

Services only ask: `migrate` is imported by its own name, since what it needs takes a twentieth of
a service's start.
"""

from campaign_common.schema.status import (
    SchemaCheck,
    SchemaStatus,
    schema_status,
    wait_for_schema,
)

__all__ = ["SchemaCheck", "SchemaStatus", "schema_status", "wait_for_schema"]
