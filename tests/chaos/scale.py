"""The amount of chaos: the short form for every test run, the long one for `make chaos`."""

import os
from dataclasses import dataclass
from typing import TypeVar

FORM_VARIABLE = "CHAOS_FORM"
SEED_VARIABLE = "CHAOS_SEED"

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Scale:
    """The size of a run, and the seed of its random points."""

    is_long: bool
    seed: int

    def choose(self, short: Number, long: Number) -> Number:
        """Pick a number by the form."""
        return long if self.is_long else short

    def patience(self, short: float) -> float:
        """Seconds to wait for a campaign, given those of the short form."""
        return short * 10 if self.is_long else short


def scale_from_environment(seed: int | None = None) -> Scale:
    """Read form and seed from the environment; a given seed goes before, a missing one is drawn."""
    form = os.environ.get(FORM_VARIABLE, "short")
    if form not in {"short", "long"}:
        raise ValueError(f"{FORM_VARIABLE} is short or long, not {form}")
    if seed is None:
        named = os.environ.get(SEED_VARIABLE)
        seed = int(named) if named else int.from_bytes(os.urandom(4), "big")
    return Scale(is_long=form == "long", seed=seed)
