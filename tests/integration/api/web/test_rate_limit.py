from dataclasses import replace

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import Scope
from campaign_common.settings import ApiSettings, Settings
from tests.support.keys import bearer, make_key

LIMIT = 5


def test_one_request_more_than_a_key_may_send_is_refused(
    settings: Settings, pool: Database
) -> None:
    limited = replace(settings, api=ApiSettings(requests_per_minute=LIMIT))
    client = create_app(limited, Databases((pool,))).test_client()
    busy, other = make_key(pool, Scope.READ), make_key(pool, Scope.READ)
    for n in range(LIMIT):
        answer = client.get("/v1/nothing", headers=bearer(busy))
        assert answer.status_code == 404
        assert answer.headers["RateLimit-Policy"] == '"key";q=5;w=60'
        assert answer.headers["RateLimit"].startswith(f'"key";r={LIMIT - n - 1};t=')
    refused = client.get("/v1/nothing", headers=bearer(busy))
    assert refused.status_code == 429
    assert refused.json is not None
    assert refused.json["type"].endswith(":too-many-requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit"].startswith('"key";r=0;t=')
    assert client.get("/v1/nothing", headers=bearer(other)).status_code == 404
    assert client.get("/healthz", headers=bearer(busy)).status_code == 200


def test_the_original_route_is_refused_in_its_own_form(settings: Settings, pool: Database) -> None:
    limited = replace(settings, api=ApiSettings(requests_per_minute=1))
    client = create_app(limited, Databases((pool,))).test_client()
    key = make_key(pool, Scope.WRITE)
    for status in (400, 429):
        answer = client.post("/v1/camp/create", json={}, headers=bearer(key))
        assert answer.status_code == status
        assert answer.json is not None
        assert answer.json["code"] == -1
