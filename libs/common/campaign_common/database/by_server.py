"""One thing for each database server: the main one, and those that hold shards of the ledger."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")
Item = TypeVar("Item")
ShardT = TypeVar("ShardT", bound=int)


@dataclass(frozen=True)
class ByServer(Generic[T]):
    """`all` begins with what belongs to the main server.

    `server_of_shard` says which place in `all` a shard has; one that it does not name lives on the
    main server.
    """

    all: tuple[T, ...]
    server_of_shard: Mapping[int, int] = field(default_factory=dict)

    @property
    def main(self) -> T:
        """Return what belongs to the server of everything that is not a shard's."""
        return self.all[0]

    @property
    def remote_shards(self) -> Collection[int]:
        """Return the shards that do not live on the main server."""
        return self.server_of_shard.keys()

    def of_shard(self, shard: int) -> T:
        """Return what belongs to the server that holds `shard`."""
        return self.all[self.server_of_shard.get(shard, 0)]

    def holding(self, shards: Iterable[ShardT]) -> list[tuple[T, list[ShardT]]]:
        """Group shards by the server that holds them; a server without any is left out."""
        groups: dict[int, list[ShardT]] = {}
        for shard in shards:
            groups.setdefault(self.server_of_shard.get(shard, 0), []).append(shard)
        return [(self.all[place], group) for place, group in sorted(groups.items())]

    def split(
        self, items: Sequence[Item], shard_of: Callable[[Item], int]
    ) -> list[tuple[T, Sequence[Item]]]:
        """Split items by the server that holds their shard, each part in its old order."""
        if not self.server_of_shard:
            return [(self.main, items)]  # nothing has to be looked up, item by item
        parts: dict[int, list[Item]] = {}
        for item in items:
            parts.setdefault(self.server_of_shard.get(shard_of(item), 0), []).append(item)
        return [(self.all[place], part) for place, part in sorted(parts.items())]

    def shares(self, shards: Iterable[ShardT]) -> list[tuple[T, list[ShardT]]]:
        """Return the given shards by server, with an empty list for a server without any."""
        shares: list[list[ShardT]] = [[] for _ in self.all]
        for shard in shards:
            shares[self.server_of_shard.get(shard, 0)].append(shard)
        return list(zip(self.all, shares, strict=True))

    def each(self, make: Callable[[T], U]) -> "ByServer[U]":
        """Make something of each server's, the main one's first."""
        return ByServer(tuple(make(one) for one in self.all), self.server_of_shard)
