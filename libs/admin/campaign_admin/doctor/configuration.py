"""Checks of the configuration that need nothing else."""

import stat
from collections.abc import Iterator
from pathlib import Path

from campaign_admin.doctor.finding import Finding, failed, unless, warning
from campaign_common.settings import Settings

CHECK = "configuration"
OTHERS = stat.S_IRWXO


def check_configuration(settings: Settings, file: Path | None) -> list[Finding]:
    """Check what was configured; `file` is where it stands, where that is known."""
    found = [*_notes(settings), *_file(settings, file), *_bounds(settings)]
    return unless(CHECK, found, "complete and consistent")


def _notes(settings: Settings) -> Iterator[Finding]:
    for note in settings.notes:
        yield warning(CHECK, note)
    if settings.auth == "none":
        yield warning(
            CHECK,
            "Auth is none: every client that reaches the API may do everything",
            "campaign-db key create --name me --scope admin, and leave Auth out",
        )


def _file(settings: Settings, file: Path | None) -> Iterator[Finding]:
    """A password in the file itself must not be everybody's to read."""
    if file is None or not file.is_file() or not file.stat().st_mode & OTHERS:
        return
    dsns = [settings.mysql.dsn, *(server.dsn for server in settings.mysql_shards)]
    text = file.read_text("utf-8")
    if any(dsn.password and dsn.password in text for dsn in dsns):
        yield warning(
            CHECK,
            f"{file.name} holds a database's password and every user of this machine may read it",
            f"chmod o= {file.name}, or keep the DSN in a file named by CAMP__MYSQL__DSN_FILE",
        )


def _bounds(settings: Settings) -> Iterator[Finding]:
    if settings.api.max_imports >= settings.threads:
        yield warning(
            CHECK,
            f"Api.MaxImports ({settings.api.max_imports}) is not below Threads"
            f" ({settings.threads}): uploads may keep all other requests waiting",
            "raise Threads, or lower Api.MaxImports",
        )
    if not settings.csv_root.is_dir():
        yield failed(
            CHECK,
            "CsvRoot is no folder here: campaigns that name a file would be refused",
            "make the folder, or name another one under CsvRoot; uploads do not need it",
        )
