"""Sign-in by an OpenID provider, which runs as a process of its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import Scope
from campaign_common.settings import OidcScopeSettings, OidcSettings, Settings
from campaign_common.store.access import web_sessions
from tests.integration.api.dashboard.visitor import PAGE, Visitor
from tests.integration.api.stored import rows, value
from tests.support.keys import make_key
from tests.support.providers.openid_provider import OpenIdProviderProcess, openid_provider
from tests.support.servers.databases import DatabaseServers, SchemaServer

PEOPLE = {
    "ann": {"groups": ["staff", "marketing"], "preferred_username": "Ann <b>Bell</b>"},
    "eve": {"groups": ["guests"]},
    "bob": {},
}
CLICKED = "Sign in with Acme"


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: the sessions of people are those of keys."""
    return database_servers.get("mariadb")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProviderProcess]:
    with openid_provider(tmp_path_factory.mktemp("openid"), PEOPLE) as provider:
        yield provider


@pytest.fixture
def oidc(provider: OpenIdProviderProcess, tmp_path: Path) -> OidcSettings:
    secret = tmp_path / "secret"
    secret.write_text("of the provider\n")
    return OidcSettings(
        issuer=provider.issuer,
        name="Acme",
        client_id="camp-mgr",
        client_secret_file=secret,
        scopes=OidcScopeSettings(write=("marketing",), admin=("chiefs",)),
    )


@pytest.fixture
def settings(settings: Settings, oidc: OidcSettings) -> Settings:
    return replace(settings, public_url="http://localhost", oidc=oidc)


@pytest.fixture
def visitor(client: FlaskClient, pool: Database) -> Visitor:
    """Somebody who has not signed in, where keys exist."""
    make_key(pool, Scope.ADMIN)
    return Visitor(client)


def to_provider(visitor: Visitor, onward: str = "/campaigns") -> str:
    answer = visitor.client.get("/sign-in/oidc", query_string={"next": onward}, headers=PAGE)
    assert answer.status_code == 303
    return answer.location


def test_a_person_signs_in(
    visitor: Visitor, provider: OpenIdProviderProcess, pool: Database
) -> None:
    page = visitor.open("/sign-in?next=/campaigns")
    assert 'href="/sign-in/oidc?next=/campaigns"' in page.text
    assert CLICKED in page.text
    there = to_provider(visitor)
    asked = parse_qs(urlsplit(there).query)
    assert asked["redirect_uri"] == ["http://localhost/sign-in/oidc/back"]
    assert asked["code_challenge_method"] == ["S256"]
    back = visitor.open(provider.sign_in(there, "ann"))
    assert (back.status_code, back.location) == (303, "/campaigns")
    shown = visitor.open("/campaigns")
    assert "oidc:Ann &lt;b&gt;Bell&lt;/b&gt; (write)" in shown.text
    cookies = {each.partition("=")[0]: each for each in back.headers.getlist("Set-Cookie")}
    assert "HttpOnly" in cookies["camp-session"]
    assert "SameSite=Lax" in cookies["camp-session"]
    assert "Max-Age=0" in cookies["camp-oidc"]
    key_id, person_id, claim = rows(
        pool, "SELECT key_id, person_id, claim_value FROM web_sessions"
    )[0]
    assert (key_id, len(person_id), claim) == (None, 16, "marketing")
    visitor.press(shown, "/sign-out")
    assert visitor.open("/campaigns").status_code == 303


@pytest.mark.parametrize("subject", ["eve", "bob"])
def test_who_has_no_mapped_claim_is_not_let_in(
    visitor: Visitor, provider: OpenIdProviderProcess, pool: Database, subject: str
) -> None:
    answer = visitor.open(provider.sign_in(to_provider(visitor), subject))
    assert answer.status_code == 403
    assert "no claim of this person gives a scope" in answer.text
    assert value(pool, "SELECT COUNT(*) FROM web_sessions") == 0
    assert visitor.open("/campaigns").status_code == 303


def test_who_refuses_is_told_so(visitor: Visitor, provider: OpenIdProviderProcess) -> None:
    answer = visitor.open(provider.refuse(to_provider(visitor)))
    assert answer.status_code in (400, 403)
    assert "error-summary" in answer.text


def test_an_answer_is_for_the_browser_that_asked(
    visitor: Visitor, provider: OpenIdProviderProcess, settings: Settings, pool: Database
) -> None:
    back = provider.sign_in(to_provider(visitor), "ann")
    other = Visitor(create_app(settings, Databases((pool,))).test_client())
    assert other.open(back).status_code == 400
    to_provider(other)
    assert other.open(back).status_code == 400
    assert visitor.open(back).status_code == 303
    assert visitor.open(back).status_code == 400  # the cookie is gone


@pytest.mark.parametrize(("part", "status"), [(0, 400), (1, 403)], ids=["state", "nonce"])
def test_a_code_is_for_the_sign_in_that_it_ends(
    visitor: Visitor, provider: OpenIdProviderProcess, part: int, status: int
) -> None:
    back = provider.sign_in(to_provider(visitor), "ann")
    kept = str(visitor.client.get_cookie("camp-oidc").value).split(".")  # type: ignore[union-attr]
    kept[part] = "x" * 43
    visitor.client.set_cookie("camp-oidc", ".".join(kept))
    assert visitor.open(back).status_code == status
    assert visitor.open("/campaigns").status_code == 303


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example/", "/\\evil"])
def test_it_leads_to_no_other_site(
    visitor: Visitor, provider: OpenIdProviderProcess, onward: str
) -> None:
    assert visitor.open(provider.sign_in(to_provider(visitor, onward), "ann")).location == "/"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"scopes": OidcScopeSettings(read=("marketing",))}, 200),
        ({"scopes": OidcScopeSettings(admin=("chiefs",))}, 303),
        ({"issuer": "https://other.example"}, 303),
        ({"issuer": None}, 303),
    ],
    ids=["unchanged", "less", "no claim", "another issuer", "none"],
)
def test_sessions_follow_the_configuration(
    visitor: Visitor,
    provider: OpenIdProviderProcess,
    settings: Settings,
    pool: Database,
    changes: dict[str, object],
    status: int,
) -> None:
    visitor.open(provider.sign_in(to_provider(visitor), "ann"))
    token = str(visitor.client.get_cookie("camp-session").value)  # type: ignore[union-attr]
    changed = replace(settings, oidc=replace(settings.oidc, **changes))  # type: ignore[arg-type]
    later = create_app(changed, Databases((pool,))).test_client()
    later.set_cookie("camp-session", token)
    page = later.get("/campaigns", headers=PAGE)
    assert page.status_code == status
    if "scopes" in changes and status == 200:
        assert "(read)" in page.text


def test_a_session_ends_at_its_bound(
    visitor: Visitor, provider: OpenIdProviderProcess, pool: Database
) -> None:
    """However often it is used."""
    visitor.open(provider.sign_in(to_provider(visitor), "ann"))
    earlier = "made_at = made_at - INTERVAL 7 HOUR, latest_at = latest_at - INTERVAL 7 HOUR"
    with pool.transaction() as cursor:
        cursor.execute(f"UPDATE web_sessions SET {earlier}")
        cursor.execute("SELECT token_sha256 FROM web_sessions")
        ((token_sha256,),) = cursor.fetchall()
        web_sessions.note_seen(cursor, token_sha256=token_sha256)
        cursor.execute("SELECT TIMESTAMPDIFF(SECOND, made_at, ends_at) FROM web_sessions")
        assert cursor.fetchall() == ((8 * 3600,),)


def test_failures_are_counted_as_those_of_keys(
    visitor: Visitor, provider: OpenIdProviderProcess
) -> None:
    def sign_in(subject: str) -> int:
        return visitor.open(provider.sign_in(to_provider(visitor), subject)).status_code

    assert [sign_in("eve") for _ in range(10)] == [403] * 10
    assert sign_in("ann") == 429


def test_at_another_address_it_leads_to_the_public_one(visitor: Visitor) -> None:
    answer = visitor.client.get(
        "/sign-in/oidc?next=/x", headers={"Host": "127.0.0.1:10001", **PAGE}
    )
    assert answer.location == "http://localhost/sign-in/oidc?next=/x"


def test_a_provider_that_is_away_is_a_page(
    settings: Settings, pool: Database, tmp_path: Path
) -> None:
    with openid_provider(tmp_path, PEOPLE) as gone:
        issuer = gone.issuer
    away = replace(settings, oidc=replace(settings.oidc, issuer=issuer))
    visitor = Visitor(create_app(away, Databases((pool,))).test_client())
    make_key(pool, Scope.READ)
    answer = visitor.open("/sign-in/oidc")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert "API key" in visitor.open("/sign-in").text


def test_a_secret_that_cannot_be_read_is_a_page(
    visitor: Visitor, provider: OpenIdProviderProcess, oidc: OidcSettings
) -> None:
    back = provider.sign_in(to_provider(visitor), "ann")
    assert oidc.client_secret_file is not None
    oidc.client_secret_file.unlink()
    answer = visitor.open(back)
    assert answer.status_code == 503
    assert str(oidc.client_secret_file) not in answer.text
