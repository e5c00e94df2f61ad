"""The target of a callback, and the request that verifiers are given."""

import pytest

from campaign_api.serving.callbacks.target import CallbackTarget, request_of, route_of, target_of
from campaign_providers.callbacks.facts import CallbackPurpose

RECEIPTS, INBOUND = CallbackPurpose.RECEIPTS, CallbackPurpose.INBOUND


@pytest.mark.parametrize(
    ("requested", "provider"),
    [
        pytest.param("/v1/callbacks/gateway", "gateway", id="a path"),
        pytest.param("/v1/callbacks/gateway?m=a%20b&m=?/", "gateway", id="a query"),
        pytest.param("/v1/callbacks/gate%77ay", "gate%77ay", id="an escaped name"),
        pytest.param("/v1/callbacks/gateway/", "gateway/", id="a slash behind it"),
        pytest.param("/v1/callbacks/", "", id="no name"),
        pytest.param("/v1/%63allbacks/gateway", "", id="an escaped path"),
    ],
)
def test_targets_are_taken_as_they_were_requested(requested: str, provider: str) -> None:
    found = target_of({"RAW_URI": requested})
    assert found == CallbackTarget(provider, requested, RECEIPTS)


@pytest.mark.parametrize("query", ["", "?m=a%2fb"])
def test_scheme_and_host_of_a_target_have_no_part(query: str) -> None:
    found = target_of({"RAW_URI": f"http://evil.example/v1/callbacks/gateway{query}"})
    assert found == CallbackTarget("gateway", f"/v1/callbacks/gateway{query}", RECEIPTS)


def test_inbound_messages_have_a_target_of_their_own() -> None:
    path = "/v1/inbound/gateway?text=/v1/callbacks/a"
    assert target_of({"RAW_URI": path}) == CallbackTarget("gateway", path, INBOUND)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/callbacks/a", "/v1/callbacks/<provider>"),
        ("/v1/inbound/a", "/v1/inbound/<provider>"),
        ("/v1/inbound/", "/v1/inbound/<provider>"),
        ("/v1/inbound", None),
        ("/v1/callbacks", None),
        ("//v1/callbacks/a", None),
        ("/v1/callbacksx/a", None),
    ],
)
def test_only_paths_below_the_endpoint_are_callbacks(path: str, route: str | None) -> None:
    assert route_of({"PATH_INFO": path}) == route


def test_a_verifier_sees_headers_in_lower_case() -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "HTTP_X_HUB_SIGNATURE_256": "sha256=Ab",
        "HTTP_HOST": "evil.example",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
        "wsgi.version": (1, 0),
    }
    request = request_of(environ, "https://camp.example/v1/callbacks/gateway", b"{}")
    assert request.url == "https://camp.example/v1/callbacks/gateway"
    assert request.headers == {
        "x-hub-signature-256": "sha256=Ab",
        "host": "evil.example",
        "content-type": "application/json",
        "content-length": "2",
    }
    assert (request.method, request.body) == ("POST", b"{}")
