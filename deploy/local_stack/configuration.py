"""The configuration file of the services on a local stack."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

TOPIC = "Sync-Msg-T"
GROUP = "Msg-Consumer-G"

# What the file says about addresses must hold: a variable left over in the user's shell could
# lead a demonstration to a server that is not ours. Any other setting may be overridden.
_ADDRESSES = ("MYSQL", "SYNCCLIENT", "SENDCLIENT", "KAFKAPROPERTIES", "HOST", "PORT", "CSVROOT")
_OVERRIDE_PREFIX = "CAMP__"


@dataclass(frozen=True)
class Addresses:
    """Addresses of the servers, and the folder for the services' files."""

    folder: Path
    dsn: str
    brokers: str
    topic: str = TOPIC
    group: str = GROUP
    kafka_properties: Mapping[str, str] = field(default_factory=dict)
    """Client properties with the broker's password, if the broker requires one."""


def write_configuration(
    addresses: Addresses, port: int, csv_root: Path, settings: Mapping[str, object]
) -> Path:
    """Write the file that every service reads with -c, and return its path.

    `settings` are further sections, and keys of the first level.
    """
    brokers = [addresses.brokers]
    sections = {
        "Name": "camp-mgr",
        "Host": "127.0.0.1",
        "Port": port,
        "CsvRoot": str(csv_root.absolute()),
        "Mysql": {"DSN": addresses.dsn},
        "SyncClient": {"Topic": addresses.topic, "Brokers": brokers},
        "SendClient": {"Topics": [addresses.topic], "Brokers": brokers, "Group": addresses.group},
    }
    if addresses.kafka_properties:
        sections["KafkaProperties"] = dict(addresses.kafka_properties)
    file = addresses.folder / "campmgr.yaml"
    write_private(file, yaml.safe_dump({**settings, **sections}, sort_keys=False))
    return file


def write_private(file: Path, text: str) -> None:
    """Write a file that its owner alone may read; it may hold passwords."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        os.fchmod(descriptor, 0o600)  # of one that was there before
        out.write(text)


def without_addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without overrides of the addresses in the file."""
    return {name: value for name, value in environment.items() if not _is_address(name)}


def _is_address(name: str) -> bool:
    if not name.upper().startswith(_OVERRIDE_PREFIX):
        return False
    first_key = name.upper().removeprefix(_OVERRIDE_PREFIX).partition("__")[0]
    return first_key.removesuffix("_FILE") in _ADDRESSES
