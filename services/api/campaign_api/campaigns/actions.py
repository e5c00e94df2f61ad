"""Actions on a campaign in the API, and the states that allow them."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from campaign_common.domain.campaign import TRANSITIONS, CampaignState, Transition
from campaign_common.errors import TransitionRefused


class Action(StrEnum):
    """The last part of POST /v1/campaigns/{id}/…."""

    SCHEDULE = "schedule"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    CLONE = "clone"
    PREVIEW = "preview"
    DRY_RUN = "dry-run"
    TEST = "test"


_FROM = {transition: sources for transition, (sources, _) in TRANSITIONS.items()}
_ANY = frozenset(CampaignState)

ALLOWED_IN: dict[Action, frozenset[CampaignState]] = {
    Action.SCHEDULE: _FROM[Transition.SCHEDULE],
    # To start one now is to schedule it for now: a scheduler does the rest.
    Action.START: _FROM[Transition.SCHEDULE],
    Action.PAUSE: _FROM[Transition.PAUSE],
    Action.RESUME: _FROM[Transition.RESUME],
    Action.CANCEL: _FROM[Transition.CANCEL],
    Action.RETRY: _FROM[Transition.RETRY],
    Action.CLONE: _ANY,
    Action.PREVIEW: _ANY,
    Action.DRY_RUN: _ANY,
    Action.TEST: _ANY,
}
"""The states that allow each action."""


def allowed_actions(state: CampaignState) -> list[str]:
    """Return the actions that `state` allows."""
    return [action.value for action, states in ALLOWED_IN.items() if state in states]


def action_refused(asked: str, state: CampaignState) -> TransitionRefused:
    """Return the error for an action that `state` does not allow, with those that it allows."""
    return TransitionRefused(asked, state.value, allowed_actions(state))


@contextmanager
def naming_api_actions() -> Iterator[None]:
    """Name the actions of the API in a refused transition, not internal transitions.

    Raises:
        TransitionRefused: as the block did, with other words.
    """
    try:
        yield
    except TransitionRefused as error:
        raise action_refused(error.transition, CampaignState(error.state)) from error
