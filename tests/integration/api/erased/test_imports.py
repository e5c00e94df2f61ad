"""Imports that bring back people who were erased: counted, and nothing of them is kept."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.domain.recipient import tombstone
from campaign_common.settings import Settings
from tests.integration.api.conftest import SHARDS
from tests.integration.api.erased.people import PHONE, erase, stored_phones
from tests.integration.api.lists.uploads import URL, upload
from tests.integration.api.stored import REQUEST, create, rows, value
from tests.support.keys import bearer, make_key

FEW = ["4917612345677", PHONE, "4917612345679"]
MANY = [*FEW, *(str(13961467500 + n) for n in range(250))]
"""More than two batches."""

COUNTS = ("rows", "accepted", "duplicates", "rejected")


def csv(phones: list[str]) -> str:
    return "name,phone,city\n" + "".join(f"Ann,{phone},Ulm\n" for phone in phones)


def counts(answer: Any) -> dict[str, int]:  # noqa: ANN401 - any JSON
    return {word: answer[word] for word in COUNTS}


@pytest.mark.parametrize("phones", [FEW, MANY], ids=["one batch", "many batches"])
def test_an_erased_person_is_accepted_and_not_kept(
    client: FlaskClient, pool: Database, phones: list[str]
) -> None:
    assert erase(client)["leaves_hash"] is True
    answer = upload(client, csv(phones))
    assert answer.status_code == 201, answer.text
    assert counts(answer.json)["accepted"] == len(phones)
    assert stored_phones(pool) == {*phones, tombstone(2)} - {PHONE}
    columns = "phone, name, attributes, erased_shard, erased_shard_count"
    assert rows(pool, f"SELECT {columns} FROM recipients WHERE seq = 2") == [
        (tombstone(2), "", None, 2 % SHARDS, SHARDS)
    ]


@pytest.mark.parametrize("rest", [[], MANY], ids=["one batch", "many batches"])
def test_counts_do_not_show_who_was_erased(
    client: FlaskClient, pool: Database, rest: list[str]
) -> None:
    """A file has the same counts before and after people of it were erased, listed twice or not."""
    text = csv([*FEW, *rest, PHONE, "none", FEW[0], PHONE])
    before = counts(upload(client, text).json)
    erase(client)
    assert counts(upload(client, text).json) == before


def test_an_import_for_a_campaign_leaves_them_out(
    client: FlaskClient, pool: Database, settings: Settings
) -> None:
    erase(client)
    (settings.csv_root / "recipients.csv").write_text(csv(FEW))
    assert create(client).json == {"code": 0, "msg": "success"}
    assert PHONE not in stored_phones(pool)
    assert value(pool, "SELECT accepted FROM recipient_lists") == len(FEW)


def test_only_campaigns_with_uploads_can_reconsent(
    client: FlaskClient, pool: Database, settings: Settings
) -> None:
    """POST /v1/camp/create has no such option, in whatever place it is tried."""
    erase(client)
    (settings.csv_root / "recipients.csv").write_text(csv(FEW))
    create(client, reconsented=True)
    client.post("/v1/camp/create?reconsented=true", json=dict(REQUEST))
    assert PHONE not in stored_phones(pool)


def test_an_admin_brings_back_who_has_reconsented(client: FlaskClient, pool: Database) -> None:
    erase(client)
    admin = bearer(make_key(pool, Scope.ADMIN, "Eve"))
    answer = client.post(
        URL, query_string={"name": "again", "reconsented": "true"}, data=csv(FEW),
        content_type="text/csv", headers=admin,
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    assert stored_phones(pool) == set(FEW)
    audited = rows(pool, "SELECT list_id, actor FROM reconsented_lists")
    assert audited == [(answer.json["id"], "Eve")]  # type: ignore[index]
    # The next import has to say it again.
    assert client.post(
        URL, query_string={"name": "third"}, data=csv([PHONE]), content_type="text/csv",
        headers=admin,
    ).status_code == 201  # fmt: skip
    assert value(pool, "SELECT COUNT(*) FROM recipients WHERE phone = %s", PHONE) == 1


@pytest.mark.parametrize(("said", "status"), [("true", 403), ("false", 201), ("1", 422), ("", 422)])
def test_reconsented_needs_the_scope_admin(
    client: FlaskClient, pool: Database, said: str, status: int
) -> None:
    erase(client)
    answer = client.post(
        URL, query_string={"name": "again", "reconsented": said}, data=csv(FEW),
        content_type="text/csv", headers=bearer(make_key(pool, Scope.WRITE)),
    )  # fmt: skip
    assert answer.status_code == status, answer.text
    assert PHONE not in stored_phones(pool)
    assert rows(pool, "SELECT * FROM reconsented_lists") == []


def test_erased_again_after_reconsenting(client: FlaskClient, pool: Database) -> None:
    """Whoever is erased a second time is taken from the list, and left out of the next one."""
    erase(client)
    assert upload(client, csv(FEW), reconsented="true").status_code == 201
    erase(client)
    upload(client, csv(FEW))
    assert PHONE not in stored_phones(pool)
    assert value(pool, "SELECT COUNT(*) FROM erased_people") == 1


def test_people_erased_long_ago_are_read_in_slices(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign_api.erased.people.AT_ONCE", 2)
    for phone in MANY[:7]:
        erase(client, phone)
    upload(client, csv(MANY))
    assert stored_phones(pool).isdisjoint(MANY[:7])
    assert value(pool, "SELECT COUNT(*) FROM recipients") == len(MANY)


def test_consent_is_part_of_a_request_and_its_key(client: FlaskClient, pool: Database) -> None:
    """A repetition that says something else is refused, and does not answer with the first list."""
    erase(client)
    headers = {"Idempotency-Key": "one", "Content-Type": "text/csv"}
    answers = [
        client.post(URL, query_string={"name": "again", **said}, data=csv(FEW), headers=headers)
        for said in ({}, {"reconsented": "true"})
    ]
    assert [answer.status_code for answer in answers] == [201, 422]
    assert rows(pool, "SELECT * FROM reconsented_lists") == []
