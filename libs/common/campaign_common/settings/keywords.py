"""The policy of keywords that follows from a configuration."""

from campaign_common.domain.inbound.keyword_policy import InboundProvider, KeywordPolicy
from campaign_common.settings.sections.providers.request import HttpProviderSettings
from campaign_common.settings.sections.root import Settings


def keyword_policy_of(settings: Settings) -> KeywordPolicy:
    """Return what becomes of keywords that people send."""
    given = settings.inbound
    return KeywordPolicy(
        stop_scope=given.stop_scope,
        answers=given.answers.texts,
        interval=given.answers.interval,
        providers={
            name: _inbound_provider(provider)
            for name, provider in settings.providers.items()
            if isinstance(provider, HttpProviderSettings)
        },
    )


def _inbound_provider(provider: HttpProviderSettings) -> InboundProvider:
    return InboundProvider(
        originator=provider.from_,
        takes_originator=provider.content_support.originator,
        writes_plus=provider.names("phone.plus"),
        answers_itself=provider.callbacks is not None and provider.callbacks.answers_keywords,
    )
