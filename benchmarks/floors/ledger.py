"""The floor of the ledger: a bare loop that only inserts the rows of sent messages."""

import pymysql

from benchmarks.floors.bare_loop import BareLoop
from benchmarks.recipients import FIRST_PHONE
from benchmarks.site import Site
from benchmarks.system import SHARDS
from campaign_common.domain.shard import shard_of

CAMPAIGN = 2**62

INSERT = (
    "INSERT INTO messages_{shard} (campaign_id, seq, status, generation, try_number, attempts,"
    " in_doubt, provider_message_id, error_code, sent_at) VALUES "
)


def ledger_loop(site: Site, rows: int) -> BareLoop:
    """Make a loop that can insert up to so many rows."""
    shards = bytes(shard_of(str(FIRST_PHONE + n), SHARDS) for n in range(rows))

    def write(cursor: pymysql.cursors.Cursor, seqs: range) -> None:
        values: list[list[str]] = [[] for _ in range(SHARDS)]
        for seq in seqs:
            values[shards[seq]].append(
                f"({CAMPAIGN},{seq},1,0,1,1,0,'sim-{CAMPAIGN}-{seq}-0',NULL,NOW(6))"
            )
        for shard, rows_of_it in enumerate(values):
            if rows_of_it:
                cursor.execute(INSERT.format(shard=shard) + ",".join(rows_of_it))

    return BareLoop(site, write, [f"messages_{shard}" for shard in range(SHARDS)])
