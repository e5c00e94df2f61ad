"""/v1/campaigns/{id}: how far a campaign has come, and pausing, resuming and cancelling it."""

from functools import partial

from flask import Blueprint, Response, jsonify

from campaign_api.patience import Patience
from campaign_api.progress import describe
from campaign_api.refusals import CampaignUnknown
from campaign_common.campaign import Transition
from campaign_common.database import Database
from campaign_common.store.campaign_progress import read_progress
from campaign_common.store.counters import counts
from campaign_common.store.suspects import count_suspects
from campaign_common.store.transitions import change_state

ACTOR = "api"

PATIENCE = 10.0
"""Seconds for which a change is tried again while the database is away."""


def blueprint(database: Database) -> Blueprint:
    """Make the routes."""
    patience = Patience(database, PATIENCE)
    routes = Blueprint("campaigns", __name__, url_prefix="/v1/campaigns")

    @routes.get("/<int:campaign_id>")
    def read(campaign_id: int) -> Response:
        return described(campaign_id)

    @routes.post("/<int:campaign_id>/<any(pause, resume, cancel):verb>")
    def change(campaign_id: int, verb: str) -> Response:
        work = partial(
            change_state, campaign_id=campaign_id, transition=Transition(verb), actor=ACTOR
        )
        if patience.run(work) is None:
            raise CampaignUnknown(f"there is no campaign {campaign_id}")
        return described(campaign_id)

    def described(campaign_id: int) -> Response:
        with database.reading() as cursor:
            # The state is read first: counters read after `finished` are complete.
            campaign = read_progress(cursor, campaign_id)
            if campaign is None:
                raise CampaignUnknown(f"there is no campaign {campaign_id}")
            counted = counts(cursor, campaign_id)
            suspects = count_suspects(cursor, campaign_id)
        return jsonify(describe(campaign, counted, suspects))

    return routes
