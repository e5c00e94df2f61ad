"""What can be done to a campaign through the API, and in which states."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from campaign_common.campaign import TRANSITIONS, CampaignState, Transition
from campaign_common.errors import TransitionRefused


class Verb(StrEnum):
    """What follows the id in POST /v1/campaigns/{id}/…, and does something to a campaign."""

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

ALLOWED_IN: dict[Verb, frozenset[CampaignState]] = {
    Verb.SCHEDULE: _FROM[Transition.SCHEDULE],
    # To start one now is to schedule it for now: a scheduler does the rest.
    Verb.START: _FROM[Transition.SCHEDULE],
    Verb.PAUSE: _FROM[Transition.PAUSE],
    Verb.RESUME: _FROM[Transition.RESUME],
    Verb.CANCEL: _FROM[Transition.CANCEL],
    Verb.RETRY: _FROM[Transition.RETRY],
    Verb.CLONE: _ANY,
    Verb.PREVIEW: _ANY,
    Verb.DRY_RUN: _ANY,
    Verb.TEST: _ANY,
}
"""Each verb, and the states that allow it."""


def allowed_verbs(state: CampaignState) -> list[str]:
    """List the verbs that `state` allows."""
    return [verb.value for verb, states in ALLOWED_IN.items() if state in states]


def refused(asked: str, state: CampaignState) -> TransitionRefused:
    """Say that `state` does not allow what was `asked`, and which verbs it allows."""
    return TransitionRefused(asked, state.value, allowed_verbs(state))


@contextmanager
def naming_verbs() -> Iterator[None]:
    """Let a refused transition name what the API allows, not what the system itself does.

    Raises:
        TransitionRefused: as the block did, with other words.
    """
    try:
        yield
    except TransitionRefused as error:
        raise refused(error.transition, CampaignState(error.state)) from error
