"""The Flask application, made from its collaborators."""

from flask import Flask

from campaign_api import access_log, problems
from campaign_api.intake import CampaignIntake
from campaign_api.routes import camp, campaigns, health
from campaign_common.database import Database
from campaign_common.settings import Settings

LARGEST_BODY = 256 * 1024
"""Bytes of a request; the longest template takes a quarter of it."""


def create_app(settings: Settings, database: Database) -> Flask:
    """Make the application."""
    app = Flask("campaign_api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    access_log.register(app)
    problems.register(app)
    app.register_blueprint(camp.blueprint(CampaignIntake(database, settings)))
    app.register_blueprint(campaigns.blueprint(database))
    app.register_blueprint(health.blueprint(database, settings.msg_table_sharding_size))
    return app
