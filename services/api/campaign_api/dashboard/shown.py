"""Objects behind the screens: the same that the routes of the API use."""

from typing import NamedTuple

from campaign_api.access.api_key_records import ApiKeyRecords
from campaign_api.audit.event_log import EventLog
from campaign_api.campaigns.campaign_reader import ProviderRests
from campaign_api.campaigns.changes import CampaignChanges
from campaign_api.lists.list_upload import ListUploads
from campaign_api.lists.recipient_lists import RecipientLists
from campaign_api.messages.campaign_messages import CampaignMessages
from campaign_api.messages.erasing import Eraser
from campaign_api.messages.error_counts import ErrorCounts
from campaign_api.messages.statistics import Statistics
from campaign_api.providers.limit_records import LimitRecords
from campaign_api.providers.overview import ProviderOverview
from campaign_api.routes.people.recipients import PersonRecords
from campaign_api.routes.recipient_lists import UploadLimits
from campaign_api.suppressions.suppression_import import SuppressionImport
from campaign_api.webhooks.webhook_editor import WebhookEditor
from campaign_common.database import Databases
from campaign_common.settings import Settings


class Shown(NamedTuple):
    """The objects behind the screens; a screen that needs another one adds it here."""

    databases: Databases
    settings: Settings
    changes: CampaignChanges
    rests: ProviderRests
    providers: ProviderOverview
    statistics: Statistics
    messages: CampaignMessages
    error_counts: ErrorCounts
    people: PersonRecords
    eraser: Eraser
    suppression_import: SuppressionImport
    lists: RecipientLists
    uploads: ListUploads
    upload_limits: UploadLimits
    keys: ApiKeyRecords
    limits: LimitRecords
    webhooks: WebhookEditor
    events: EventLog
