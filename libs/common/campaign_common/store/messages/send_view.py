"""The view on which a sender decides immediately before a send, read in one statement (rule 7).

One statement is one round trip, however far the database is; and what it says of the server, that
it takes writes, holds for all that it says.
"""

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.session import READ_ONLY_VARIABLES
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import MessageKey
from campaign_common.domain.shard import Epoch
from campaign_common.errors import DatabaseDemoted
from campaign_common.store.core.budgets import CURRENCY_OF
from campaign_common.store.core.campaigns import (
    EXPIRES_IN,
    CampaignVersion,
    VersionColumns,
    version_of,
)

FRESH_FOR = 1.0
"""Seconds after the beginning of the youngest read during which sends may start. A read that takes
as long is out of date when it ends."""

SHORTEST_PAUSE = 0.1
"""Seconds between two reads, however long they take."""

LONGEST_READ = (FRESH_FOR - SHORTEST_PAUSE) / 2
"""Seconds that a read may take so that the next one ends before it is out of date."""


class Wanted(NamedTuple):
    """The parts of a view: shards of one server, the campaigns of the main one, or all."""

    shards: Collection[int]
    """Of the caller: those of which erasures are read."""
    campaigns: Collection[CampaignId] | None
    """None: they live on another server."""
    topic: str
    claims: bool
    """Include the claims: the server holds the shards."""


class SendView(NamedTuple):
    """The state of a server at one moment; of each part that was not wanted, nothing."""

    versions: dict[CampaignId, CampaignVersion]
    map_version: int
    """0: there is no map."""
    owners: dict[int, tuple[Epoch, bytes]]
    """Epoch and owner token of every shard."""
    owner_names: dict[int, str]
    """Names of the senders that own shards, by shard."""
    requested: frozenset[int]
    """Shards whose owner has something to carry out, or to forward first."""
    erased: frozenset[MessageKey]
    """Messages that the owners of the wanted shards are asked to cancel."""


# Besides the variables, which an account with special rights could write in spite of: a lock for
# writing, on no row. A server that is read-only refuses it, one under FLUSH TABLES WITH READ LOCK,
# as some switch-overs begin, has it wait.
SERVER = f"""
(SELECT 'server', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
 FROM shard_commands WHERE FALSE FOR UPDATE)
UNION ALL
SELECT 'server', NULL, NULL, NULL, {READ_ONLY_VARIABLES}, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL
"""

CAMPAIGNS = f"""
SELECT 'campaign', id, epoch, NULL, state, delivery, provider, {EXPIRES_IN}, traceparent,
       max_rate, priority, {CURRENCY_OF}
FROM campaigns WHERE id IN %s
"""

MAP = """
SELECT 'map', version, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM partition_map WHERE topic = %s
"""

OWNERS = """
SELECT 'owner', shard, epoch, owner_token, owner_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM shard_claims
"""

REQUESTED = """
SELECT DISTINCT 'requested', shard, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM shard_commands
"""

ERASED = """
SELECT 'erased', campaign_id, NULL, NULL, arguments, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM shard_commands WHERE shard IN %s AND kind = 'erase'
"""


def read_view(cursor: Cursor, wanted: Wanted) -> SendView:
    """Read a view, in one statement.

    Raises:
        DatabaseDemoted: the server is read-only.
    """
    parts, arguments = [SERVER, REQUESTED], list[object]()
    if wanted.shards:
        parts.append(ERASED)
        arguments.append(tuple(wanted.shards))
    if wanted.campaigns is not None:
        parts.append(MAP)
        arguments.append(wanted.topic)
    if wanted.campaigns:
        parts.append(CAMPAIGNS)
        arguments.append(tuple(wanted.campaigns))
    if wanted.claims:
        parts.append(OWNERS)
    cursor.execute("UNION ALL".join(parts), arguments)
    return view_of(cursor.fetchall())


def view_of(rows: Collection[tuple[Any, ...]]) -> SendView:
    """Make a view of the rows that the statement returns.

    Raises:
        DatabaseDemoted: they say that the server is read-only, or do not say that it is none.
    """
    by_kind: dict[str, list[tuple[Any, ...]]] = {}
    for kind, *columns in rows:
        by_kind.setdefault(kind, []).append(tuple(columns))
    _require_writes(by_kind.get("server", ()))
    return SendView(
        versions=dict(map(_campaign, by_kind.get("campaign", ()))),
        map_version=max((int(row[0]) for row in by_kind.get("map", ())), default=0),
        owners={int(row[0]): (Epoch(int(row[1])), row[2]) for row in by_kind.get("owner", ())},
        owner_names={int(row[0]): row[3] for row in by_kind.get("owner", ()) if row[3]},
        requested=frozenset(int(row[0]) for row in by_kind.get("requested", ())),
        erased=frozenset(
            MessageKey(CampaignId(int(row[0])), seq)
            for row in by_kind.get("erased", ())
            for seq in json.loads(row[3]).get("seqs", ())
        ),
    )


def _require_writes(servers: Collection[tuple[Any, ...]]) -> None:
    said = [row[3] for row in servers]
    if said != [""]:
        raise DatabaseDemoted(f"the server is read-only ({', '.join(map(str, said))} is on)")


def _campaign(columns: tuple[Any, ...]) -> tuple[CampaignId, CampaignVersion]:
    campaign_id, epoch, _, state, *others = columns
    version = version_of(VersionColumns(state, epoch, *others))
    return CampaignId(int(campaign_id)), version
