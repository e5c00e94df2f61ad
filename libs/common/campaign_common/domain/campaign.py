"""The life of a campaign: its states, and the transitions between them as data."""

from enum import StrEnum
from typing import NewType

from campaign_common.errors import TransitionRefused

CampaignId = NewType("CampaignId", int)
"""The number of a campaign."""

CampaignEpoch = NewType("CampaignEpoch", int)
"""Rises with every change of a campaign's state, every retry that a person orders, and every new
fan-out."""

LeaseEpoch = NewType("LeaseEpoch", int)
"""Rises with every lease of a campaign to a scheduler, and whenever a lease is taken away."""


class CampaignState(StrEnum):
    """State of a campaign."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Transition(StrEnum):
    """An action on a campaign that changes its state."""

    SCHEDULE = "schedule"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    CANCEL = "cancel"
    RETRY = "retry"
    FAIL = "fail"
    HOLD = "hold"


class Delivery(StrEnum):
    """The guarantee for a message when a sender crashes in the middle of a provider request.

    `at_least_once`: it is sent again under the same idempotency key.
    `at_most_once`: it is not sent again after a send that may have been accepted, and ends as
    `unknown`.
    """

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


_S, _T = CampaignState, Transition

TRANSITIONS: dict[Transition, tuple[frozenset[CampaignState], CampaignState]] = {
    _T.SCHEDULE: (frozenset({_S.DRAFT, _S.SCHEDULED}), _S.SCHEDULED),
    _T.START: (frozenset({_S.SCHEDULED}), _S.RUNNING),
    _T.PAUSE: (frozenset({_S.RUNNING}), _S.PAUSED),
    _T.RESUME: (frozenset({_S.PAUSED}), _S.RUNNING),
    _T.FINISH: (frozenset({_S.RUNNING}), _S.FINISHED),
    _T.CANCEL: (
        frozenset({_S.DRAFT, _S.SCHEDULED, _S.RUNNING, _S.PAUSED}),
        _S.CANCELLED,
    ),
    _T.RETRY: (frozenset({_S.RUNNING, _S.FINISHED}), _S.RUNNING),
    _T.FAIL: (frozenset({_S.SCHEDULED}), _S.FAILED),
    # After a restore from a backup a person decides again what is to start.
    _T.HOLD: (frozenset({_S.SCHEDULED}), _S.DRAFT),
}
"""Each transition: the states it may leave, and the one state it enters."""

NOT_STARTED = frozenset({_S.DRAFT, _S.SCHEDULED})
"""States in which a campaign has sent nothing and may be changed."""

OVER = frozenset({_S.FINISHED, _S.CANCELLED, _S.FAILED})
"""States in which a campaign sends nothing any more."""


def apply(transition: Transition, state: CampaignState) -> CampaignState:
    """Return the state that `transition` leads to from `state`.

    Raises:
        TransitionRefused: `state` does not allow it; names what it does allow.
    """
    sources, target = TRANSITIONS[transition]
    if state not in sources:
        raise TransitionRefused(transition, state, allowed(state))
    return target


def allowed(state: CampaignState) -> list[Transition]:
    """List the transitions that `state` allows."""
    return [transition for transition, (sources, _) in TRANSITIONS.items() if state in sources]
