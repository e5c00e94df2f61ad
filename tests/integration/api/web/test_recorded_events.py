"""Each kind of event is recorded in the transaction of its change: both are there, or neither."""

import io
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database, Databases
from campaign_common.database.session import Session
from campaign_common.domain.api_key import Scope
from campaign_common.domain.events.event_kind import CHOSEN, EventKind
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.store.campaigns.leases import Holder
from campaign_common.store.campaigns.stalled_campaigns import publish_again, read_outstanding
from campaign_common.store.inbound.inbound_writer import InboundWriter
from campaign_common.store.webhooks.providers_left_alone import note_providers
from campaign_scheduler.held_leases import HeldLeases
from campaign_scheduler.jobs.finish_campaigns import CampaignFinisher
from campaign_scheduler.jobs.start_campaigns import CampaignStarter
from tests.integration.api.conftest import SHARDS
from tests.integration.api.one_campaign import make_one, run_it
from tests.integration.api.stored import change, rows
from tests.support.inbound import inbound
from tests.support.keys import bearer, make_key

OWNER = "scheduler"
"""Holder of the leases on campaigns."""

LIST = "name,phone\nann,13961467500\n"
SUPPRESSED = "phone\n13961467500\n"


class Scene(NamedTuple):
    client: FlaskClient
    pool: Database
    campaign: int
    admin: Mapping[str, str]

    def act(self, verb: str) -> None:
        self.client.post(f"/v1/campaigns/{self.campaign}/{verb}", json={}, headers=self.admin)

    def put_in(self, state: str) -> None:
        run_it(self.pool, state)
        lease = "UPDATE campaigns SET lease_owner = %s, lease_until = NOW(6) + INTERVAL 1 HOUR"
        change(self.pool, lease, OWNER)


class Case(NamedTuple):
    """A kind of event: what comes before the change, the change, and where it is seen."""

    kind: EventKind
    before: Callable[[Scene], object]
    change: Callable[[Scene], object]
    seen: str


STATE = "SELECT state, epoch FROM campaigns"
LEFT_ALONE = "SELECT provider FROM providers_left_alone"
SUPPRESSIONS = "SELECT phone, scope FROM suppressions"


def nothing(_: Scene) -> None:
    pass


def due(scene: Scene) -> None:
    change(scene.pool, "UPDATE campaigns SET state = 'scheduled', scheduled_at = NOW(6)")


def due_without_list(scene: Scene) -> None:
    due(scene)
    change(scene.pool, "UPDATE recipient_lists SET state = 'failed'")


def start_due(scene: Scene) -> None:
    CampaignStarter(scene.pool, HeldLeases(scene.pool, Holder(OWNER, 60)), SHARDS).start_due()


def complete(scene: Scene) -> None:
    scene.put_in("running")
    sent = "INSERT INTO campaign_counters (campaign_id, shard, status, n) VALUES (%s, 0, 1, 3)"
    change(scene.pool, sent, scene.campaign)


def stand_still(scene: Scene) -> None:
    with Databases((scene.pool,)).reading() as cursors:
        (stalled,) = read_outstanding(cursors, OWNER)
    scene.pool.run(partial(publish_again, campaign=stalled, actor=OWNER, reason="lost"))


def open_breaker(scene: Scene) -> None:
    opened = (
        "INSERT INTO provider_breakers (provider, open_until, opened_at, opened_by)"
        " VALUES ('http', NOW(6) + INTERVAL 1 MINUTE, NOW(6), 'sender')"
    )
    change(scene.pool, opened)


def provider_left_alone(scene: Scene) -> None:
    noted = "INSERT INTO providers_left_alone VALUES ('http', NOW(6), NOW(6) - INTERVAL 1 HOUR)"
    change(scene.pool, noted)


def look_at_providers(scene: Scene) -> None:
    scene.pool.run(note_providers)


def upload(scene: Scene) -> None:
    path = "/v1/recipient-lists?name=people"
    csv = io.BytesIO(LIST.encode())
    scene.client.post(path, input_stream=csv, content_type="text/csv", headers=scene.admin)


def suppress_one(scene: Scene) -> None:
    wanted = {"phone": "13961467500", "default_region": "CN"}
    scene.client.post("/v1/suppressions", json=wanted, headers=scene.admin)


def suppress_many(scene: Scene) -> None:
    path = "/v1/suppressions.csv?default_region=CN"
    scene.client.post(path, data=SUPPRESSED, content_type="text/csv", headers=scene.admin)


def receive(scene: Scene, keyword: KeywordKind | None = None) -> None:
    InboundWriter(scene.pool).write([inbound(keyword=keyword)])


def make_api_key(scene: Scene) -> None:
    wanted = {"name": "night", "scope": "read"}
    scene.client.post("/v1/api-keys", json=wanted, headers=scene.admin)


def revoke_api_key(scene: Scene) -> None:
    ((key_id,),) = rows(scene.pool, "SELECT id FROM api_keys WHERE name = 'old'")
    scene.client.delete(f"/v1/api-keys/{key_id}", headers=scene.admin)


CASES = (
    Case(EventKind.CAMPAIGN_SCHEDULED, nothing, lambda scene: scene.act("start"), STATE),
    Case(EventKind.CAMPAIGN_STARTED, due, start_due, STATE),
    Case(EventKind.CAMPAIGN_FAILED, due_without_list, start_due, STATE),
    Case(
        EventKind.CAMPAIGN_PAUSED,
        lambda scene: scene.put_in("running"),
        lambda scene: scene.act("pause"),
        STATE,
    ),
    Case(
        EventKind.CAMPAIGN_RESUMED,
        lambda scene: scene.put_in("paused"),
        lambda scene: scene.act("resume"),
        STATE,
    ),
    Case(
        EventKind.CAMPAIGN_CANCELLED,
        lambda scene: scene.put_in("running"),
        lambda scene: scene.act("cancel"),
        STATE,
    ),
    Case(
        EventKind.CAMPAIGN_FINISHED,
        complete,
        lambda scene: CampaignFinisher(Databases((scene.pool,)), OWNER).finish_complete(),
        STATE,
    ),
    Case(EventKind.CAMPAIGN_STALLED, lambda scene: scene.put_in("running"), stand_still, STATE),
    Case(
        EventKind.LIST_IMPORTED,
        nothing,
        upload,
        "SELECT COUNT(*) FROM recipient_lists WHERE state = 'ready'",
    ),
    Case(EventKind.PROVIDER_LEFT_ALONE, open_breaker, look_at_providers, LEFT_ALONE),
    Case(EventKind.PROVIDER_RETURNED, provider_left_alone, look_at_providers, LEFT_ALONE),
    Case(EventKind.SUPPRESSION_ADDED, nothing, suppress_one, SUPPRESSIONS),
    Case(
        EventKind.SUPPRESSION_ADDED,
        nothing,
        suppress_many,
        "SELECT COUNT(ended_at) FROM suppression_imports",
    ),
    Case(
        EventKind.SUPPRESSION_ADDED,
        nothing,
        partial(receive, keyword=KeywordKind.STOP),
        SUPPRESSIONS,
    ),
    Case(EventKind.INBOUND_RECEIVED, nothing, receive, "SELECT id FROM inbound_messages"),
    Case(EventKind.API_KEY_CREATED, nothing, make_api_key, "SELECT COUNT(*) FROM api_keys"),
    Case(
        EventKind.API_KEY_REVOKED,
        lambda scene: make_key(scene.pool, Scope.READ, "old"),
        revoke_api_key,
        "SELECT revoked_at IS NULL FROM api_keys WHERE name = 'old'",
    ),
)


class ProcessEnded(BaseException):
    """End of the process that makes a change, as by SIGKILL."""


class Interruption:
    """The end of the process at the commit of the transaction that records an event.

    `committed`: it ends after the server has committed, else before it is told to.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, kind: EventKind, *, committed: bool
    ) -> None:
        self._kind = kind
        self._committed = committed
        self._commit = Session.commit
        self.happened = False

        def commit(session: Session) -> None:
            self._at_commit(session)

        monkeypatch.setattr(Session, "commit", commit)

    def _at_commit(self, session: Session) -> None:
        if self.happened:  # a process that has ended commits nothing
            raise ProcessEnded
        with session.cursor() as cursor:
            self.happened = bool(cursor.execute(OF_KIND, (self._kind.value,)))
        if self._committed or not self.happened:
            self._commit(session)
        if self.happened:
            raise ProcessEnded


OF_KIND = "SELECT event_id FROM outgoing_events WHERE kind = %s"


@pytest.fixture
def scene(client: FlaskClient, pool: Database) -> Scene:
    campaign = make_one(client, pool)
    admin = bearer(make_key(pool, Scope.ADMIN))
    return Scene(client, pool, campaign, admin)


@pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind.value)
def test_event_and_change_are_committed_together(
    scene: Scene, case: Case, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    """The process ends right before, or right after, the transaction with the event commits."""
    case.before(scene)
    change(scene.pool, "DELETE FROM outgoing_events")
    before = rows(scene.pool, case.seen)
    with monkeypatch.context() as patches:
        interruption = Interruption(patches, case.kind, committed=committed)
        with suppress(ProcessEnded):
            case.change(scene)
    assert interruption.happened
    assert len(rows(scene.pool, OF_KIND, case.kind.value)) == int(committed)
    assert (rows(scene.pool, case.seen) != before) is committed


def test_every_kind_has_a_case() -> None:
    assert {case.kind for case in CASES} == set(CHOSEN)
