"""Files that no recipient list may be read from: a database's data, and the API's own secrets."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.dsn import Dsn
from campaign_common.errors import CampaignError, UserError
from campaign_common.settings import SecretSettings, Settings

DATA_FOLDER = "SELECT @@datadir"

LONGEST_LOOK = 2.0
"""Seconds for a database to return its data folder; without an answer it is left out."""

KEY_FILES = ("ssl.key.location", "ssl.keystore.location", "sasl.oauthbearer.assertion.file")
"""Properties of librdkafka that name files with secrets."""


def private_files(settings: Settings) -> tuple[Path, ...]:
    """Return the files that hold secrets of the service, the configuration first."""
    named = (settings.kafka_properties.get(name) for name in KEY_FILES)
    return (
        *settings.sources,
        *(Path(path) for path in named if path),
        *(secret.file for secret in _secrets_of_callbacks(settings) if secret.file is not None),
        *(each.file for each in settings.erasure.keys if each.file is not None),
        *(each.file for each in settings.webhooks.keys if each.file is not None),
    )


def _secrets_of_callbacks(settings: Settings) -> Iterator[SecretSettings]:
    yield from settings.callbacks.secrets
    for provider in settings.providers_with_callbacks.values():
        needed = provider.callbacks.placeholders if provider.callbacks is not None else ()
        yield from (provider.secrets[each.secret] for each in needed if each.secret is not None)


def require_apart(settings: Settings, databases: Sequence[Database]) -> list[str]:
    """Require that CsvRoot holds neither a database's data nor secrets; return warnings.

    The configuration file may lie there, as it does where CsvRoot is the working folder: it is
    never opened as a list. Of databases, those on this machine are asked for their data folder.

    Raises:
        UserError: CsvRoot holds what it must not, or lies inside of it.
    """
    root = _real(settings.csv_root)
    for folder in _data_folders(databases):
        if folder.is_relative_to(root) or root.is_relative_to(folder):
            raise UserError(
                f"CsvRoot {settings.csv_root}: the database's data folder {folder} lies there;"
                " expected a folder of its own"
            )
    inside = [path for path in private_files(settings) if _real(path).is_relative_to(root)]
    configuration = settings.sources[:1]
    for path in inside:
        if path not in configuration:
            raise UserError(
                f"CsvRoot {settings.csv_root}: {path} holds a secret of this service;"
                " expected a folder of its own"
            )
    return [
        f"{path} lies below CsvRoot, and is never read as a list; a folder of its own is better"
        for path in inside
    ]


def _data_folders(databases: Sequence[Database]) -> Iterator[Path]:
    for database in databases:
        if not _is_here(database.settings.dsn):
            continue
        with (
            suppress(CampaignError, DriverError),
            database.reading(timeout=LONGEST_LOOK) as cursor,
        ):
            cursor.execute(DATA_FOLDER)
            row = cursor.fetchone()
            # In a container of its own it names a folder that is not this machine's.
            if row and (folder := Path(str(row[0]))).is_dir():
                yield _real(folder)


def _is_here(dsn: Dsn) -> bool:
    if dsn.socket is not None or dsn.host == "localhost":
        return True
    try:
        return ip_address(dsn.host).is_loopback
    except ValueError:
        return False


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
