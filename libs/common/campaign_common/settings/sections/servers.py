"""Mysql, MysqlShards, SyncClient, SendClient: the database's and Kafka's servers."""

from collections.abc import Iterator
from typing import Literal

from campaign_common.dsn import Dsn
from campaign_common.settings.declaration import Conflict, key, section_class
from campaign_common.settings.fields.plain import Choice, Duration, Int, String, Words
from campaign_common.settings.fields.servers import DataSourceName, ShardRanges


@section_class
class MysqlSettings:
    """The database, and the limits of waiting for it."""

    addr: str | None = key("Addr", String(), default=None, original=True, example="127.0.0.1:3306")
    """The address of the database, for information only. The DSN decides; a difference is
    logged."""
    dsn: Dsn = key(
        "DSN",
        DataSourceName(),
        original=True,
        example="root:123456@tcp(127.0.0.1:3306)/camp?&parseTime=true&charset=utf8mb4",
    )
    """The database and its user. See [the DSN](#the-dsn)."""
    active: int = key("Active", Int(1, 10_000), default=64, original=True)
    """Connections that one process opens at most. A caller waits for a free one for up to
    `TranTimeout`."""
    idle: int = key("Idle", Int(0, 10_000), default=64, original=True)
    """Unused connections that one process keeps open at most."""
    idle_timeout: float = key("IdleTimeout", Duration("1s"), default="4h", original=True)
    """A connection that was unused for longer is replaced before its next use. MySQL itself ends a
    session that is silent for `TranTimeout` and a second."""
    query_timeout: float = key(
        "QueryTimeout", Duration("100ms", "24h"), default="5s", original=True
    )
    """The time limit of a SELECT."""
    exec_timeout: float = key("ExecTimeout", Duration("100ms", "24h"), default="5s", original=True)
    """The time limit of any other statement."""
    tran_timeout: float = key("TranTimeout", Duration("100ms", "24h"), default="5s", original=True)
    """The time limit of a transaction, and of the wait for a free connection."""


@section_class
class ShardServerSettings:
    """A further database server, and the shards that live there instead of on the main one."""

    dsn: Dsn = key("DSN", DataSourceName())
    """As `Mysql.DSN`."""
    shards: tuple[int, ...] = key("Shards", ShardRanges())
    """The shards that this server holds."""


@section_class
class SyncClientSettings:
    """The scheduler's producer."""

    topic: str = key("Topic", String(longest=249), default="Sync-Msg-T", original=True)
    """The topic that carries messages. Dead letters go to the same name with `-DLQ`."""
    brokers: tuple[str, ...] = key(
        "Brokers", Words("host:port"), original=True, example=["127.0.0.1:9092"]
    )
    """The bootstrap brokers."""


@section_class
class SendClientSettings:
    """The senders' consumer group."""

    topics: tuple[str, ...] = key(
        "Topics", Words("topic names"), default=(), original=True, example=["Sync-Msg-T"]
    )
    """Exactly the topic of `SyncClient`, which is the default. There is one topic per
    system, so that each shard has one owner."""
    brokers: tuple[str, ...] = key(
        "Brokers", Words("host:port"), original=True, example=["127.0.0.1:9092"]
    )
    """The bootstrap brokers."""
    group: str = key("Group", String(), default="Msg-Consumer-G", original=True)
    """The consumer group."""
    group_protocol: Literal["auto", "consumer", "classic"] = key(
        "GroupProtocol", Choice("auto", "consumer", "classic"), default="auto"
    )
    """The protocol of the consumer group. `consumer` is that of KIP-848, `classic` the older one
    with cooperative-sticky assignment. `auto` asks the broker and takes `consumer` where it is
    offered."""


def shared_servers(
    mysql: MysqlSettings, servers: tuple[ShardServerSettings, ...]
) -> Iterator[Conflict]:
    """Yield the first shard that has two servers, or database that is named twice."""
    holders: dict[int, int] = {}
    databases = {(mysql.dsn.address, mysql.dsn.database): "Mysql.DSN"}
    for place, server in enumerate(servers):
        above = ("MysqlShards", str(place))
        own = f"MysqlShards.{place}.DSN"
        named = databases.setdefault((server.dsn.address, server.dsn.database), own)
        if named != own:
            yield (*above, "DSN"), f"expected another database than {named} has"
            return
        for shard in server.shards:
            if holders.setdefault(shard, place) != place:
                other = f"{shard} is on MysqlShards.{holders[shard]} too"
                yield (*above, "Shards"), f"expected each shard once, {other}"
                return
