"""Sign-in, sessions and where forms come from."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.settings import ApiSettings, Settings
from campaign_common.store.access import web_sessions
from campaign_common.store.access.api_keys import revoke_key
from tests.integration.api.dashboard.visitor import OWN, PAGE, Visitor
from tests.support.keys import bearer, make_key
from tests.support.waiting import wait_until


def test_a_page_without_a_session_leads_to_sign_in(client: FlaskClient, pool: Database) -> None:
    make_key(pool, Scope.READ)
    answer = client.get("/campaigns?state=running", headers=PAGE)
    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=%2Fcampaigns%3Fstate%3Drunning"
    assert "API key" in client.get("/sign-in", headers=PAGE).text


def test_a_key_begins_a_session_and_leads_on(client: FlaskClient, pool: Database) -> None:
    key = make_key(pool, Scope.READ)
    fields = {"key": f" {key.token}\n", "next": "/campaigns"}
    answer = client.post("/sign-in", data=fields, headers=OWN)
    assert (answer.status_code, answer.location) == (303, "/campaigns")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("camp-session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert key.secret not in cookie
    assert client.get("/campaigns", headers=PAGE).status_code == 200


def test_behind_https_the_cookie_is_of_this_host_alone(settings: Settings, pool: Database) -> None:
    public = replace(settings, public_url="https://camp.example.com")
    client = create_app(public, Databases((pool,))).test_client()
    key = make_key(pool, Scope.READ)
    answer = client.post(
        "/sign-in",
        data={"key": key.token},
        headers={"Host": "camp.example.com", "Origin": "https://camp.example.com"},
    )
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-camp-session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize("given", ["//evil.example", "https://evil.example", "/\\evil", "x", ""])
def test_sign_in_leads_to_no_other_site(client: FlaskClient, pool: Database, given: str) -> None:
    fields = {"key": make_key(pool, Scope.READ).token, "next": given}
    assert client.post("/sign-in", data=fields, headers=OWN).location == "/"


def test_plain_http_elsewhere_is_refused(client: FlaskClient, pool: Database) -> None:
    key = make_key(pool, Scope.READ)
    there = {"Host": "camp.example.com", **PAGE}
    page = client.get("/sign-in", headers=there)
    assert "PublicUrl" in page.text
    assert "<input" not in page.text
    answer = client.post("/sign-in", data={"key": key.token}, headers={**there, **OWN})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_without_a_key_this_machine_may_go_on(client: FlaskClient, pool: Database) -> None:
    visitor = Visitor(client)
    assert "Go on without a key" in visitor.open("/sign-in").text
    assert visitor.send("/sign-in", {"locally": "1"}).status_code == 303
    assert visitor.open("/").status_code == 200
    make_key(pool, Scope.READ)
    assert visitor.open("/").status_code == 303
    assert "Go on without a key" not in visitor.open("/sign-in").text


def test_the_eleventh_failure_in_a_minute_is_not_tried(client: FlaskClient, pool: Database) -> None:
    key = make_key(pool, Scope.READ)
    wrong = Visitor(client)
    answers = [wrong.sign_in(ApiKey.generate()).status_code for _ in range(10)]
    assert answers == [422] * 10
    answer = wrong.sign_in(key)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"]
    with pool.transaction() as cursor:
        cursor.execute("UPDATE failed_sign_ins SET failed_at = NOW(6) - INTERVAL 61 SECOND")
    assert wrong.sign_in(key).status_code == 303


def test_failures_are_counted_by_what_proxies_tell(settings: Settings, pool: Database) -> None:
    behind = replace(settings, trusted_proxies=(ip_network("127.0.0.1"),))
    client = create_app(behind, Databases((pool,))).test_client()
    key = make_key(pool, Scope.READ)

    def sign_in(address: str, shown: ApiKey) -> int:
        headers = {**OWN, "X-Forwarded-For": f"203.0.113.9, {address}"}
        return client.post("/sign-in", data={"key": shown.token}, headers=headers).status_code

    for _ in range(10):
        assert sign_in("192.0.2.1", ApiKey.generate()) == 422
    assert sign_in("192.0.2.1", key) == 429
    assert sign_in("192.0.2.2", key) == 303


def test_pages_are_counted_by_session(settings: Settings, pool: Database) -> None:
    """People who share a key do not share a count; static files and sign-in have none."""
    few = replace(settings, api=ApiSettings(requests_per_minute=4))
    app = create_app(few, Databases((pool,)))
    key = make_key(pool, Scope.READ)
    one, other = Visitor(app.test_client()), Visitor(app.test_client())
    for visitor in (one, other):
        assert visitor.sign_in(key).status_code == 303
    answers = [one.open("/campaigns") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert "Too many requests" in answers[-1].text
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert other.open("/campaigns").status_code == 200
    assert one.open("/sign-in").status_code == 200
    assert app.test_client().get("/v1/campaigns", headers=bearer(key)).status_code == 200


def test_a_revoked_key_ends_its_sessions(client: FlaskClient, pool: Database) -> None:
    key = make_key(pool, Scope.READ)
    visitor = Visitor(client)
    visitor.sign_in(key)
    assert visitor.open("/campaigns").status_code == 200
    pool.run(lambda cursor: revoke_key(cursor, key.id))
    wait_until(lambda: visitor.open("/campaigns").status_code == 303, timeout=5)


def test_sign_out_ends_the_session_itself(visitor: Visitor) -> None:
    (cookie,) = [
        part.split("=", 1)[1].split(";")[0]
        for part in [str(visitor.client.get_cookie("camp-session"))]
    ]
    visitor.press(visitor.open("/campaigns"), "/sign-out")
    visitor.client.set_cookie("camp-session", cookie)
    assert visitor.open("/campaigns").status_code == 303


@pytest.mark.parametrize(("idle", "status"), [("7:59", 200), ("8:00", 303)])
def test_a_session_without_a_request_ends_after_8_hours(
    visitor: Visitor, pool: Database, settings: Settings, idle: str, status: int
) -> None:
    earlier = ", ".join(
        f"{name} = {name} - INTERVAL '{idle}' HOUR_MINUTE"
        for name in ("made_at", "seen_at", "ends_at")
    )
    with pool.transaction() as cursor:
        cursor.execute(f"UPDATE web_sessions SET {earlier}")
    other = create_app(settings, Databases((pool,))).test_client()
    other.set_cookie("camp-session", str(visitor.client.get_cookie("camp-session").value))
    assert other.get("/campaigns", headers=PAGE).status_code == status


def test_a_session_ends_24_hours_after_it_began(visitor: Visitor, pool: Database) -> None:
    """However often it is used."""
    assert visitor.open("/campaigns").status_code == 200
    with pool.transaction() as cursor:
        cursor.execute("UPDATE web_sessions SET made_at = NOW(6) - INTERVAL '23:59' HOUR_MINUTE")
        cursor.execute("SELECT token_sha256 FROM web_sessions")
        ((token_sha256,),) = cursor.fetchall()
        web_sessions.note_seen(cursor, token_sha256=token_sha256)
        cursor.execute("SELECT TIMESTAMPDIFF(SECOND, made_at, ends_at) FROM web_sessions")
        assert cursor.fetchall() == ((24 * 3600,),)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "http://localhost"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({}, 403),
    ],
)
def test_forms_of_other_sites_are_refused(
    client: FlaskClient, pool: Database, headers: dict[str, str], status: int
) -> None:
    key = make_key(pool, Scope.READ)
    answer = client.post("/sign-in", data={"key": key.token}, headers=headers)
    assert answer.status_code == status
