"""The configuration: one YAML file, the same for every service, and the environment over it."""

from campaign_common.settings.fields.answers import AnswerWord, TransportFailure
from campaign_common.settings.fields.callbacks import VerifyWay
from campaign_common.settings.load import chosen_file, load_settings
from campaign_common.settings.sections.callbacks import (
    CallbacksSettings,
    ReferenceSecretSettings,
)
from campaign_common.settings.sections.oidc import OidcScopeSettings, OidcSettings
from campaign_common.settings.sections.people.erasure import ErasureSettings
from campaign_common.settings.sections.people.inbound import InboundKeywordSettings, InboundSettings
from campaign_common.settings.sections.people.unsubscribe import (
    BUILT_IN_LANGUAGES,
    UnsubscribeScope,
    UnsubscribeSettings,
)
from campaign_common.settings.sections.processes import (
    ApiSettings,
    ImportSettings,
    LogSettings,
    SenderSettings,
    TracingSettings,
)
from campaign_common.settings.sections.providers.answers import AnswerRule, AnswerRules
from campaign_common.settings.sections.providers.callbacks import ProviderCallbackSettings
from campaign_common.settings.sections.providers.http import HttpConnectionSettings, HttpSettings
from campaign_common.settings.sections.providers.request import (
    HttpProviderSettings,
    HttpRequestSettings,
)
from campaign_common.settings.sections.providers.secrets import SecretSettings
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
from campaign_common.settings.sections.webhooks import WebhooksSettings

__all__ = [
    "BUILT_IN_LANGUAGES",
    "AnswerRule",
    "AnswerRules",
    "AnswerWord",
    "ApiSettings",
    "CallbacksSettings",
    "Distribution",
    "ErasureSettings",
    "HttpConnectionSettings",
    "HttpProviderSettings",
    "HttpRequestSettings",
    "HttpSettings",
    "ImportSettings",
    "InboundKeywordSettings",
    "InboundSettings",
    "LatencySettings",
    "LogSettings",
    "MysqlSettings",
    "OidcScopeSettings",
    "OidcSettings",
    "ProviderCallbackSettings",
    "ReferenceSecretSettings",
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
    "UnsubscribeScope",
    "UnsubscribeSettings",
    "VerifyWay",
    "WebhooksSettings",
    "chosen_file",
    "load_settings",
]
