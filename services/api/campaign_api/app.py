"""The Flask application, made from its collaborators."""

from importlib.metadata import version

from flask import Flask

from campaign_api.intake import CampaignIntake
from campaign_api.routes import camp, campaign_verbs, campaigns, health
from campaign_api.web import access_log, problems
from campaign_api.web.documentation import Documentation
from campaign_common.database import Database
from campaign_common.settings import Settings


def create_app(settings: Settings, database: Database) -> Flask:
    """Make the application."""
    app = Flask("campaign_api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.api.max_body_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]
    access_log.register(app)
    problems.register(app)
    documentation = Documentation(app, version("camp-mgr"))
    for resource in (
        camp.resource(CampaignIntake(database, settings)),
        campaigns.resource(database),
        campaign_verbs.resource(database),
        health.resource(database, settings.msg_table_sharding_size),
    ):
        documentation.register_blueprint(resource)
    return app
