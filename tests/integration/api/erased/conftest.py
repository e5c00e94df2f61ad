import pytest

from campaign_common.settings import Settings
from tests.integration.api.erased.people import keyed


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The settings of the API's tests, and a key of erased people."""
    return keyed(settings)
