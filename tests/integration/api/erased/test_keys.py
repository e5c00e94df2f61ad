"""Keys of erased people: one missing, one lost, one changed for another, one in a file."""

from dataclasses import replace
from pathlib import Path

from flask.testing import FlaskClient

from campaign_api.lists.private_files import private_files
from campaign_common.database import Database
from campaign_common.domain.erasure.erasure_key import ErasureKey, packed
from campaign_common.settings import ErasureSettings, SecretSettings, Settings
from tests.integration.api.erased.people import (
    KEY,
    NEXT_KEY,
    PHONE,
    client_of,
    erase,
    keyed,
    stored_phones,
)
from tests.integration.api.lists.uploads import listed, upload
from tests.integration.api.stored import rows

CSV = f"Ann,{PHONE}\nBob,4917612345679\n"


def test_without_the_key_nobody_is_imported(
    client: FlaskClient, pool: Database, settings: Settings
) -> None:
    """A process without the key of somebody refuses imports alone, and names the key by its id."""
    erase(client)
    for lacking in (keyed(settings, None), keyed(settings, NEXT_KEY)):
        other = client_of(lacking, pool)
        ready = other.get("/readyz")
        assert ready.status_code == 200
        assert ErasureKey(KEY).id in ready.json["warning"]  # type: ignore[index]
        refused = upload(other, CSV)
        assert refused.status_code == 503
        assert refused.json["type"].endswith(":erasure-key-missing")  # type: ignore[index]
    assert listed(pool) == []
    assert client.get("/readyz").json == {"status": "ready"}


def test_without_any_key_a_person_is_erased_all_the_same(
    pool: Database, settings: Settings
) -> None:
    """The answer and readyz say that a later import brings the person back."""
    client = client_of(keyed(settings, None), pool)
    upload(client, CSV)
    assert client.get("/readyz").json == {"status": "ready"}
    assert erase(client)["leaves_hash"] is False
    assert PHONE not in stored_phones(pool)
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert "Erasure.Keys are not configured" in ready.json["warning"]  # type: ignore[index]
    upload(client, CSV)
    assert PHONE in stored_phones(pool)
    # With a key the same request leaves a hash.
    keyed_client = client_of(settings, pool)
    assert keyed_client.get("/readyz").json == {"status": "ready"}
    assert erase(keyed_client)["leaves_hash"] is True
    upload(keyed_client, CSV)
    assert PHONE not in stored_phones(pool)


def test_a_key_is_changed_without_a_stop(pool: Database, settings: Settings) -> None:
    """First each process checks with both keys, then each makes hashes with the new one."""
    old = client_of(keyed(settings, KEY, NEXT_KEY), pool)
    new = client_of(keyed(settings, NEXT_KEY, KEY), pool)
    erase(old, PHONE)
    erase(new, "4917612345679")
    erase(new, PHONE)
    key_ids = [row[0] for row in rows(pool, "SELECT key_id FROM erased_people ORDER BY id")]
    assert key_ids == [ErasureKey(each).id for each in (KEY, NEXT_KEY, NEXT_KEY)]
    for client in (old, new):
        assert client.get("/readyz").json == {"status": "ready"}
        answer = upload(client, f"{CSV}Cleo,4917612345670\n")
        assert answer.json["accepted"] == 3  # type: ignore[index]
    assert {each for each in stored_phones(pool) if each.isdigit()} == {"4917612345670"}


def test_an_import_is_refused_once_it_meets_a_strange_key(
    client: FlaskClient, pool: Database, settings: Settings
) -> None:
    """Processes with different keys do not bring back whom the other one has erased."""
    assert upload(client, CSV).status_code == 201
    erase(client_of(keyed(settings, NEXT_KEY), pool))
    assert upload(client, CSV).status_code == 503
    assert PHONE not in stored_phones(pool)


def test_a_key_comes_from_a_file_and_never_from_a_list(
    pool: Database, settings: Settings, tmp_path: Path
) -> None:
    secret = tmp_path / "erasure-key"
    configured = replace(settings, erasure=ErasureSettings(keys=(SecretSettings(file=secret),)))
    assert secret in private_files(configured)
    client = client_of(configured, pool)
    refused = client.delete(f"/v1/recipients/{PHONE}")
    assert refused.status_code == 503
    assert rows(pool, "SELECT * FROM erasures") == []
    assert "erasure-key" in client.get("/readyz").json["warning"]  # type: ignore[index]
    secret.write_text(KEY + "\n")
    assert client.get("/readyz").json == {"status": "ready"}
    assert erase(client)["leaves_hash"] is True
    upload(client, CSV)
    assert PHONE not in stored_phones(pool)


def test_a_key_that_was_read_outlives_its_file(
    pool: Database, settings: Settings, tmp_path: Path
) -> None:
    """A Secret that is replaced is away for a moment; a new one is read as soon as it is there."""
    secret = tmp_path / "erasure-key"
    secret.write_text(KEY + "\n")
    configured = replace(settings, erasure=ErasureSettings(keys=(SecretSettings(file=secret),)))
    client = client_of(configured, pool)
    erase(client)
    for content in (None, "short\n", KEY + "\n"):
        if content is None:
            secret.unlink()
        else:
            secret.write_text(content)
        assert upload(client, CSV).status_code == 201
        assert client.get("/readyz").json == {"status": "ready"}
    assert PHONE not in stored_phones(pool)


def test_the_database_holds_neither_number_nor_key(client: FlaskClient, pool: Database) -> None:
    erase(client)
    (row,) = rows(pool, "SELECT key_id, person_hash FROM erased_people")
    assert row == (ErasureKey(KEY).id, packed(ErasureKey(KEY).hashes([PHONE])[0]))
    tables = [row[0] for row in rows(pool, "SHOW TABLES")]
    assert KEY not in str([rows(pool, f"SELECT * FROM {table}") for table in tables])
