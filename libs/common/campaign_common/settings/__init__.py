"""The configuration: one YAML file, the same for every service, and the environment over it."""

from campaign_common.settings.fields.answers import AnswerWord, TransportFailure
from campaign_common.settings.load import chosen_file, load_settings
from campaign_common.settings.sections.erasure import ErasureSettings
from campaign_common.settings.sections.processes import (
    ApiSettings,
    ImportSettings,
    LogSettings,
    SenderSettings,
    TracingSettings,
)
from campaign_common.settings.sections.providers.answers import AnswerRule, AnswerRules
from campaign_common.settings.sections.providers.http import HttpConnectionSettings, HttpSettings
from campaign_common.settings.sections.providers.request import (
    HttpProviderSettings,
    HttpRequestSettings,
    SecretSettings,
)
from campaign_common.settings.sections.providers.simulated import (
    Distribution,
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
    "AnswerRule",
    "AnswerRules",
    "AnswerWord",
    "ApiSettings",
    "Distribution",
    "ErasureSettings",
    "HttpConnectionSettings",
    "HttpProviderSettings",
    "HttpRequestSettings",
    "HttpSettings",
    "ImportSettings",
    "LatencySettings",
    "LogSettings",
    "MysqlSettings",
    "RetryClassSettings",
    "RetryPolicy",
    "RetrySettings",
    "SecretSettings",
    "SendClientSettings",
    "SenderSettings",
    "Settings",
    "SimulatedSettings",
    "SyncClientSettings",
    "TracingSettings",
    "TransportFailure",
    "chosen_file",
    "load_settings",
]
