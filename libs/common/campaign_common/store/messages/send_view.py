"""The view on which a sender decides immediately before a send, read in one statement (rule 7).

One statement is one round trip, however far the database is; and what it says of the server, that
it takes writes, holds for all that it says.
"""

import json
from collections.abc import Collection, Mapping
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


class ChangesWanted(NamedTuple):
    """The changes of suppressions that are read: those with an id above `settled`.

    `settled` None: it is not known yet, and is read itself: the highest id that is older than
    `longest` seconds, the longest transaction.
    """

    settled: int | None
    longest: float


class ChangedPerson(NamedTuple):
    """A change of a person's suppressions; `age` in seconds by the server's clock."""

    id: int
    age: float
    phone: str


class SuppressionView(NamedTuple):
    """Part of a view that is about suppressions."""

    imports: int
    """Number that each import raises."""
    latest: int
    """Highest id of a change; 0: there is none."""
    is_empty: bool
    """There are no suppressions at all, not even of erased people."""
    settled: int | None
    """As it was asked for, or as read."""
    changes: list[ChangedPerson]
    is_complete: bool
    """False: `changes` are not all of them."""


class Wanted(NamedTuple):
    """The parts of a view: shards of one server, the campaigns of the main one, or all."""

    shards: Collection[int]
    """Of the caller: those of which erasures are read."""
    campaigns: Collection[CampaignId] | None
    """None: they live on another server."""
    topic: str
    claims: bool
    """Include the claims: the server holds the shards."""
    suppressions: ChangesWanted | None = None


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
    suppressions: SuppressionView | None = None


# Besides the variables, which an account with special rights could write in spite of: a lock for
# writing, on no row. A server that is read-only refuses it, one under FLUSH TABLES WITH READ LOCK,
# as some switch-overs begin, has it wait.
SERVER = f"""
(SELECT 'server', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
 FROM shard_commands WHERE FALSE FOR UPDATE)
UNION ALL
SELECT 'server', NULL, NULL, NULL, {READ_ONLY_VARIABLES}, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL
"""

CAMPAIGNS = f"""
SELECT 'campaign', id, epoch, NULL, state, delivery, provider, {EXPIRES_IN}, traceparent,
       max_rate, priority, {CURRENCY_OF}, topic
FROM campaigns WHERE id IN %s
"""

MAP = """
SELECT 'map', version, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM partition_map WHERE topic = %s
"""

OWNERS = """
SELECT 'owner', shard, epoch, owner_token, owner_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL
FROM shard_claims
"""

REQUESTED = """
SELECT DISTINCT 'requested', shard, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL
FROM shard_commands
"""

ERASED = """
SELECT 'erased', campaign_id, NULL, NULL, arguments, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL
FROM shard_commands WHERE shard IN %s AND kind = 'erase'
"""

# Those of erased people count: an import may put them back before the next view.
SUPPRESSIONS = """
SELECT 'suppressions', (SELECT MAX(imports) FROM suppression_state),
       (SELECT MAX(id) FROM suppression_changes), NULL,
       NOT EXISTS(SELECT 1 FROM suppressions) AND NOT EXISTS(SELECT 1 FROM suppression_hashes),
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
"""

# Of ids that are that old, and of all before, every row is visible that ever will be.
SETTLED = """
SELECT 'settled', COALESCE((
  SELECT id FROM suppression_changes WHERE changed_at < NOW(6) - INTERVAL %s SECOND
  ORDER BY changed_at DESC LIMIT 1
), 0), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
"""

CHANGED = """
(SELECT 'changed', id, TIMESTAMPDIFF(MICROSECOND, changed_at, NOW(6)), NULL, phone, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL
 FROM suppression_changes WHERE id > %s ORDER BY id LIMIT %s)
"""

MOST_CHANGES = 10_000
"""Changes of suppressions in one view; where there are more, all that is held is looked up."""


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
    if wanted.suppressions is not None:
        parts.append(SUPPRESSIONS)
        settled, longest = wanted.suppressions
        if settled is None:
            parts.append(SETTLED)
            arguments.append(longest)
        else:
            parts.append(CHANGED)
            arguments += (settled, MOST_CHANGES)
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
        suppressions=_suppressions(by_kind),
    )


def _suppressions(by_kind: Mapping[str, list[tuple[Any, ...]]]) -> SuppressionView | None:
    if "suppressions" not in by_kind:
        return None
    ((imports, latest, _, is_empty, *_),) = by_kind["suppressions"]
    changes = [
        ChangedPerson(int(id_), int(age) / 1_000_000, phone)
        for id_, age, _, phone, *_ in by_kind.get("changed", ())
    ]
    return SuppressionView(
        imports=int(imports or 0),
        latest=int(latest or 0),
        is_empty=bool(int(is_empty)),
        settled=next((int(row[0]) for row in by_kind.get("settled", ())), None),
        changes=changes,
        is_complete=len(changes) < MOST_CHANGES,
    )


def _require_writes(servers: Collection[tuple[Any, ...]]) -> None:
    said = [row[3] for row in servers]
    if said != [""]:
        raise DatabaseDemoted(f"the server is read-only ({', '.join(map(str, said))} is on)")


def _campaign(columns: tuple[Any, ...]) -> tuple[CampaignId, CampaignVersion]:
    campaign_id, epoch, _, state, *others = columns
    version = version_of(VersionColumns(state, epoch, *others))
    return CampaignId(int(campaign_id)), version
