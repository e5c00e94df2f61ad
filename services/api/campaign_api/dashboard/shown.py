"""Objects behind the screens: the same that the routes of the API use."""

from typing import NamedTuple

from campaign_api.access.api_key_records import ApiKeyRecords
from campaign_api.audit.event_log import EventLog
from campaign_api.campaigns.campaign_reader import ProviderRests
from campaign_api.campaigns.changes import CampaignChanges
from campaign_api.messages.campaign_messages import CampaignMessages
from campaign_api.messages.statistics import Statistics
from campaign_api.providers.limit_records import LimitRecords
from campaign_api.providers.overview import ProviderOverview
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
    keys: ApiKeyRecords
    limits: LimitRecords
    webhooks: WebhookEditor
    events: EventLog
