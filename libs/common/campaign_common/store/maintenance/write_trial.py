"""Statements that need every right and setting that the services' writes need, and change nothing.

Their conditions are never true, so that no row is read, locked or changed. The server checks
rights, its binary log's format and whether it is read-only before the condition. It evaluates
roles, patterns and partial revokes, which a parser of SHOW GRANTS would have to implement
again.
"""

from collections.abc import Iterable, Iterator, Mapping

from pymysql.cursors import Cursor

TABLES: Mapping[str, str] = {
    "answered_keywords": "phone",
    "api_keys": "id",
    "bounced_receipts": "campaign_id",
    "campaign_budgets": "campaign_id",
    "campaign_costs": "campaign_id",
    "campaign_counters": "campaign_id",
    "campaign_events": "id",
    "campaign_samples": "campaign_id",
    "campaigns": "id",
    "command_copies": "shard",
    "early_receipts": "provider",
    "erased_people": "id",
    "erased_people_position": "id",
    "erasures": "id",
    "failed_sign_ins": "id",
    "idempotency_keys": "api_key_id",
    "inbound_messages": "id",
    "kept_samples": "campaign_id",
    "late_results": "id",
    "open_receipts": "campaign_id",
    "outgoing_events": "id",
    "partition_map": "topic",
    "possible_duplicates": "campaign_id",
    "possibly_sent": "campaign_id",
    "provider_account_breakers": "provider",
    "provider_breakers": "provider",
    "provider_checks": "id",
    "provider_days": "provider",
    "provider_demand": "provider",
    "provider_events": "provider",
    "provider_ids": "campaign_id",
    "provider_limits": "provider",
    "provider_slots": "provider",
    "providers_left_alone": "provider",
    "purged_campaigns": "id",
    "receipt_counters": "campaign_id",
    "receipt_looks": "campaign_id",
    "recipient_lists": "id",
    "recipient_rejects": "list_id",
    "recipients": "list_id",
    "reconsented_lists": "list_id",
    "route_weights": "route",
    "sender_heartbeats": "name",
    "shard_claims": "shard",
    "shard_commands": "id",
    "shard_placements": "shard",
    "suppression_changes": "id",
    "suppression_hashes": "id",
    "suppression_imports": "id",
    "suppression_state": "id",
    "suppressions": "phone",
    "trial_messages": "id",
    "web_sessions": "token_sha256",
    "webhook_changes": "id",
    "webhook_deliveries": "id",
    "webhooks": "id",
}
"""Every table that is not a shard's, and a column of it."""

OF_A_SHARD = ("messages", "message_retries", "receipts")
OF_SHARDS = "campaign_id"

JOINED = 50
"""Tables of one statement; both servers stop at 61."""

VARIABLES = ("binlog_format", "log_bin", "max_allowed_packet")

SELECT_VARIABLES = "SHOW GLOBAL VARIABLES WHERE Variable_name IN %s"


def try_writes(cursor: Cursor, shards: Iterable[int]) -> None:
    """Execute what fails where the services' writes would, for these shards' tables and all others.

    A round trip for each table that is not a shard's, and a few more.
    """
    for statement in trials(shards):
        cursor.execute(statement)


def trials(shards: Iterable[int]) -> Iterator[str]:
    """Return the statements of a trial.

    An INSERT names one table only; of the shards' tables, whose rights are given by a pattern
    or for the schema, those of the first shard have to do.
    """
    held = sorted(shards)
    for table in [*TABLES, *(f"{name}_{n}" for n in held[:1] for name in OF_A_SHARD)]:
        yield f"INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0"
    columns = dict(TABLES) | {f"{name}_{n}": OF_SHARDS for n in held for name in OF_A_SHARD}
    for some in _batched(list(columns.items())):
        tables = ", ".join(table for table, _ in some)
        same = ", ".join(f"{table}.{column} = {table}.{column}" for table, column in some)
        yield f"UPDATE {tables} SET {same} WHERE 1 = 0"
        yield f"DELETE {tables} FROM {tables} WHERE 1 = 0"


def read_write_settings(cursor: Cursor) -> dict[str, str]:
    """Read the global variables that decide over the writes of new sessions."""
    cursor.execute(SELECT_VARIABLES, (VARIABLES,))
    return dict(cursor.fetchall())


def _batched(pairs: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    for start in range(0, len(pairs), JOINED):
        yield pairs[start : start + JOINED]
