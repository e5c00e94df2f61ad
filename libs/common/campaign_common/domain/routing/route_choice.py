"""Weights of the providers of a route that people set while services run, as they are stored."""

from collections.abc import Sequence
from typing import Any, NamedTuple

LARGEST_WEIGHT = 1_000_000


class UnreadableWeights(ValueError):
    """Stored weights are of a version that says more, or something else."""


class RouteChoice(NamedTuple):
    """A provider of a route.

    `weight`: the share of messages that begin with it, in proportion to the others. Where it is not
    `enabled`, it takes no message for which it is not chosen already, by failover neither.
    """

    provider: str
    weight: int
    enabled: bool = True


def choices_as_json(choices: Sequence[RouteChoice]) -> list[dict[str, Any]]:
    """Return choices as plain values."""
    return [one._asdict() for one in choices]


def choices_of_json(stored: object) -> tuple[RouteChoice, ...]:
    """Return choices of plain values.

    Raises:
        UnreadableWeights: they are of another version.
    """
    if not isinstance(stored, list) or not stored:
        raise UnreadableWeights(f"{stored!r} is no list of choices")
    return tuple(_choice_of(one) for one in stored)


def _choice_of(stored: object) -> RouteChoice:
    if not isinstance(stored, dict) or stored.keys() != {*RouteChoice._fields}:
        raise UnreadableWeights(f"{stored!r} is no choice of this version")
    choice = RouteChoice(**stored)
    is_weight = type(choice.weight) is int and 0 <= choice.weight <= LARGEST_WEIGHT
    if not isinstance(choice.provider, str) or not is_weight or type(choice.enabled) is not bool:
        raise UnreadableWeights(f"{stored!r} is no choice of this version")
    return choice
