"""Settings of sign-in by an OpenID provider: what is missing is said at the start."""

from typing import Any

import pytest
from marshmallow import ValidationError

from campaign_common.domain.api_key import Scope
from campaign_common.settings import OidcSettings
from campaign_common.settings.declaration import schema_of

ISSUER = "https://login.example.com/realms/a"
ENOUGH: dict[str, Any] = {
    "Issuer": ISSUER,
    "ClientId": "camp-mgr",
    "ClientSecretFile": "/run/secrets/oidc",
    "Scopes": {"Read": ["staff"], "Admin": ["staff", "chiefs"]},
}


def loaded(given: dict[str, Any]) -> OidcSettings:
    made: OidcSettings = schema_of(OidcSettings)().load(given)
    return made


def test_a_value_gives_its_largest_scope() -> None:
    scopes = loaded(ENOUGH).scopes
    found = [scopes.of(value) for value in ("staff", "chiefs", "Staff", "")]
    assert found == [Scope.ADMIN, Scope.ADMIN, None, None]


def test_without_an_issuer_nothing_is_needed() -> None:
    assert loaded({}).issuer is None


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"ClientId": None}, "ClientId", "the key is missing"),
        ({"Scopes": {}}, "Scopes", "without one everybody is refused"),
        ({"Scopes": {"Write": ["x" * 256]}}, "Scopes", "255 characters"),
        ({"RequestScopes": ["email"]}, "RequestScopes", "openid"),
        ({"Issuer": "http://login.example.com"}, "Issuer", "https, except for localhost"),
        ({"Issuer": "https://login.example.com/?a=b"}, "Issuer", "no ?"),
        ({"Issuer": "https://" + "x" * 250}, "Issuer", "255 characters"),
        ({"Session": "25h"}, "Session", "24h"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(changes: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        loaded({**ENOUGH, **changes})
    assert said in str(refused.value.messages_dict[key])
