"""The target of a callback, and the request that verifiers are given."""

import pytest

from campaign_api.serving.callbacks.target import CallbackTarget, is_callback, request_of, target_of


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
    assert found == CallbackTarget(provider, requested)


@pytest.mark.parametrize("query", ["", "?m=a%2fb"])
def test_scheme_and_host_of_a_target_have_no_part(query: str) -> None:
    found = target_of({"RAW_URI": f"http://evil.example/v1/callbacks/gateway{query}"})
    assert found == CallbackTarget("gateway", f"/v1/callbacks/gateway{query}")


def test_only_paths_below_the_endpoint_are_callbacks() -> None:
    paths = ["/v1/callbacks/a", "/v1/callbacks", "//v1/callbacks/a", "/v1/callbacksx/a"]
    assert [is_callback({"PATH_INFO": path}) for path in paths] == [True, False, False, False]


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
