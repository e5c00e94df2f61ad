"""Oidc: sign-in to the dashboard by an OpenID provider, and what its claims allow."""

from collections.abc import Iterator
from pathlib import Path

from campaign_common.domain.api_key import Scope
from campaign_common.settings.declaration import Conflict, Section, key, section_class
from campaign_common.settings.fields.http import IssuerUrl
from campaign_common.settings.fields.plain import Ascii, Duration, FilePath, String, Words

LONGEST_VALUE = 255
"""Characters of a value of the claim; web_sessions.claim_value holds as many."""


@section_class
class OidcScopeSettings:
    """The values of the claim that give a person a scope; who has none is not let in."""

    read: tuple[str, ...] = key("Read", Words("values", may_be_empty=True), default=[])
    """Values of people who may see everything and change nothing."""
    write: tuple[str, ...] = key("Write", Words("values", may_be_empty=True), default=[])
    """Values of people who may also make and change campaigns."""
    admin: tuple[str, ...] = key("Admin", Words("values", may_be_empty=True), default=[])
    """Values of people who may do everything."""

    def of(self, value: str) -> Scope | None:
        """Return the largest scope that a value of the claim gives; None: it gives none."""
        by_scope = ((Scope.ADMIN, self.admin), (Scope.WRITE, self.write), (Scope.READ, self.read))
        return next((scope for scope, values in by_scope if value in values), None)

    @property
    def all_values(self) -> tuple[str, ...]:
        """Every value that gives a scope."""
        return (*self.read, *self.write, *self.admin)


@section_class
class OidcSettings:
    """Sign-in to the dashboard by an OpenID provider; without `Issuer` there is none."""

    issuer: str | None = key("Issuer", IssuerUrl(), default=None)
    """The issuer, exactly as the provider's discovery document has it: https, or http on this
    machine. `null`: none."""
    name: str = key("Name", String(longest=64), default="single sign-on")
    """The name of the provider on the button."""
    client_id: str | None = key("ClientId", Ascii(null=True), default=None)
    """The id of this installation at the provider."""
    client_secret_file: Path | None = key(
        "ClientSecretFile", FilePath("file", null=True), default=None
    )
    """The file with the secret of this installation at the provider, which is read at each sign-in;
    a line break at its end is left out. `null`: a public client, which PKCE alone protects."""
    request_scopes: tuple[str, ...] = key(
        "RequestScopes", Words("scopes"), default=["openid", "email", "profile"]
    )
    """The OAuth scopes that are asked for, `openid` among them."""
    claim: str = key("Claim", String(longest=255), default="groups")
    """The claim that decides, a text or a list of texts; with dots inside of objects, such as
    `realm_access.roles`. It is looked for in the ID token, then in the answer of UserInfo."""
    scopes: OidcScopeSettings = key("Scopes", Section(OidcScopeSettings), default={})
    name_claim: str = key("NameClaim", String(longest=255), default="preferred_username")
    """The claim that changes are noted under, after `oidc:`; where it is missing, `sub`."""
    session: float = key("Session", Duration("1m", "24h"), default="8h")
    """The time after which a session ends at the latest, used or not."""
    ca_file: Path | None = key("CaFile", FilePath("PEM file", null=True), default=None)
    """The authorities that are trusted; `null`: those of the system. Certificate and host name are
    always verified."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what is missing, or wrong in view of other keys."""
        if self.issuer is None:
            return
        if self.client_id is None:
            yield ("ClientId",), "the key is missing; Issuer needs to know who asks"
        if not self.scopes.all_values:
            message = "expected a value in Read, Write or Admin: without one everybody is refused"
            yield ("Scopes",), message
        if any(len(value) > LONGEST_VALUE for value in self.scopes.all_values):
            yield ("Scopes",), f"expected values of {LONGEST_VALUE} characters at most"
        if "openid" not in self.request_scopes:
            yield ("RequestScopes",), "expected openid among them"
