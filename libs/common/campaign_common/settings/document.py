"""The YAML file as plain values; a key given twice is refused instead of half ignored."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from campaign_common.errors import SettingsError


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


def read_document(path: Path) -> dict[str, Any]:
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
