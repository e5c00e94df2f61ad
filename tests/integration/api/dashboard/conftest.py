import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from tests.integration.api.dashboard.visitor import Visitor
from tests.support.keys import make_key


@pytest.fixture
def visitor(client: FlaskClient, pool: Database) -> Visitor:
    """A visitor who has signed in by an admin's key."""
    visitor = Visitor(client)
    assert visitor.sign_in(make_key(pool, Scope.ADMIN)).status_code == 303
    return visitor
