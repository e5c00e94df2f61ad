"""Recording: transactions that write outcomes and claims, and commands to a shard's owner."""
