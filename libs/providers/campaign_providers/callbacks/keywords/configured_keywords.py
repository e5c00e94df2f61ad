"""Keywords as a configuration has them."""

from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.errors import SettingsError
from campaign_common.settings import Settings
from campaign_providers.callbacks.keywords.keywords import Keywords


def keywords_of(settings: Settings) -> Keywords:
    """Return the keywords that are built in, and those of the configuration.

    Raises:
        SettingsError: a word of it can not be a keyword; the text names file and key.
    """
    given = settings.inbound
    more = {
        KeywordKind.STOP: given.keywords.stop,
        KeywordKind.START: given.keywords.start,
        KeywordKind.HELP: given.keywords.help,
    }
    try:
        return Keywords(more, given.first_words)
    except ValueError as error:
        source = settings.sources[0] if settings.sources else "environment"
        raise SettingsError(f"{source}: Inbound: {error}") from error
