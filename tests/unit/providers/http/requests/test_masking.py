"""Requests as they may be shown."""

import pytest
from campaign_providers.http.requests.masking import masked_request

from tests.unit.providers.gateways import Outbound, gateway, read

SECRETS = {"sid": {"Value": "hidden"}, "token": {"File": "/nowhere/hidden"}}


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ({"Url": "https://gateway.example/{secret.sid}/x?k={secret.token}"}, "/MASKED/x?k=MASKED"),
        ({"Headers": {"Authorization": "App {secret.token}"}}, "Authorization: App MASKED"),
        ({"Headers": {"authorization": "Bearer hidden"}}, "authorization: MASKED"),
        ({"Headers": {"X-Api-Key": "hidden"}}, "X-Api-Key: MASKED"),
        (
            {"Basic": {"User": "{secret.sid}", "Password": "{secret.token}"}},
            "Authorization: Basic MASKED",
        ),
        ({"Basic": {"User": "me", "Password": "hidden"}}, "Authorization: Basic MASKED"),
        ({"Body": {"Type": "json", "Json": {"k": "{secret.sid}"}}}, '{"k":"MASKED"}'),
    ],
)
def test_a_request_is_shown_without_its_secrets(keys: dict[str, object], shown: str) -> None:
    request = masked_request(gateway(Secrets=SECRETS, **keys), Outbound())
    assert shown in request.decode()
    assert "hidden" not in request.decode()
    assert read(request).method == "POST"
