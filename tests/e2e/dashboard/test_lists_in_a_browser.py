"""Lists in a browser: uploaded with progress, cancelled, refused, looked at, deleted."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from campaign_api.sweep import sweep_abandoned_lists
from campaign_common.domain.api_key import ApiKey, Scope
from tests.e2e.dashboard.watched_page import VIOLATED, faults, sign_in, watched
from tests.support.keys import make_key
from tests.support.services.system import System
from tests.support.waiting import wait_until

ROWS = 20_000
ROWS_CANCELLED = 250_000
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"
SLOW = 150_000
"""Bytes a second that the browser sends, so that its progress is seen."""

TABLES = ("recipient_lists", "recipients", "recipient_rejects")


@pytest.fixture
def key(system: System) -> Iterator[ApiKey]:
    with system.run("campaign-api"):
        wait_until(system.is_ready)
        yield make_key(system.database, Scope.ADMIN)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file that is sent, and one that takes until it is cancelled."""
    for name, rows in (("large", ROWS), ("larger", ROWS_CANCELLED)):
        text = "".join(f"user{n},{13961400000 + n}\n" for n in range(rows))
        (tmp_path / f"{name}.csv").write_text(f"name,phone\n{text}{HOSTILE},{HOSTILE}\n")
    return tmp_path


def slow_down(page: Page, bytes_per_second: int) -> None:
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
    network.send(
        "Network.emulateNetworkConditions", {**conditions, "uploadThroughput": bytes_per_second}
    )


def rows_in(system: System) -> dict[str, int]:
    found = {}
    for table in TABLES:
        with system.database.reading() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            found[table] = int(cursor.fetchall()[0][0])
    return found


def is_swept(system: System) -> bool:
    """Sweep as the service does each minute, and return whether there is no row of a list."""
    sweep_abandoned_lists(system.database, Event())
    return not any(rows_in(system).values())


def choose(page: Page, file: Path) -> None:
    page.goto("/lists/upload")
    page.get_by_label("File", exact=True).set_input_files(file)


def test_lists_in_a_browser(browser: Browser, system: System, key: ApiKey, folder: Path) -> None:
    with watched(browser, system.url) as page:
        sign_in(page, key)
        page.get_by_role("link", name="Lists", exact=True).click()
        expect(page.get_by_text("There is no list yet.")).to_be_visible()
        assert faults(page) == []
        page.get_by_role("link", name="Upload a list").click()
        cancelled(page, system, folder / "larger.csv")
        uploaded(page, folder / "large.csv")
        refused(page.context, folder / "large.csv")
        looked_at(page)
    with watched(browser, system.url, scripts=False) as page:
        sign_in(page, key)
        without_scripts(page, folder / "large.csv")
    assert rows_in(system)["recipient_lists"] == 2


def cancelled(page: Page, system: System, file: Path) -> None:
    """Cancel an upload: nothing of it is kept, and the form is there again, filled in."""
    choose(page, file)
    expect(page.get_by_label("Name of the list")).to_have_value("larger")
    slow_down(page, SLOW)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#sending")).to_be_focused()
    expect(page.locator("#sent-text")).to_have_text(re.compile(r"^0\.[1-9]"), timeout=10_000)
    wait_until(lambda: rows_in(system)["recipients"] > 0)
    assert faults(page) == []
    page.get_by_role("button", name="Cancel the upload").click()
    expect(page.locator("#ended")).to_have_text(re.compile("^The upload was cancelled"))
    expect(page.locator("#ended")).to_be_focused()
    wait_until(lambda: is_swept(system), interval=0.2)


def uploaded(page: Page, file: Path) -> None:
    """Send another file by the same form: the bar moves, and then the list is shown."""
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_label("Name of the list").fill("large")
    slow_down(page, 4 * SLOW)
    seen = set()
    page.get_by_role("button", name="Upload").click()
    while page.locator("#sending").is_visible():
        with suppress(PlaywrightError):  # the next page may come before the look
            seen.add(page.evaluate("document.getElementById('sent')?.value"))
        page.wait_for_timeout(50)
    expect(page.locator(".balance")).to_have_text(
        f"{ROWS + 1:,} rows: {ROWS:,} accepted, 0 duplicates, 1 rejected"
    )
    assert len(seen) > 3, seen
    assert faults(page) == []


def refused(context: BrowserContext, file: Path) -> None:
    """Show what is refused without a new page: the chosen file stays."""
    page = context.new_page()
    page.add_init_script(VIOLATED)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    choose(page, file)
    page.get_by_text("How the file is written").click()
    page.get_by_label("Region of numbers").fill("zz")
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.locator(".error-summary")).to_contain_text("default_region")
    expect(page.get_by_label("Region of numbers")).to_have_value("zz")
    assert page.locator("#file").evaluate("input => input.files.length") == 1
    assert faults(page) == []
    # The browser itself notes each refusal.
    assert [text for text in said if "422" not in text] == []
    page.close()


def looked_at(page: Page) -> None:
    page.get_by_role("link", name="Lists", exact=True).first.click()
    assert faults(page) == []
    page.get_by_role("link", name="large", exact=True).click()
    page.get_by_role("link", name="Rejected rows, with").click()
    expect(page.locator("mark")).to_have_text(HOSTILE)
    assert faults(page) == []


def without_scripts(page: Page, file: Path) -> None:
    """Upload, refuse and delete by forms alone, and by the keyboard."""
    choose(page, file)
    page.get_by_label("Name of the list").fill("by form")
    page.get_by_label("Name of the list").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("by form")
    page.get_by_role("link", name="Delete…").press("Enter")
    page.get_by_role("link", name="Back, without change").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("by form")
    page.get_by_role("link", name="Delete…").press("Enter")
    page.get_by_role("button", name="Delete the list").press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
