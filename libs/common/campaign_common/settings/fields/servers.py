"""Fields for the servers: data source names, the shards of one, Kafka's security."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from marshmallow import ValidationError

from campaign_common.dsn import MASK, Dsn, mask_secrets, parse_dsn
from campaign_common.errors import DsnInvalid
from campaign_common.settings.fields.plain import Value, split_items

MOST_SHARDS = 256
"""The upper bound of MsgTableShardingSize."""

SECURITY_PREFIXES = ("security.", "sasl.", "ssl.")
SECURITY_KEYS = frozenset({"enable.ssl.certificate.verification"})

_RANGE = re.compile(r"\s*([0-9]{1,3})\s*(?:-\s*([0-9]{1,3})\s*)?")


class DataSourceName(Value[Dsn]):
    """A Go-style DSN that names a database."""

    def __init__(self) -> None:
        form = "user:password@tcp(host:3306)/database"
        super().__init__(f"expected {form}", f"`{form}`, `…@unix(/path)/…`")

    def _deserialize(self, value: object, *_: object, **__: object) -> Dsn:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            dsn = parse_dsn(value.strip())
        except DsnInvalid as error:
            raise ValidationError(str(error)) from error
        if not dsn.database:
            raise ValidationError("expected a database name after the /")
        return dsn

    def shown(self, value: object) -> str:
        """Return the DSN without its password; a mask alone where no password is recognised."""
        masked = mask_secrets(str(value))
        return MASK if masked == str(value) else masked


class ShardRanges(Value[tuple[int, ...]]):
    """A list of shard numbers and ranges such as 4-7; in the environment with commas."""

    def __init__(self) -> None:
        expected = f"expected a list of shards from 0 to {MOST_SHARDS - 1}, such as [4, 5] or [4-7]"
        super().__init__(expected, "list of numbers and ranges")

    def from_text(self, text: str) -> object:
        """Return the items between the commas."""
        return split_items(text)

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


class SecurityProperties(Value[Mapping[str, str]]):
    """Properties for librdkafka; only security, since guarantees depend on the others."""

    secret = True

    def __init__(self) -> None:
        super().__init__("expected a mapping of property to value", "mapping")

    def _deserialize(self, value: object, *_: object, **__: object) -> Mapping[str, str]:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        for name, setting in value.items():
            if not _is_security(str(name)):
                allowed = ", ".join([f"{prefix}*" for prefix in SECURITY_PREFIXES])
                message = f"expected one of {allowed}, {', '.join(SECURITY_KEYS)}"
                raise ValidationError({str(name): [message]})
            if not isinstance(setting, str | int | float):
                raise ValidationError({str(name): ["expected text, a number, true or false"]})
        return MappingProxyType({str(k): _property_text(v) for k, v in value.items()})


def _is_security(name: str) -> bool:
    return name in SECURITY_KEYS or name.startswith(SECURITY_PREFIXES)


def _property_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
