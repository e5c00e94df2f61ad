"""The configuration: one YAML file, the same for every service, and the environment over it."""

from campaign_common.settings.load import chosen_file, load_settings
from campaign_common.settings.model import (
    AnswerWord,
    ApiSettings,
    Distribution,
    HttpSettings,
    ImportSettings,
    LatencySettings,
    LogSettings,
    MysqlSettings,
    RetryClassSettings,
    RetryPolicy,
    RetrySettings,
    SchedulerSettings,
    SendClientSettings,
    SenderSettings,
    Settings,
    SimulatedSettings,
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
    "SchedulerSettings",
    "SendClientSettings",
    "SenderSettings",
    "Settings",
    "SimulatedSettings",
    "SyncClientSettings",
    "chosen_file",
    "load_settings",
]
