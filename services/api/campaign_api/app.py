"""The Flask application, made from its collaborators."""

from collections.abc import Sequence
from importlib.metadata import version

from opentelemetry.trace import Tracer

from campaign_api.access.api_key_records import ApiKeyRecords
from campaign_api.audit.event_log import EventLog
from campaign_api.campaigns.campaign_reader import ProviderRests
from campaign_api.campaigns.changes import CampaignChanges
from campaign_api.campaigns.intake import CampaignIntake
from campaign_api.dashboard.application import Dashboard
from campaign_api.dashboard.shown import Shown
from campaign_api.erased.arrivals import ErasureRegister
from campaign_api.erased.check import ErasureKeyCheck
from campaign_api.erased.keys import ErasureKeys
from campaign_api.lists.importer.recipient_list import CsvImporter
from campaign_api.lists.importer.slots import ImportSlots
from campaign_api.lists.importer.turn import Turn
from campaign_api.lists.list_upload import ListUploads
from campaign_api.lists.recipient_lists import RecipientLists
from campaign_api.messages.campaign_messages import CampaignMessages
from campaign_api.messages.erasing import Eraser
from campaign_api.messages.error_counts import ErrorCounts
from campaign_api.messages.inbound_records import InboundRecords
from campaign_api.messages.recipient_history import RecipientHistory
from campaign_api.messages.statistics import Statistics
from campaign_api.metrics import ApiMetrics
from campaign_api.providers.limit_records import LimitRecords
from campaign_api.providers.overview import ProviderOverview
from campaign_api.providers.routes_in_force import RoutesInForce
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.routes import (
    camp,
    campaign_actions,
    campaign_events,
    campaign_messages,
    campaigns,
    health,
    messages,
    previews,
    recipient_lists,
    stats,
    trial_message,
    webhooks,
)
from campaign_api.routes.access import api_keys, whoami
from campaign_api.routes.people import inbound, recipients, suppressions, unsubscribe
from campaign_api.routes.providers import callbacks as provider_callbacks
from campaign_api.routes.providers import checks as provider_checks
from campaign_api.routes.providers import limits as provider_limits
from campaign_api.routes.providers import overview as provider_overview
from campaign_api.routes.providers import route_weights
from campaign_api.suppressions.suppression_import import SuppressionImport
from campaign_api.suppressions.suppression_records import SuppressionRecords
from campaign_api.suppressions.unsubscribing import Unsubscribing
from campaign_api.web.auth.api_key_cache import ApiKeyCache
from campaign_api.web.auth.authentication import Authentication
from campaign_api.web.http import problems, request_line
from campaign_api.web.idempotency.idempotent_requests import Idempotency
from campaign_api.web.limits import concurrency_limit
from campaign_api.web.limits.rate_limit import RateLimit
from campaign_api.web.limits.trial_limit import TrialLimit
from campaign_api.web.routing import security_headers, unread_query
from campaign_api.web.routing.application import Application
from campaign_api.web.routing.documentation import Documentation
from campaign_api.web.routing.resource import Resource
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_api.web.telemetry import access_log, request_metrics, tracing
from campaign_api.webhooks.webhook_editor import WebhookEditor
from campaign_api.webhooks.webhook_records import WebhookRecords
from campaign_common.database import Databases
from campaign_common.domain.suppressions.change_log_position import longest_transaction
from campaign_common.planning.campaign_editor import CampaignEditor
from campaign_common.settings import Settings
from campaign_providers.unsubscribe.current_links import links_of
from campaign_providers.webhooks.webhook_secrets import WebhookSecrets

DRY_RUNS = 2
"""At a time in each process; each takes a share of its processor time."""


def concurrency_limits(settings: Settings) -> dict[LimitedWork, int]:
    """Return how many requests of each kind one process works on at a time.

    Together they leave some of `Threads` to everything else. An export has a thread only while
    a part of it is produced.
    """
    return {
        LimitedWork.UPLOAD: max(1, settings.api.max_imports * 3 // 4),
        LimitedWork.CREATION: max(1, settings.threads // 2),
        LimitedWork.EXPORT: max(1, settings.threads // 4),
        LimitedWork.DRY_RUN: DRY_RUNS,
        LimitedWork.TEST_MESSAGE: max(1, settings.threads // 8),
        LimitedWork.SIGN_IN: max(1, settings.threads // 8),
    }


def create_app(
    settings: Settings, databases: Databases, tracer: Tracer | None = None
) -> Application:
    """Create the application."""
    database = databases.main
    app = Application("campaign_api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.api.max_body_bytes
    app.config["MAX_PAGE_SIZE"] = settings.api.max_page_size
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    # Hooks run in this order on a request, and in reverse order on its response.
    tracing.register(app, tracer)
    access_log.register(app)
    metrics = ApiMetrics()
    app.extensions["metrics"] = metrics.requests
    app.extensions["callback_metrics"] = metrics.callbacks
    request_metrics.register(app, metrics.requests)
    security_headers.register(app)
    problems.register(app)
    request_line.register(app)
    authentication = Authentication(ApiKeyCache(database), open_to_all=settings.auth == "none")
    rate_limit = RateLimit(settings.api.requests_per_minute)
    dashboard = Dashboard(settings, databases, authentication, rate_limit)
    dashboard.answer_unknown_paths(app)
    authentication.register(app)
    rate_limit.register(app)
    unread_query.register(app)
    slots = ImportSlots(settings.api.max_imports)
    keys = ErasureKeys(settings.erasure)
    shards = settings.msg_table_sharding_size
    transactions = RetryingTransactions(database, settings.timeout)
    erasures = ErasureRegister(transactions, keys, shards)
    importer = CsvImporter(transactions, settings.import_, metrics.imports, erasures)
    editor = CampaignEditor(databases, settings)
    links = links_of(settings)
    trial_limit = TrialLimit(settings.api.test_messages_per_minute)
    shown = _shown(settings, databases, editor, importer, slots, keys)
    dashboard.register(app, shown)
    health_checks = health.resource(databases, shards, ErasureKeyCheck(database, keys))
    resources = (
        camp.resource(CampaignIntake(database, settings, slots, importer)),
        campaigns.resource(databases, editor, shown.rests),
        campaign_actions.resource(databases, shown.changes, settings),
        campaign_events.resource(database),
        campaign_events.event_log(shown.events),
        previews.resource(database, settings),
        recipient_lists.resource(shown.lists, shown.uploads, shown.upload_limits),
        campaign_messages.resource(shown.messages, shown.error_counts),
        trial_message.resource(database, settings, trial_limit, keys, links),
        messages.resource(shown.people.messages),
        recipients.resource(shown.eraser, shown.people),
        inbound.resource(shown.people.inbound),
        suppressions.resource(
            shown.people.suppressions, shown.suppression_import, shown.upload_limits
        ),
        provider_overview.resource(shown.providers),
        provider_limits.resource(shown.limits),
        route_weights.resource(database, RoutesInForce(settings)),
        provider_checks.resource(database, settings, trial_limit),
        webhooks.resource(shown.webhooks),
        stats.resource(shown.statistics),
        whoami.resource(version("camp-mgr")),
        api_keys.resource(shown.keys),
        health_checks,
    )
    if settings.dashboard == "only":
        app.register_blueprint(health_checks)
    else:
        _register(app, resources)
        unsubscribe.register(app, Unsubscribing(database, settings, links), settings.unsubscribe)
    Idempotency(database).register(app)
    concurrency_limit.register(app, concurrency_limits(settings))
    return app


def _register(app: Application, resources: Sequence[Resource]) -> None:
    """Add the routes of the API and their documentation."""
    documentation = Documentation(app, version("camp-mgr"))
    for resource in resources:
        documentation.register_blueprint(resource)
    for path, described in provider_callbacks.descriptions():
        documentation.describe(path, described)
    documentation.describe(unsubscribe.PATH, unsubscribe.description())


def _shown(
    settings: Settings,
    databases: Databases,
    editor: CampaignEditor,
    importer: CsvImporter,
    slots: ImportSlots,
    keys: ErasureKeys,
) -> Shown:
    """Make what both routes and pages use."""
    database = databases.main
    shards = settings.msg_table_sharding_size
    return Shown(
        databases,
        settings,
        CampaignChanges(databases, editor),
        ProviderRests(settings),
        ProviderOverview(databases, settings),
        Statistics(databases),
        CampaignMessages(databases),
        error_counts=ErrorCounts(databases),
        people=recipients.PersonRecords(
            RecipientHistory(databases, shards),
            InboundRecords(database),
            SuppressionRecords(database, settings, keys),
        ),
        eraser=Eraser(database, shards, keys, longest_transaction(settings.mysql.tran_timeout)),
        suppression_import=SuppressionImport(database, settings, Turn()),
        lists=RecipientLists(database),
        uploads=ListUploads(database, settings, importer),
        upload_limits=recipient_lists.UploadLimits(settings.api.max_upload_bytes, slots),
        keys=ApiKeyRecords(database),
        limits=LimitRecords(database, settings),
        webhooks=WebhookEditor(WebhookRecords(database, WebhookSecrets(settings.webhooks))),
        events=EventLog(database),
    )
