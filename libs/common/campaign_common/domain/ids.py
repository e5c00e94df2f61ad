"""Ids that are all integers, as types of their own: mypy finds one in the place of another."""

from typing import NewType

Shard = NewType("Shard", int)
"""A part of the ledger, from 0; recipients have it by their phone number."""

Partition = NewType("Partition", int)
"""A partition of the topic, which carries the records of some shards."""
