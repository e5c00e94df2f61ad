"""schemathesis asks the real service for everything that its OpenAPI document describes.

Every check is on. In its own turn each operation is asked as the document allows (and must then
succeed at least once), as it does not allow, and without a key.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from io import BytesIO
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, Response
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import negative_data_rejection

from campaign_api.openapi import document
from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from tests.e2e.seeded import PHONE, ROUTE, Seeds
from tests.integration.api.providers.heartbeats import beat
from tests.support.generated_client import generate
from tests.support.keys import bearer, make_key
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.servers.schemas import make_current
from tests.support.services.api_service import ApiService, running_api, write_configuration

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
EXAMPLES = 8
"""Of each operation, beside those at the bounds of its schema."""

MADE_AND_DELETED = r"^/v1/(campaigns|recipient-lists)(/\{\w+\}(/(clone|events|recipients))?)?$"
SCENARIOS, STEPS = 20, 10
"""Of operations that follow each other, each with what the answers before have named."""

END_TEST_MESSAGES = """
UPDATE trial_messages SET taken_at = NOW(6), ended_at = NOW(6), status = 1 WHERE ended_at IS NULL
"""

schema = (
    schemathesis.openapi.from_dict(json.loads(document()))
    .exclude(
        # Only what a gateway has signed succeeds, which no document can say: tests/e2e/callbacks.
        path_regex=r"^/v1/(callbacks|inbound)/\{provider\}$"
    )
    .exclude(
        # Only the link of a message succeeds: tests/integration/api/unsubscribing.
        path="/u/{reference}"
    )
)


makers_and_users = schema.include(path_regex=MADE_AND_DELETED)

unkeyed = schemathesis.openapi.from_dict(json.loads(document()))
unkeyed.config.phases.coverage.enabled = False


def test_committed_document_is_up_to_date() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == document(), (
        "python -m campaign_api.openapi > docs/reference/openapi.json"
    )


@pytest.fixture(scope="module")
def dsn(database_servers: DatabaseServers) -> Iterator[str]:
    """One flavour: what differs between them is not in the form of answers."""
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def pool(dsn: str) -> Iterator[Database]:
    pool = Database(MysqlSettings(dsn=parse_dsn(dsn)))
    make_current(pool, 2)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def headers(pool: Database) -> dict[str, str]:
    return bearer(make_key(pool, Scope.ADMIN))


@pytest.fixture(scope="module")
def api(dsn: str, pool: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    folder = tmp_path_factory.mktemp("openapi")
    limits = {"RequestsPerMinute": 1_000_000, "TestMessagesPerMinute": 1_000_000}
    priced = {"Price": {"Currency": "EUR", "PerSegment": {"default": 0.07}}}  # for budgets
    keys = {"Keys": [{"Value": token_hex(16)}]}
    routes = {ROUTE: {"Choose": [{"Provider": "simulated"}]}}
    configuration = write_configuration(
        folder, dsn, Workers=1, Api=limits, Simulated=priced, Routes=routes, Webhooks=keys
    )
    (folder / "csv" / "recipients.csv").write_text(f"Ann,{PHONE}\n")
    with running_api(configuration) as service:
        yield service


@pytest.fixture(scope="module")
def seeds(api: ApiService, headers: dict[str, str], pool: Database) -> Seeds:
    return Seeds(api.url, headers, pool)


@pytest.fixture(scope="module", autouse=True)
def sender(pool: Database) -> Iterator[None]:
    """Ends test messages at once, in a sender's place, and shows itself: requests need that."""
    stop = threading.Event()

    def end_test_messages() -> None:
        for turn in count():
            if turn % 100 == 0:
                beat(pool)
            pool.run(lambda cursor: cursor.execute(END_TEST_MESSAGES))
            if stop.wait(0.05):
                return

    thread = threading.Thread(target=end_test_messages)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def statuses() -> Iterator["Counter[int]"]:
    """Answers of an operation; with a key every one must have succeeded once."""
    seen: Counter[int] = Counter()
    yield seen
    assert any(200 <= status < 300 for status in seen), f"never succeeded: {dict(seen)}"


@pytest.fixture
def turns() -> Iterator[int]:
    return count()


@pytest.mark.timeout(120)
@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(
    case: Case,
    api: ApiService,
    headers: dict[str, str],
    seeds: Seeds,
    statuses: "Counter[int]",
    turns: Iterator[int],
) -> None:
    point_at_something(case, seeds, exists=next(turns) % 2 == 0)
    answer = case.call(base_url=api.url, headers=headers)
    statuses[answer.status_code] += 1
    case.validate_response(answer, headers=headers)


def point_at_something(case: Case, seeds: Seeds, *, exists: bool) -> None:
    """Let a well-formed case name what exists; the others stay as wrong as they are.

    The path may name nothing (404). What the fields name must exist, since the document
    cannot say that a list, a file or a column does: without it the request is refused.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if exists and case.path_parameters:
        replace_known(case.path_parameters, seeds.path(case.path, case.method))
    allow_what_no_document_can_say(case, seeds)
    if case.path.startswith("/v1/providers") and isinstance(case.body, dict):
        allow_what_no_document_can_say_of_providers(case.path, case.body)
    if case.path.startswith("/v1/suppressions"):
        if isinstance(case.body, dict):
            for name in ("since", "until", "default_region"):  # past, future, of the number
                case.body.pop(name, None)
        if isinstance(case.query, dict):
            case.query.pop("default_region", None)
        if exists and case.method == "DELETE":
            case.query = {**(case.query or {}), "scope": seeds.suppressed_scope()}
    if case.path.startswith("/v1/routes") and isinstance(case.body, dict):
        replace_known(case.body, {"choices": [{"provider": "simulated", "weight": 7}]})


def allow_what_no_document_can_say(case: Case, seeds: Seeds) -> None:
    """Let fields name what exists, and a key stand for one intention, as a client would."""
    replace_known(case.body, seeds.fields())
    if isinstance(case.body, dict) and case.path.startswith("/v1/campaigns"):
        if case.path.endswith("/test"):
            case.body["suppressed"] = "send"  # another request may have added a suppression
        if case.path.endswith("/retry"):
            allow_what_no_document_can_say_of_retries(case.body)
        allow_what_no_document_can_say_of_campaigns(case.body, seeds)
    allow_what_no_document_can_say_of_keys(case.path, case.body)
    if isinstance(case.query, dict):
        case.query.pop("cursor", None)
    if case.method == "POST":
        allow_what_no_document_can_say_of_files(case)
    if case.headers is not None:
        case.headers.pop("If-Match", None)
        if "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = token_hex(16)  # each request is one intention


def allow_what_no_document_can_say_of_files(case: Case) -> None:
    """Let a file be a CSV, and the query not contradict it."""
    if case.media_type == "application/octet-stream":
        case.body = f"phone,name\n{PHONE},Ann\n".encode()
    if case.path == "/v1/recipient-lists":
        if isinstance(case.body, dict):
            case.body.pop("name", None)  # given once, as parameter or in the form
        case.query = {**(case.query or {}), "name": "needed by a body that is no form"}
        for said in ("phone_column", "name_column", "delimiter", "encoding", "default_region"):
            case.query.pop(said, None)  # how the file is written, which is another matter


def allow_what_no_document_can_say_of_campaigns(body: dict[str, Any], seeds: Seeds) -> None:
    """Let a campaign have one content, and a rate of three decimal places."""
    if "template" in body:
        body.pop("content", None)  # the same in other words
    elif "content" not in body and body.keys() >= {"name", "recipient_list_id"}:
        body["template"] = seeds.fields()["template"]
    if isinstance(body.get("max_rate"), float):
        body["max_rate"] = round(body["max_rate"], 3)


def allow_what_no_document_can_say_of_retries(body: dict[str, Any]) -> None:
    """Let a retry name a status or a receipt, and the code that goes with it."""
    if body.keys().isdisjoint({"status", "receipt"}):
        body["status"] = "failed"
    for name in ("receipt", "code") if "status" in body else ("error_code",):
        body.pop(name, None)


def allow_what_no_document_can_say_of_keys(path: str, body: object) -> None:
    """Let a key have a name that can be printed, and a preview one content and one source."""
    if path == "/v1/api-keys":
        replace_known(body, {"name": "of printable characters"})
    if path == "/v1/previews" and isinstance(body, dict):
        for name in ("content", "phone", "attributes"):
            body.pop(name, None)
        body["template"] = "hi {name}"


def allow_what_no_document_can_say_of_providers(path: str, body: dict[str, Any]) -> None:
    """Let a check without a number be a dry run, and limits have a zone and exact amounts."""
    if path.endswith("/checks") and "phone" not in body:
        body["dry_run"] = True
    if path.endswith("/limits"):
        step = {"from": "2027-01-01", "per_second": 0.1}
        replace_known(body, {"per_second": 7.5, "zone": "UTC", "ramp": [step]})


def replace_known(part: object, known: Mapping[str, Any]) -> None:
    if isinstance(part, dict):
        part.update({name: known[name] for name in part if name in known})


def test_what_is_made_can_be_found_and_what_is_deleted_cannot(
    api: ApiService, headers: dict[str, str], seeds: Seeds
) -> None:
    """One operation's answer leads to the next: what the checks of single answers cannot see."""

    class Workflow(makers_and_users.as_state_machine()):  # type: ignore[misc]
        def before_call(self, case: Case) -> None:
            if case.meta is None or case.meta.generation.mode.is_positive:
                allow_what_no_document_can_say(case, seeds)

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:  # noqa: ARG002 - its own signature
            return {"base_url": api.url, "headers": headers}

        def validate_response(
            self,
            response: Response,
            case: Case,
            additional_checks: list[CheckFunction] | None = None,
            **kwargs: Any,  # noqa: ANN401 - its own signature
        ) -> None:
            """Leave refusals to the test of single answers: here a missing key is made good."""
            case.validate_response(
                response,
                additional_checks=additional_checks,
                excluded_checks=[negative_data_rejection],
                transport_kwargs=kwargs or None,
                recorder=self.recorder,
            )

    Workflow.run(
        settings=settings(
            max_examples=SCENARIOS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
    )


@unkeyed.parametrize()
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_nobody_without_a_key_gets_anything(
    case: Case, api: ApiService, headers: dict[str, str]
) -> None:
    assert headers  # there is a key, if another one
    answer = case.call(base_url=api.url, headers={"Authorization": "Bearer none"})
    open_to_all = case.operation.definition.raw.get("security") == []
    refused = answer.status_code in {401, 414}  # 414: a longer URL is not even looked at
    assert refused != open_to_all
    case.validate_response(answer)


def test_a_generated_client_uploads_files(
    api: ApiService, headers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list as the body and in a form, and suppressions."""
    package = generate(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    file_type = import_module(f"{package.name}.types").File
    form_type = import_module(f"{package.name}.models").CreateRecipientListFilesBody
    client = import_module(package.name).Client(base_url=api.url, headers=headers)
    text = f"phone,name\n{PHONE},Ann\n".encode()

    def answered(module: str, body: object, **query: str) -> Any:  # noqa: ANN401 - generated
        operation = import_module(f"{package.name}.api.{module}")
        return operation.sync(client=client, body=body, **query)

    creating = "recipient_lists.create_recipient_list"
    assert answered(creating, file_type(BytesIO(text)), name="plain").accepted == 1
    form = form_type(file=file_type(BytesIO(text), "people.csv", "text/csv"), name="form")
    assert answered(creating, form).accepted == 1
    imported = answered("suppressions.import_suppressions", file_type(BytesIO(text)))
    assert imported.accepted == 1


def test_the_service_serves_its_document(api: ApiService) -> None:
    served = requests.get(f"{api.url}/openapi.json", timeout=10).json()
    assert served == json.loads(document())
