"""One thing for each database server: the main one, and those that hold shards of the ledger."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


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

    def holding(self, shards: Iterable[int]) -> list[tuple[T, list[int]]]:
        """Group shards by the server that holds them; a server without any is left out."""
        groups: dict[int, list[int]] = {}
        for shard in shards:
            groups.setdefault(self.server_of_shard.get(shard, 0), []).append(shard)
        return [(self.all[place], group) for place, group in sorted(groups.items())]

    def shares(self, shards: Iterable[int]) -> list[tuple[T, list[int]]]:
        """Return the given shards by server, with an empty list for a server without any."""
        shares: list[list[int]] = [[] for _ in self.all]
        for shard in shards:
            shares[self.server_of_shard.get(shard, 0)].append(shard)
        return list(zip(self.all, shares, strict=True))

    def each(self, make: Callable[[T], U]) -> "ByServer[U]":
        """Make something of each server's, the main one's first."""
        return ByServer(tuple(make(one) for one in self.all), self.server_of_shard)
