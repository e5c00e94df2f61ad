"""campaign routes, over a client that says what the test wants."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from campaign_admin.campaign.main import main
from campaign_admin.commands.api_client import ApiClient

FOUND: list[dict[str, Any]] = [
    {
        "name": "main",
        "is_default": True,
        "source": "live",
        "choices": [
            {"provider": "a", "weight": 70, "enabled": True},
            {"provider": "b", "weight": 30, "enabled": False},
        ],
        "failover": ["b", "a"],
        "after_doubt": True,
        "prefixes": [{"prefix": "43", "takes": "b"}, {"prefix": "49", "takes": "german"}],
    },
    {
        "name": "german",
        "is_default": False,
        "source": "live",
        "choices": None,
        "failover": [],
        "after_doubt": False,
        "prefixes": [],
    },
]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ApiClient, "routes", lambda _: FOUND)


@pytest.mark.usefixtures("api")
def test_routes_are_shown_with_the_weights_that_hold() -> None:
    shown = CliRunner().invoke(main, ["routes"])
    assert shown.exit_code == 0
    assert [" ".join(line.split()) for line in shown.output.splitlines()] == [
        "name weights choices failover after doubt prefixes",
        "main (default) live a 70, b off b, a goes on 43: b, 49: german",
        "german live of a newer version returns",
    ]


@pytest.mark.usefixtures("api")
def test_routes_are_printed_as_json() -> None:
    shown = CliRunner().invoke(main, ["routes", "--json"])
    assert json.loads(shown.output) == FOUND
