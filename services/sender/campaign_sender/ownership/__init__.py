"""Ownership: the partitions that the group assigns, and the shards taken over for them."""
