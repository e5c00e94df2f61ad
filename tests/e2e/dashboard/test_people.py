"""Messages, people, inbound and suppressions in a browser: mouse, keyboard, without scripts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from campaign_common.database import Database
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from campaign_common.store.inbound.inbound_writer import InboundWriter
from tests.e2e.dashboard.watched_page import faults, sign_in, watched
from tests.e2e.seeded import FIRST_OF_MANY, PHONE, Seeds
from tests.support.inbound import inbound
from tests.support.keys import bearer, make_key
from tests.support.servers.databases import SchemaServer, fresh_schema
from tests.support.servers.schemas import make_current
from tests.support.services.api_service import ApiService, running_api, write_configuration

HOSTILE = "<img/src=x/onerror=alert(1)>"
"""A text, and an error code too."""
OTHER = str(FIRST_OF_MANY)
FIRST_TAB_STOPS = 40


@pytest.fixture(scope="module")
def dsn(database_server: SchemaServer) -> Iterator[str]:
    with fresh_schema(database_server.dsn) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def pool(dsn: str) -> Iterator[Database]:
    pool = Database(MysqlSettings(dsn=parse_dsn(dsn)))
    make_current(pool, 2)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def key(pool: Database) -> ApiKey:
    return make_key(pool, Scope.ADMIN)


@pytest.fixture(scope="module")
def api(dsn: str, pool: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    assert pool
    configuration = write_configuration(tmp_path_factory.mktemp("people"), dsn, Workers=1)
    with running_api(configuration) as service:
        yield service


@pytest.fixture(scope="module")
def campaign_id(api: ApiService, key: ApiKey, pool: Database) -> int:
    """A finished campaign: some messages are sent, some have failed by a hostile error code."""
    campaign_id, _ = Seeds(api.url, bearer(key), pool).large(60)
    with pool.transaction() as cursor:
        cursor.execute("UPDATE messages_1 SET error_code = %s", (HOSTILE,))
    return campaign_id


def heading(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


def tab_to(page: Page, element: str) -> None:
    for _ in range(FIRST_TAB_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", element):
            return
    pytest.fail(f"{element} is not reached by the keyboard")


def test_numbers_lead_to_messages_and_people(
    browser: Browser, api: ApiService, key: ApiKey, campaign_id: int
) -> None:
    with watched(browser, api.url) as page:
        sign_in(page, key, f"/campaigns/{campaign_id}")
        failed = page.locator(".number-failed a")
        number = failed.inner_text()
        failed.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Messages of a finished one")
        expect(page.locator("tbody tr")).to_have_count(int(number))
        assert faults(page) == []
        page.get_by_role("link", name="Error codes").click()
        expect(page.get_by_role("rowheader")).to_have_text(HOSTILE)
        assert faults(page) == []
        page.get_by_role("link", name=HOSTILE).click()
        expect(page.locator("tbody tr")).to_have_count(int(number))
        page.goto(f"/campaigns/{campaign_id}/messages")
        expect(page.locator("tbody tr")).to_have_count(50)
        page.get_by_role("link", name="Next page").click()
        expect(page.locator("tbody tr")).to_have_count(10)
        page.get_by_label("Error code").fill("none")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("main")).to_contain_text("No message is like that.")
        page.goto(f"/campaigns/{campaign_id}/messages")
        page.get_by_role("link", name=OTHER, exact=True).click()
        assert heading(page) == f"Person {OTHER}"


def test_a_person_is_read_suppressed_and_erased(
    browser: Browser, api: ApiService, key: ApiKey, campaign_id: int, pool: Database
) -> None:
    assert campaign_id
    InboundWriter(pool).write(
        [
            inbound("1", phone=PHONE, text=f"{HOSTILE}\nwhen do you open?"),
            inbound("2", phone=PHONE, text="STOP", keyword=KeywordKind.STOP, is_unsure=True),
        ]
    )
    with watched(browser, api.url) as page:
        sign_in(page, key, "/inbound")
        expect(page.get_by_text(HOSTILE)).to_be_visible()
        assert faults(page) == []
        page.get_by_label("Keyword", exact=True).select_option("STOP")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("link", name=PHONE).click()
        page.locator("summary").click()
        page.get_by_label("Note").fill(HOSTILE)
        page.get_by_role("button", name="Suppress").click()
        expect(page.get_by_role("status")).to_contain_text("Suppressed.")
        suppressed = page.get_by_role("region", name="Suppressions")
        expect(suppressed.get_by_role("cell", name=HOSTILE)).to_be_visible()
        assert faults(page) == []
        page.get_by_role("button", name="Lift").click()
        expect(page.get_by_role("status")).to_contain_text("Lifted.")
        page.get_by_role("link", name="Erase this person…").click()
        assert faults(page) == []
        page.get_by_role("button", name="Erase this person").click()
        expect(page.get_by_role("status")).to_contain_text("is stored")
        assert PHONE not in page.url
    assert PHONE not in api.log.read_text()


def test_suppressions_are_added_imported_and_exported(
    browser: Browser, api: ApiService, key: ApiKey, tmp_path: Path
) -> None:
    file = tmp_path / "stop.csv"
    file.write_text(f"phone,note\n{OTHER},{HOSTILE}\n{HOSTILE},\n")
    with watched(browser, api.url) as page:
        sign_in(page, key, "/suppressions")
        assert faults(page) == []
        page.get_by_role("link", name="Add suppressions").click()
        page.locator("#file").set_input_files(file)
        page.get_by_role("button", name="Import").click()
        expect(page.get_by_role("status")).to_contain_text("1 rows accepted, 1 rejected.")
        assert faults(page) == []
        page.get_by_role("link", name="Suppressions").first.click()
        expect(page.get_by_role("row", name=OTHER)).to_contain_text(HOSTILE)
        assert faults(page) == []
        with page.expect_download() as download:
            page.get_by_role("link", name="Export these as CSV").click()
        assert OTHER in Path(download.value.path()).read_text()
        page.get_by_role("row", name=OTHER).get_by_role("button", name="Lift").click()
        expect(page.get_by_role("status")).to_contain_text("Lifted.")


def test_a_person_is_suppressed_by_keyboard_alone(
    browser: Browser, api: ApiService, key: ApiKey, campaign_id: int
) -> None:
    assert campaign_id
    with watched(browser, api.url) as page:
        sign_in(page, key, "/people")
        tab_to(page, "#phone")
        page.keyboard.type("12")
        page.keyboard.press("Enter")
        expect(page.locator(".error-summary")).to_be_focused()
        assert faults(page) == []
        page.locator("#phone").clear()
        page.keyboard.type(f"+{OTHER}")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Person {OTHER}")
        tab_to(page, "summary")
        page.keyboard.press("Enter")
        tab_to(page, "details button")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Suppressed.")
        tab_to(page, "td button")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Lifted.")


def test_a_person_is_suppressed_without_scripts(
    browser: Browser, api: ApiService, key: ApiKey
) -> None:
    with watched(browser, api.url, scripts=False) as page:
        sign_in(page, key, "/people")
        page.get_by_label("Phone number").fill(f"+{OTHER}")
        page.get_by_role("button", name="Find").click()
        page.locator("summary").click()
        page.get_by_role("button", name="Suppress").click()
        expect(page.get_by_role("status")).to_contain_text("Suppressed.")
        page.get_by_role("link", name="Suppressions").click()
        page.get_by_role("row", name=OTHER).get_by_role("button", name="Lift").click()
        expect(page.get_by_role("row", name=OTHER)).to_have_count(0)
