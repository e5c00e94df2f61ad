"""Reading the configuration: the file, and the environment over it."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import yaml
from marshmallow import ValidationError

from campaign_common.errors import SettingsError
from campaign_common.settings.declaration import KeyPath, schema_of
from campaign_common.settings.overrides import apply, from_files, overrides
from campaign_common.settings.refusal import describe
from campaign_common.settings.sections.callbacks_of_providers import unused_callbacks
from campaign_common.settings.sections.root import Settings

PATH_VARIABLE = "CAMP_CONFIG"
DEFAULT_PATH = Path("campmgr.yaml")
ENVIRONMENT_ONLY = f"environment (no -c FILE, no {PATH_VARIABLE}, no ./{DEFAULT_PATH})"

AUTHORIZATION: KeyPath = ("Http", "Authorization")
"""The key whose file is read again when it changes."""

_SCHEMA = schema_of(Settings)


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
    document = _read_document(source) if source else {}
    schema = _SCHEMA()
    variables: dict[KeyPath, str] = {}
    authorization_file: Path | None = None
    for override in overrides(schema, environ):
        apply(document, override)
        variables[override.path] = override.variable
        if override.path == AUTHORIZATION and override.file is not None:
            authorization_file = override.file

    def origin(key: KeyPath) -> str:
        variable = variables.get(key) or variables.get(key[:-1])
        return f"environment {variable}" if variable else str(source or ENVIRONMENT_ONLY)

    try:
        loaded = cast("Settings", schema.load(document))
    except ValidationError as error:
        messages = error.messages_dict
        raise SettingsError(describe(messages, document, schema, origin)) from None
    loaded = replace(loaded, http=replace(loaded.http, authorization_file=authorization_file))
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
    for name in unused_callbacks(settings.callbacks, settings.providers):
        notes += (f"Providers.{name}.Callbacks are not used: there is no Callbacks.BaseUrl",)
    if settings.suppressions.hard_bounces.after is not None and settings.hard_bounces is None:
        notes += ("Suppressions.HardBounces are not used: no callbacks have codes of them",)
    return replace(settings, send_client=topics, notes=notes)


class _UniqueKeys(yaml.SafeLoader):
    """PyYAML's safe loader, except that the last of two equal keys does not win silently."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - PyYAML's signature
    ) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"expected each key once, found {key!r} again", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _read_document(path: Path) -> dict[str, Any]:
    """Read the file at `path`; an empty one is an empty mapping.

    Raises:
        SettingsError: not readable, not YAML, or not a mapping.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: expected a readable file ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: expected UTF-8 text ({error.reason})") from error
    try:
        document = yaml.load(content, Loader=_UniqueKeys)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise SettingsError(f"{path}{place}: expected YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: expected YAML: {' '.join(str(error).split())}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingsError(f"{path}: expected keys with values, found {type(document).__name__}")
    return {str(key): value for key, value in document.items()}
