"""GET /v1/stats: what it says of senders, and to whom."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, g

from campaign_api.messages.statistics import Statistics
from campaign_api.routes import stats
from campaign_api.web.caller import Caller
from campaign_api.withheld_reasons import REASON_WITHHELD
from campaign_common.domain.api_key import Scope
from campaign_common.store.maintenance import statistics as store
from campaign_common.store.maintenance.statistics import SenderHeartbeat
from tests.unit.api.providers.test_readiness import NOW, SECRET

SENDERS = [
    SenderHeartbeat("s-1", NOW, [0], [0], {"acme": SECRET, "other": None}),
    SenderHeartbeat("old-1", NOW, [], [], None),
]


@contextmanager
def reading() -> Iterator[Any]:
    yield SimpleNamespace(main=None, all=[])


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The route, with senders and nothing else in the database."""
    monkeypatch.setattr(store, "totals_by_status", lambda _: (Counter(), Counter()))
    monkeypatch.setattr(store, "totals_by_state", lambda _: {})
    monkeypatch.setattr(store, "active_campaigns", lambda *_: [])
    monkeypatch.setattr(store, "live_senders", lambda _: SENDERS)
    databases: Any = SimpleNamespace(reading=reading)
    app = Flask("campaign_api")
    app.register_blueprint(stats.resource(Statistics(databases)))
    return app


@pytest.mark.parametrize(
    ("scope", "said"),
    [(Scope.ADMIN, SECRET), (Scope.WRITE, REASON_WITHHELD), (Scope.READ, REASON_WITHHELD)],
)
def test_only_administrators_are_told_of_secrets(app: Flask, scope: Scope, said: str) -> None:
    app.before_request(lambda: setattr(g, "caller", Caller("key-1", "me", scope)))
    answer = app.test_client().get("/v1/stats")
    assert [sender["providers"] for sender in answer.get_json()["senders"]] == [
        [{"name": "acme", "problem": said}, {"name": "other", "problem": None}],
        None,
    ]
    assert ("/run/secrets" in answer.text) is (scope is Scope.ADMIN)
