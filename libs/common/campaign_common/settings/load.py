"""Reading the configuration: which file, what the environment replaces, what it all means."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from marshmallow import ValidationError

from campaign_common.errors import SettingsError
from campaign_common.settings.document import read_document
from campaign_common.settings.model import Settings
from campaign_common.settings.overrides import KeyPath, apply, from_files, overrides
from campaign_common.settings.refusal import describe
from campaign_common.settings.schema import SettingsSchema

PATH_VARIABLE = "CAMP_CONFIG"
DEFAULT_PATH = Path("campmgr.yaml")
ENVIRONMENT_ONLY = f"environment (no -c FILE, no {PATH_VARIABLE}, no ./{DEFAULT_PATH})"


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Load the configuration.

    The file is `path`, else the one that CAMP_CONFIG names, else ./campmgr.yaml where it
    exists; without any, everything comes from `environ`, whose CAMP__ variables replace
    single keys in any case.

    Raises:
        SettingsError: one line that names the file or variable, the key, its value with
            secrets masked, and what was expected.
    """
    source = chosen_file(path, environ)
    document = read_document(source) if source else {}
    schema = SettingsSchema()
    variables: dict[KeyPath, str] = {}
    for override in overrides(schema, environ):
        apply(document, override)
        variables[override.path] = override.variable

    def origin(key: KeyPath) -> str:
        variable = variables.get(key) or variables.get(key[:-1])
        return f"environment {variable}" if variable else str(source or ENVIRONMENT_ONLY)

    try:
        loaded = cast("Settings", schema.load(document))
    except ValidationError as error:
        messages = error.messages_dict
        raise SettingsError(describe(messages, document, schema, origin)) from None
    files = [Path(environ[variable]) for variable in from_files(environ)]
    return replace(_completed(loaded), sources=tuple([source, *files] if source else files))


def chosen_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the file that `load_settings` reads; None when there is none."""
    if path is not None:
        return path
    if environ.get(PATH_VARIABLE):
        return Path(environ[PATH_VARIABLE])
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None


def _completed(settings: Settings) -> Settings:
    topics = replace(settings.send_client, topics=(settings.sync_client.topic,))
    mysql = settings.mysql
    notes: tuple[str, ...] = ()
    if mysql.addr and mysql.addr != mysql.dsn.address:
        notes = (f"Mysql.Addr {mysql.addr} is not used: Mysql.DSN names {mysql.dsn.address}",)
    return replace(settings, send_client=topics, notes=notes)
