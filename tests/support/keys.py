"""API keys for the tests."""

from campaign_common.database import Database
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.store.access.api_keys import insert_key


def make_key(database: Database, scope: Scope, name: str = "Ann") -> ApiKey:
    made = ApiKey.generate()
    database.run(lambda cursor: insert_key(cursor, made.id, name, scope, made.digest()))
    return made


def bearer(key: ApiKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.token}"}
