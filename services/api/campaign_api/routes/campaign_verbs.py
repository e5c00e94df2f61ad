"""POST /v1/campaigns/{id}/…: what can be done to a campaign."""

from functools import partial
from typing import Any

from campaign_api.campaign_reader import progress_of
from campaign_api.patience import Patience
from campaign_api.refusals import CampaignUnknown
from campaign_api.schemas.progress import Progress
from campaign_api.web.caller import caller
from campaign_api.web.resource import Resource
from campaign_common.campaign import Transition
from campaign_common.database import Database
from campaign_common.store.transitions import change_state

PATIENCE = 10.0
"""Seconds for which a change is tried again while the database is away."""


def resource(database: Database) -> Resource:
    """Make the routes."""
    patience = Patience(database, PATIENCE)
    routes = Resource(
        "campaign verbs",
        __name__,
        url_prefix="/v1/campaigns/<int:campaign_id>",
        description="What can be done to a campaign.",
    )

    def change(campaign_id: int, transition: Transition) -> dict[str, Any]:
        work = partial(
            change_state, campaign_id=campaign_id, transition=transition, actor=caller().name
        )
        if patience.run(work) is None:
            raise CampaignUnknown(f"there is no campaign {campaign_id}")
        return progress_of(database, campaign_id)

    @routes.post("/pause")
    @routes.response(200, Progress)
    @routes.problems(404, 409)
    def pause(campaign_id: int) -> dict[str, Any]:
        """Stop a running campaign for now: no call starts later than 2 s after the answer."""
        return change(campaign_id, Transition.PAUSE)

    @routes.post("/resume")
    @routes.response(200, Progress)
    @routes.problems(404, 409)
    def resume(campaign_id: int) -> dict[str, Any]:
        """Go on with exactly those who have no outcome yet."""
        return change(campaign_id, Transition.RESUME)

    @routes.post("/cancel")
    @routes.response(200, Progress)
    @routes.problems(404, 409)
    def cancel(campaign_id: int) -> dict[str, Any]:
        """End a campaign for good; who has no outcome gets none any more."""
        return change(campaign_id, Transition.CANCEL)

    return routes
