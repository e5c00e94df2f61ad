"""MySQL stores: all SQL on the tables of the system.

Functions take the cursor of a transaction that their caller opened and ends. Those that look at
all shards take `Cursors`, one on every server; those that work for a shard and need to know of its
campaign take `ShardCursors`. No statement and no transaction spans two servers.
"""
