"""The floor of an import: a bare loop that inserts recipients, and reads no file."""

import pymysql

from benchmarks.floors.bare_loop import BareLoop
from benchmarks.recipients import FIRST_PHONE
from benchmarks.site import Site

LIST = 2**62

INSERT = "INSERT INTO recipients (list_id, seq, phone, name) VALUES "


def recipients_loop(site: Site) -> BareLoop:
    """Make a loop that inserts a list, and at its end empties the table of all lists."""

    def write(cursor: pymysql.cursors.Cursor, seqs: range) -> None:
        rows = (f"({LIST},{seq},'{FIRST_PHONE + seq}','user{seq}')" for seq in seqs)
        cursor.execute(INSERT + ",".join(rows))

    return BareLoop(site, write, ["recipients"])
