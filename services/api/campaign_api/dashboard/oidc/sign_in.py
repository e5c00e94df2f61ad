"""The way of a person to the OpenID provider and back."""

from collections.abc import Mapping
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import Token
from requests.exceptions import RequestException

from campaign_api.dashboard.oidc.begun import BegunSignIn
from campaign_api.dashboard.oidc.bounded_http import bound, read_json
from campaign_api.dashboard.oidc.claims import decisive_value, person_id, person_name, values_of
from campaign_api.dashboard.oidc.errors import ProviderUnavailable, SignInFailed
from campaign_api.dashboard.oidc.provider import DiscoveredProvider, OpenIdProvider
from campaign_common.domain.api_key import Scope
from campaign_common.settings import OidcSettings, SecretSettings
from campaign_common.store.access.web_sessions import SignedInPerson
from campaign_providers.secret_files import SecretFiles, SecretUnreadable

LEEWAY = 60
"""Seconds that the clocks of the provider and of this machine may differ."""

SECRET = "ClientSecretFile"  # noqa: S105 - a name


class OidcSignIn:
    """Sign-in by one OpenID provider; thread-safe."""

    def __init__(self, settings: OidcSettings, redirect_uri: str) -> None:
        self._settings = settings
        self._issuer = settings.issuer or ""
        self._redirect_uri = redirect_uri
        self._provider = DiscoveredProvider(self._issuer, settings.ca_file)
        file = settings.client_secret_file
        self._secrets = SecretFiles({} if file is None else {SECRET: SecretSettings(file=file)})

    @property
    def name(self) -> str:
        """The name of the provider, for people."""
        return self._settings.name

    @property
    def longest(self) -> int:
        """Seconds after which a session ends at the latest."""
        return int(self._settings.session)

    def scope_of(self, person: SignedInPerson) -> Scope | None:
        """Return what a person may do by the present configuration; None: nothing any more."""
        if person.issuer != self._issuer:
            return None
        return self._settings.scopes.of(person.claim_value)

    def url(self, begun: BegunSignIn) -> str:
        """Return the address at which a person signs in.

        Raises:
            ProviderUnavailable: the provider does not say where that is.
        """
        provider = self._provider.read()
        with self._client(provider, "") as client:
            url, _ = client.create_authorization_url(
                provider.authorization_endpoint,
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        return str(url)

    def person(self, begun: BegunSignIn, answer: Mapping[str, str]) -> SignedInPerson:
        """Return who has signed in, by the parameters that the provider has sent back.

        Raises:
            SignInFailed: the provider has refused, is not to be believed, or says nothing that
                lets the person in.
            ProviderUnavailable: it does not answer.
        """
        provider = self._provider.read()
        if answer.get("iss", self._issuer if not provider.names_itself else "") != self._issuer:
            raise SignInFailed("the answer is of another issuer")
        if "error" in answer:
            raise SignInFailed(f"the provider has refused: {answer['error'][:64]}")
        with self._client(provider, self._secret()) as client:
            tokens = self._exchanged(client, provider, answer.get("code", ""), begun)
            claims = self._verified(provider, tokens, begun.nonce)
            values = values_of(claims, self._settings.claim)
            if values is None and provider.userinfo_endpoint is not None:
                claims = _with_user_info(client, provider.userinfo_endpoint, claims)
                values = values_of(claims, self._settings.claim)
        decisive = decisive_value(values or [], self._settings.scopes)
        if decisive is None:
            raise SignInFailed("no claim of this person gives a scope")
        subject = str(claims["sub"])
        name = person_name(claims, self._settings.name_claim)
        return SignedInPerson(person_id(self._issuer, subject), name, self._issuer, decisive)

    def _client(self, provider: OpenIdProvider, secret: str) -> OAuth2Session:
        is_public = self._settings.client_secret_file is None
        client = OAuth2Session(
            self._settings.client_id,
            secret or None,
            token_endpoint_auth_method="none" if is_public else provider.token_endpoint_auth_method,
            scope=" ".join(self._settings.request_scopes),
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )
        bound(client, self._settings.ca_file)
        return client

    def _secret(self) -> str:
        try:
            return self._secrets.read().get(SECRET, "")
        except SecretUnreadable as error:
            raise ProviderUnavailable(str(error)) from error

    def _exchanged(
        self, client: OAuth2Session, provider: OpenIdProvider, code: str, begun: BegunSignIn
    ) -> Mapping[str, Any]:
        """Return the tokens for a code."""
        if not code:
            raise SignInFailed("the answer has no code")
        try:
            found = client.fetch_token(
                provider.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=begun.verifier,
                allow_redirects=False,
            )
        except RequestException as error:
            raise ProviderUnavailable(f"token endpoint: {type(error).__name__}") from error
        except AuthlibBaseError as error:
            raise SignInFailed(f"the provider has refused the code: {error.error}") from error
        except ValueError as error:
            raise ProviderUnavailable("token endpoint: no JSON") from error
        if not isinstance(found, Mapping) or not isinstance(found.get("id_token"), str):
            raise SignInFailed("the provider has sent no ID token")
        return found

    def _verified(
        self, provider: OpenIdProvider, tokens: Mapping[str, Any], nonce: str
    ) -> Mapping[str, Any]:
        """Return the claims of the ID token (OpenID Connect Core 1.0, section 3.1.3.7)."""
        expected = {
            "nonce": nonce,
            "client_id": self._settings.client_id,
            "access_token": tokens.get("access_token"),
        }
        options = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
        }
        try:
            token = self._decoded(provider, tokens["id_token"])
            CodeIDToken(token.claims, token.header, options, expected).validate(leeway=LEEWAY)
        except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
            raise SignInFailed(f"the ID token is not valid: {type(error).__name__}") from error
        return token.claims

    def _decoded(self, provider: OpenIdProvider, id_token: str) -> Token:
        """Return the ID token, by a key that the provider may have begun to use a moment ago."""
        try:
            return jwt.decode(id_token, self._provider.keys(), provider.algorithms)
        except (JoseError, ValueError):
            return jwt.decode(id_token, self._provider.keys(again=True), provider.algorithms)


def _with_user_info(
    client: OAuth2Session, endpoint: str, claims: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the claims with those of UserInfo (OpenID Connect Core 1.0, section 5.3)."""
    found = read_json(client, endpoint)
    if found.get("sub") != claims["sub"]:
        raise SignInFailed("UserInfo is of another person")
    return {**found, **claims}
