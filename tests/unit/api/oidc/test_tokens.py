"""ID tokens and answers of a provider: what is believed, and what is not."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import OctKey, RSAKey

from campaign_api.dashboard.oidc import bounded_http
from campaign_api.dashboard.oidc.begun import BegunSignIn
from campaign_api.dashboard.oidc.errors import ProviderUnavailable, SignInFailed
from campaign_api.dashboard.oidc.sign_in import OidcSignIn
from campaign_common.domain.api_key import Scope
from campaign_common.settings import OidcScopeSettings, OidcSettings
from tests.support.providers.lying_provider import CLIENT, LyingProvider, lying_provider

BACK = "http://localhost/sign-in/oidc/back"
BEGUN = BegunSignIn("state", "nonce", "verifier", "/")
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"})


@pytest.fixture(scope="module")
def running() -> Iterator[LyingProvider]:
    with lying_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: LyingProvider) -> LyingProvider:
    fresh = LyingProvider(urlsplit(running.issuer).port or 0)
    fresh.key = running.key
    fresh.published = [running.key.as_dict(private=False)]
    running.__dict__.update(fresh.__dict__)
    return running


@pytest.fixture
def settings(provider: LyingProvider, tmp_path: Path) -> OidcSettings:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    return OidcSettings(
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret_file=secret,
        scopes=OidcScopeSettings(read=("readers",), write=("editors",), admin=("chiefs",)),
    )


def signed_in(settings: OidcSettings, provider: LyingProvider, **answer: str) -> Any:  # noqa: ANN401
    oidc = OidcSignIn(settings, BACK)
    asked = parse_qs(urlsplit(oidc.url(BEGUN)).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert (asked["state"], asked["nonce"]) == (["state"], ["nonce"])
    provider.challenge = asked["code_challenge"][0]
    person = oidc.person(BEGUN, {"code": "c", **answer})
    return person, oidc.scope_of(person)


def test_a_person_is_let_in_by_a_claim(settings: OidcSettings, provider: LyingProvider) -> None:
    provider.tokens = {"id_token": provider.signed(provider.claims("nonce"))}
    person, scope = signed_in(settings, provider)
    assert (person.name, person.claim_value, scope) == ("oidc:ann", "editors", Scope.WRITE)
    assert len(person.id) == 16


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"exp": 1_700_000_000},
        {"iat": None},
        {"exp": None},
        {"sub": None},
        {"nonce": None},
        {"nonce": "of another"},
        {"at_hash": "of another"},
    ],
    ids=str,
)
def test_a_token_about_something_else_is_refused(
    settings: OidcSettings, provider: LyingProvider, changes: dict[str, Any]
) -> None:
    provider.tokens = {"id_token": provider.signed(provider.claims("nonce", **changes))}
    with pytest.raises(SignInFailed, match="not valid"):
        signed_in(settings, provider)


def forged(provider: LyingProvider, kind: str) -> str:
    claims = provider.claims("nonce")
    if kind == "another key":
        return provider.signed(claims, OTHER_KEY)
    if kind == "the public key as a secret":
        signed = provider.signed(claims, OctKey.import_key("x" * 32), alg="HS256")
        said = signed.rpartition(".")[0]
        digest = hmac.digest(provider.key.as_pem(private=False), said.encode(), "sha256")
        return f"{said}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    if kind == "changed content":
        head, _, signature = provider.signed(claims).split(".")
        other = provider.signed({**claims, "groups": ["chiefs"]}).split(".")[1]
        return f"{head}.{other}.{signature}"
    if kind == "no signature":
        head = OctKey.import_key("x" * 32)
        signed = provider.signed(claims, head, alg="HS256")
        return "eyJhbGciOiJub25lIn0." + signed.split(".")[1] + "."
    return kind


@pytest.mark.parametrize(
    "kind",
    [
        "another key",
        "the public key as a secret",
        "changed content",
        "no signature",
        "no.token.here",
        "",
    ],
)
def test_a_forged_token_is_refused(
    settings: OidcSettings, provider: LyingProvider, kind: str
) -> None:
    provider.tokens = {"id_token": forged(provider, kind)}
    with pytest.raises(SignInFailed, match="not valid"):
        signed_in(settings, provider)


def test_a_key_that_is_new_is_fetched(settings: OidcSettings, provider: LyingProvider) -> None:
    oidc = OidcSignIn(settings, BACK)
    provider.challenge = parse_qs(urlsplit(oidc.url(BEGUN)).query)["code_challenge"][0]
    provider.tokens = {"id_token": provider.signed(provider.claims("nonce"), OTHER_KEY)}
    provider.published = []
    with pytest.raises(SignInFailed):
        oidc.person(BEGUN, {"code": "c"})
    oidc._provider._clock = lambda: time.monotonic() + 31
    provider.published = [OTHER_KEY.as_dict(private=False)]
    assert oidc.person(BEGUN, {"code": "c"}).name == "oidc:ann"
    assert provider.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    ("claims", "info", "value"),
    [
        ({"groups": ["x", "readers", "chiefs"]}, {}, "chiefs"),
        ({"groups": "readers"}, {}, "readers"),
        ({"groups": None}, {"sub": "ann", "groups": ["editors"]}, "editors"),
        ({"groups": ["x"]}, {"sub": "ann", "groups": ["chiefs"]}, None),
        ({"groups": None}, {"sub": "bob", "groups": ["chiefs"]}, None),
        ({"groups": None}, {"sub": "ann"}, None),
        ({"groups": []}, {}, None),
        ({"groups": [["chiefs"], {"chiefs": 1}, 7, None]}, {}, None),
        ({"groups": {"chiefs": True}}, {}, None),
        ({"groups": "chiefs editors"}, {}, None),
    ],
    ids=str,
)
def test_only_a_mapped_claim_lets_in(
    settings: OidcSettings,
    provider: LyingProvider,
    claims: dict[str, Any],
    info: dict[str, Any],
    value: str | None,
) -> None:
    provider.tokens = {"id_token": provider.signed(provider.claims("nonce", **claims))}
    provider.user_info = info
    if value is None:
        with pytest.raises(SignInFailed, match=r"no claim|another person"):
            signed_in(settings, provider)
    else:
        assert signed_in(settings, provider)[0].claim_value == value


def test_a_claim_may_be_inside_of_another(settings: OidcSettings, provider: LyingProvider) -> None:
    nested = replace(settings, claim="realm_access.roles", name_claim="email")
    inside = {"roles": ["readers"]}
    claims = provider.claims("nonce", realm_access=inside, email="ann@\x00x.example")
    provider.tokens = {"id_token": provider.signed(claims)}
    person, scope = signed_in(nested, provider)
    assert (person.name, scope) == ("oidc:ann@x.example", Scope.READ)


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({}, {"iss": "https://other.example"}),
        ({"authorization_response_iss_parameter_supported": True}, {}),
        ({}, {"error": "access_denied"}),
        ({}, {"code": ""}),
    ],
    ids=str,
)
def test_an_answer_that_is_none_is_refused(
    settings: OidcSettings,
    provider: LyingProvider,
    changed: dict[str, Any],
    answer: dict[str, str],
) -> None:
    provider.discovery |= changed
    provider.tokens = {"id_token": provider.signed(provider.claims("nonce"))}
    with pytest.raises(SignInFailed):
        signed_in(settings, provider, **answer)


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": None},
        {"token_endpoint": 7},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "javascript:1"},
    ],
    ids=str,
)
def test_a_document_of_another_issuer_is_not_used(
    settings: OidcSettings, provider: LyingProvider, changed: dict[str, Any]
) -> None:
    provider.discovery |= changed
    with pytest.raises(ProviderUnavailable):
        OidcSignIn(settings, BACK).url(BEGUN)


@pytest.mark.parametrize("content", [b"no JSON", b"[]", json.dumps("x" * 300_000).encode()])
def test_a_document_is_short_json(
    settings: OidcSettings, provider: LyingProvider, content: bytes
) -> None:
    provider.discovery = content  # type: ignore[assignment]
    with pytest.raises(ProviderUnavailable):
        OidcSignIn(settings, BACK).url(BEGUN)


def test_a_silent_provider_is_given_up_once(
    settings: OidcSettings, provider: LyingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "SILENCE", 0.1)
    provider.delay = 0.5
    oidc = OidcSignIn(settings, BACK)
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            oidc.url(BEGUN)
    assert len(provider.asked) == 1
    provider.delay = 0.0
    oidc._provider._clock = lambda: time.monotonic() + 6
    assert oidc.url(BEGUN).startswith(f"{provider.issuer}/authorize?")


def test_what_was_read_serves_while_the_provider_is_away(
    settings: OidcSettings, provider: LyingProvider
) -> None:
    oidc = OidcSignIn(settings, BACK)
    oidc.url(BEGUN)
    provider.discovery = {}
    oidc._provider._clock = lambda: time.monotonic() + 3_601
    assert oidc.url(BEGUN).startswith(f"{provider.issuer}/authorize?")


@pytest.mark.parametrize("onward", ["/", "/campaigns?state=running&name=a.b", "/ü", "/" * 9_000])
def test_a_browser_keeps_what_it_has_begun(onward: str) -> None:
    begun = BegunSignIn.new(onward)
    kept = BegunSignIn.of_cookie(begun.cookie)
    assert kept == begun
    assert begun.onward == (onward if len(onward) < 1_000 else "/")
    assert begun.cookie.isascii()
    assert kept.is_answered_by(begun.state)
    assert not kept.is_answered_by("")


@pytest.mark.parametrize("cookie", ["", ".", "...", "a.b.c", "a..c./", "a.b.c." + "d" * 4_000])
def test_another_cookie_is_no_sign_in(cookie: str) -> None:
    assert BegunSignIn.of_cookie(cookie) is None
