"""MysqlShards: which further database servers hold which shards."""

import re
from typing import Any

from marshmallow import ValidationError, fields

from campaign_common.settings import model
from campaign_common.settings.fields import DataSourceName, ErrorMessages
from campaign_common.settings.sections import SECTION, SectionSchema

MOST_SHARDS = 256
"""MsgTableShardingSize goes up to this."""

_RANGE = re.compile(r"\s*([0-9]{1,3})\s*(?:-\s*([0-9]{1,3})\s*)?")


class ShardNumbers(fields.Field[tuple[int, ...]]):
    """A list of shard numbers, and of ranges of them such as 4-7."""

    def __init__(self, key: str) -> None:
        expected = f"expected a list of shards from 0 to {MOST_SHARDS - 1}, such as [4, 5] or [4-7]"
        messages: ErrorMessages = {
            "invalid": expected,
            "null": expected,
            "required": f"the key is missing; {expected}",
        }
        super().__init__(data_key=key, required=True, error_messages=messages)

    def _deserialize(self, value: object, *_: object, **__: object) -> tuple[int, ...]:
        if not isinstance(value, list) or not value:
            raise self.make_error("invalid")
        shards = [shard for item in value for shard in self._numbers(item)]
        if len(set(shards)) < len(shards):
            raise ValidationError("expected each shard once")
        return tuple(sorted(shards))

    def _numbers(self, item: object) -> range:
        written = None if isinstance(item, bool) else _RANGE.fullmatch(str(item))
        if written is None:
            raise self.make_error("invalid")
        first, last = int(written[1]), int(written[2] or written[1])
        if not first <= last < MOST_SHARDS:
            raise self.make_error("invalid")
        return range(first, last + 1)


class ShardServerSchema(SectionSchema):
    """An item of MysqlShards: a server and the shards that it holds."""

    makes = model.ShardServerSettings
    dsn = DataSourceName("DSN")
    shards = ShardNumbers("Shards")


class ShardServers(fields.List[Any]):
    """The servers that hold shards besides the main one."""

    def __init__(self, key: str) -> None:
        item = fields.Nested(ShardServerSchema, error_messages={"null": SECTION})
        expected = "expected a list of sections with DSN and Shards"
        messages: ErrorMessages = {"invalid": expected, "null": expected}
        super().__init__(item, data_key=key, error_messages=messages)

    def _deserialize(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - marshmallow's
        return tuple(super()._deserialize(*arguments, **named))


def refuse_shared(
    mysql: model.MysqlSettings, servers: tuple[model.ShardServerSettings, ...]
) -> None:
    """Refuse a shard with two servers, and a database that is named twice.

    Raises:
        ValidationError: names the item, the key and what was expected.
    """
    holders: dict[int, int] = {}
    databases = {(mysql.dsn.address, mysql.dsn.database): "Mysql.DSN"}
    for place, server in enumerate(servers):
        named = databases.setdefault(
            (server.dsn.address, server.dsn.database), f"MysqlShards.{place}.DSN"
        )
        if named != f"MysqlShards.{place}.DSN":
            raise ValidationError({place: {"DSN": [f"expected another database than {named} has"]}})
        for shard in server.shards:
            if holders.setdefault(shard, place) != place:
                said = f"expected each shard once, {shard} is on MysqlShards.{holders[shard]} too"
                raise ValidationError({place: {"Shards": [said]}})
