"""A new campaign in five steps: by mouse, by keyboard alone, and without JavaScript."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from campaign_common.database import Database
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.settings import load_settings
from tests.e2e.dashboard.watched_page import NARROW, WIDE, faults, sign_in, watched
from tests.support.keys import bearer, make_key
from tests.support.servers.databases import SchemaServer
from tests.support.servers.schema_pool import SchemaPool
from tests.support.services.api_service import (
    SHARDS,
    ApiService,
    make_schema,
    running_api,
    write_configuration,
)

HOSTILE = "<img src=x onerror=alert(1)>"
CSV = f"phone,name,city\n13961467501,Ann,Brno\n13961467502,{HOSTILE},Oslo\n"
PRICE = {"Currency": "EUR", "PerSegment": {"default": 0.05}}
PATIENCE = 20_000
"""Milliseconds for a page and what it loads, where the machine has other work."""

MOST_STOPS = 60
"""Stops of the Tab key between two elements of a form."""


@pytest.fixture(scope="module")
def configuration(
    database_server: SchemaServer, schema_pool: SchemaPool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    with schema_pool.schema(database_server.dsn, SHARDS) as dsn:
        folder = tmp_path_factory.mktemp("api")
        path = write_configuration(folder, dsn, Workers=1, Simulated={"Price": PRICE})
        make_schema(path)
        yield path


@pytest.fixture(scope="module")
def api(configuration: Path) -> Iterator[ApiService]:
    with running_api(configuration) as service:
        yield service


@pytest.fixture(scope="module")
def key(api: ApiService, configuration: Path) -> ApiKey:
    """The key of somebody who may write, and two lists that it made."""
    database = Database(load_settings(configuration, {}).mysql)
    key = make_key(database, Scope.WRITE)
    database.close()
    for name in ("friends", HOSTILE):
        answer = requests.post(
            f"{api.url}/v1/recipient-lists",
            params={"name": name},
            data=CSV,
            headers={"Content-Type": "text/csv", **bearer(key)},
            timeout=60,
        )
        assert answer.ok, answer.text
    return key


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not lead to {wanted}")


def is_as_wide_as_the_window(page: Page) -> bool:
    """Return whether nothing is cut off on a narrow screen."""
    page.set_viewport_size({"width": NARROW, "height": 800})
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": WIDE, "height": 800})
    return wide <= NARROW


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def make_by_mouse(page: Page) -> None:
    page.get_by_role("link", name="Campaigns", exact=True).click()
    page.get_by_role("link", name="New campaign").click()
    assert faults(page) == []
    page.get_by_label("friends").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name of the campaign").fill(HOSTILE)
    text = page.get_by_label("Text", exact=True)
    text.fill("hi {name} from {city}")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("hi Ann from Brno")
    expect(preview).to_contain_text(f"hi {HOSTILE} from Oslo")
    expect(preview.locator(".cost").first).to_have_text("0.05 EUR")
    text.press("End")
    text.press_sequentially(" ~ č")
    expect(preview).to_contain_text("U+010D")
    expect(preview.locator(".segments").first).to_have_text("1 segment")
    expect(text).to_be_focused()
    assert faults(page) == []
    text.press_sequentially(" {town}")
    expect(preview).to_contain_text("no column town")
    page.get_by_role("button", name="Back to the list").click()
    page.get_by_label(HOSTILE).check()
    assert faults(page) == []
    page.get_by_role("button", name="Continue").click()
    expect(text).to_have_value("hi {name} from {city} ~ č {town}")
    text.fill("hi {name} from {city} ~ č")
    page.get_by_role("button", name="Save and continue").click()
    expect(page.locator("#check")).to_contain_text("2 messages were checked", timeout=PATIENCE)
    assert faults(page) == []
    page.get_by_role("link", name="Continue").click()


def test_a_campaign_is_planned_by_mouse(browser: Browser, api: ApiService, key: ApiKey) -> None:
    day = datetime.now(UTC).date() + timedelta(days=1)
    with watched(browser, api.url, refusals={422}) as page:
        sign_in(page, key)
        make_by_mouse(page)
        assert faults(page) == []
        assert is_as_wide_as_the_window(page)
        page.get_by_role("button", name="Save and continue").click()
        expect(page.locator(".error-summary")).to_be_focused(timeout=PATIENCE)
        assert faults(page) == []
        page.get_by_label("At this time").check()
        page.get_by_label("Date").fill(day.isoformat())
        page.get_by_label("Time of day").fill("12:30")
        page.get_by_label("Time zone").select_option("Asia/Kolkata")
        page.get_by_role("button", name="Save and continue").click()
        expect(page.locator("main")).to_contain_text(f"{day} 12:30 Asia/Kolkata")
        expect(page.locator("main")).to_contain_text("07:00:00 UTC")
        assert faults(page) == []
        page.get_by_role("link", name="Back to the time").click()
        expect(page.get_by_label("Time zone")).to_have_value("Asia/Kolkata")
        page.get_by_role("button", name="Save and continue").click()
        page.get_by_role("button", name=re.compile("^Schedule for")).click()
        expect(page.locator("#live .tag")).to_have_text("scheduled", timeout=PATIENCE)
        page.goto(f"/calendar?month={day:%Y-%m}&time_zone=Asia/Kolkata")
        assert faults(page) == []
        page.locator(".calendar").get_by_role("link", name=HOSTILE).click()
        expect(heading(page)).to_have_text(HOSTILE)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_campaign_is_planned_by_keyboard(
    browser: Browser, api: ApiService, key: ApiKey, scripts: bool
) -> None:
    """Tab, Space, Enter and the arrows are all that it takes."""
    with watched(browser, api.url, scripts=scripts) as page:
        sign_in(page, key)
        page.goto("/campaigns/new")
        tab_to(page, page.get_by_label(HOSTILE))
        page.keyboard.press("ArrowDown")
        expect(page.get_by_label("friends")).to_be_checked()
        page.keyboard.press("Enter")
        tab_to(page, page.get_by_label("Name of the campaign"))
        page.keyboard.type("by keyboard")
        tab_to(page, page.get_by_label("Text", exact=True))
        page.keyboard.type("hi {name}")
        if not scripts:
            press(page, page.get_by_role("button", name="Show the preview"))
        expect(page.locator("#preview")).to_contain_text("hi Ann")
        if not scripts:
            press(page, page.get_by_role("button", name="Back to the list"))
            press(page, page.get_by_role("button", name="Continue"))
        press(page, page.get_by_role("button", name="Save and continue"))
        if not scripts:
            press(page, page.get_by_role("link", name="Check now"))
        expect(page.locator("#check")).to_contain_text("2 messages were checked", timeout=PATIENCE)
        press(page, page.get_by_role("link", name="Continue"))
        tab_to(page, page.get_by_label("At this time"))
        page.keyboard.press("ArrowUp")
        press(page, page.get_by_role("button", name="Save and continue"))
        press(page, page.get_by_role("button", name="Start now"))
        expect(page.locator("#live .tag")).to_have_text("scheduled", timeout=PATIENCE)
        expect(heading(page)).to_have_text("by keyboard")


def press(page: Page, wanted: Locator) -> None:
    tab_to(page, wanted)
    page.keyboard.press("Enter")
    page.wait_for_load_state()
