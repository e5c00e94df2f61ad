"""Prefixes of phone numbers as keys of a mapping."""

from collections.abc import Iterable

from campaign_common.domain.content.price import LONGEST_PREFIX

NOT_QUOTED = 'expected prefixes in quotes, such as "49"'
NO_PREFIX = f"expected a prefix of 1 to {LONGEST_PREFIX} digits that does not begin with 0"


def are_quoted(keys: Iterable[object]) -> bool:
    """Return whether all keys are text, as keys in quotes are.

    YAML reads 043, 4_9 and 1:30 without quotes as the numbers 35, 49 and 90.
    """
    return all(isinstance(key, str) for key in keys)
