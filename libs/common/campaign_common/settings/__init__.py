"""The configuration: one YAML file, the same for every service, and the environment over it."""

from campaign_common.settings.fields.http import AnswerWord
from campaign_common.settings.load import chosen_file, load_settings
from campaign_common.settings.sections.processes import (
    ApiSettings,
    ImportSettings,
    LogSettings,
    SenderSettings,
    TracingSettings,
)
from campaign_common.settings.sections.providers import (
    Distribution,
    HttpSettings,
    LatencySettings,
    SimulatedSettings,
)
from campaign_common.settings.sections.retry import RetryClassSettings, RetryPolicy, RetrySettings
from campaign_common.settings.sections.root import Settings
from campaign_common.settings.sections.servers import (
    MysqlSettings,
    SendClientSettings,
    SyncClientSettings,
)

__all__ = [
    "AnswerWord",
    "ApiSettings",
    "Distribution",
    "HttpSettings",
    "ImportSettings",
    "LatencySettings",
    "LogSettings",
    "MysqlSettings",
    "RetryClassSettings",
    "RetryPolicy",
    "RetrySettings",
    "SendClientSettings",
    "SenderSettings",
    "Settings",
    "SimulatedSettings",
    "SyncClientSettings",
    "TracingSettings",
    "chosen_file",
    "load_settings",
]
