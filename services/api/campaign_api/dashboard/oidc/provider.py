"""An OpenID provider: its discovery document and its keys, each kept for a while.

A provider that is away is asked again after seconds, not by everybody who signs in meanwhile.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import Session

from campaign_api.dashboard.oidc.bounded_http import bound, read_json
from campaign_api.dashboard.oidc.errors import ProviderUnavailable

DISCOVERY = "/.well-known/openid-configuration"

KEPT = 3_600.0
"""Seconds for which the document and the keys are used."""

AWAY = 5.0
"""Seconds after a failure in which the provider is not asked again."""

KEYS_AGAIN = 30.0
"""Seconds after which keys are fetched again for a token that none of them has signed."""

SIGNED_BY = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Algorithms of signatures that are believed: those with a public key."""

REQUIRED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OpenIdProvider(NamedTuple):
    """The discovery document of a provider (OpenID Connect Discovery 1.0, section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    algorithms: Sequence[str]
    token_endpoint_auth_method: str
    names_itself: bool
    """Its answers have the parameter `iss` (RFC 9207)."""


class _KeptAnswer(NamedTuple):
    value: Any
    failure: ProviderUnavailable | None
    at: float


class DiscoveredProvider:
    """The provider behind an issuer; thread-safe."""

    def __init__(
        self,
        issuer: str,
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._ca_file = ca_file
        self._clock = clock
        self._fetching = threading.Lock()
        self._kept: dict[str, _KeptAnswer] = {}

    def read(self) -> OpenIdProvider:
        """Return what the provider says of itself.

        Raises:
            ProviderUnavailable: it says nothing, or something that is not about the issuer.
        """
        url = self._issuer.rstrip("/") + DISCOVERY
        found = self._get(url, KEPT, lambda content: provider_of(self._issuer, content))
        assert isinstance(found, OpenIdProvider)  # noqa: S101 - for the type
        return found

    def keys(self, *, again: bool = False) -> KeySet:
        """Return the keys that the provider signs with; `again`: one of them is missing.

        Raises:
            ProviderUnavailable: they cannot be read.
        """
        found = self._get(self.read().jwks_uri, KEYS_AGAIN if again else KEPT, _key_set)
        assert isinstance(found, KeySet)  # noqa: S101 - for the type
        return found

    def session(self) -> Session:
        """Return a session for one answer of the provider."""
        session = Session()
        bound(session, self._ca_file)
        return session

    def _get(self, url: str, kept_for: float, made_of: Callable[[dict[str, Any]], Any]) -> Any:  # noqa: ANN401 - what is made
        with self._fetching:
            kept = self._kept.get(url)
            age = self._clock() - kept.at if kept else 0.0
            if kept is None or age >= (kept_for if kept.failure is None else AWAY):
                self._kept[url] = kept = self._fetched(url, made_of, kept)
        if kept.failure is not None and kept.value is None:
            raise kept.failure
        return kept.value

    def _fetched(
        self, url: str, made_of: Callable[[dict[str, Any]], Any], before: _KeptAnswer | None
    ) -> _KeptAnswer:
        """Return what is there now; of a provider that is away, what was there before."""
        try:
            with self.session() as session:
                return _KeptAnswer(made_of(read_json(session, url)), None, self._clock())
        except ProviderUnavailable as error:
            return _KeptAnswer(before.value if before else None, error, self._clock())


def provider_of(issuer: str, content: Mapping[str, Any]) -> OpenIdProvider:
    """Return what a discovery document says.

    Raises:
        ProviderUnavailable: it is of another issuer, or lacks something.
    """
    if content.get("issuer") != issuer:
        raise ProviderUnavailable("the discovery document is of another issuer")
    secure = urlsplit(issuer).scheme == "https"
    for name in (*REQUIRED, "userinfo_endpoint"):
        url = content.get(name)
        if url is None and name not in REQUIRED:
            continue
        if not isinstance(url, str) or not url.startswith("https://" if secure else "http"):
            raise ProviderUnavailable(f"the discovery document has no usable {name}")
    offered = content.get("id_token_signing_alg_values_supported") or ["RS256"]
    methods = content.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    basic = "client_secret_basic" in methods or "client_secret_post" not in methods
    return OpenIdProvider(
        authorization_endpoint=content["authorization_endpoint"],
        token_endpoint=content["token_endpoint"],
        jwks_uri=content["jwks_uri"],
        userinfo_endpoint=content.get("userinfo_endpoint"),
        algorithms=[each for each in SIGNED_BY if each in offered],
        token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
        names_itself=content.get("authorization_response_iss_parameter_supported") is True,
    )


def _key_set(content: dict[str, Any]) -> KeySet:
    usable = [each for each in content.get("keys", ()) if _is_for_signatures(each)]
    try:
        return KeySet.import_key_set({"keys": usable})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ProviderUnavailable("the provider's keys cannot be read") from error


def _is_for_signatures(key: object) -> bool:
    return (
        isinstance(key, dict)
        and key.get("kty") in ("RSA", "EC", "OKP")
        and key.get("use", "sig") == "sig"
    )
