"""Plots of a campaign in a browser: by mouse, by keyboard, in the dark, and without scripts."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.domain.message import Status
from campaign_common.settings import Settings
from tests.e2e.dashboard.served import SHARDS, served, settings_of
from tests.e2e.dashboard.watched_page import faults, sign_in, watched
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, add_list, record
from tests.integration.api.stored import change
from tests.support.keys import make_key
from tests.support.waiting import wait_until

PATH = f"/campaigns/{CAMPAIGN}"
RECIPIENTS = 100
KEPT = """
INSERT INTO kept_samples VALUES (%s, NOW(6) - INTERVAL %s SECOND, 5, 3, %s, 1, 0, 0, 0, 0, 0)
"""
FINISH = "UPDATE campaigns SET state = 'finished', finished_at = NOW(6) WHERE id = %s"
DARKEST = """
canvas => {
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  let darkest = 255;
  for (let n = 0; n < data.length; n += 4)
    if (data[n + 3] === 255)
      darkest = Math.min(darkest, Math.max(data[n], data[n + 1], data[n + 2]));
  return darkest;
}
"""
"""The darkest that is drawn: text is dark on light pages, and nothing is on dark ones. It is read
from a copy, as the browser warns in the console of a canvas that is read often."""

DARK = 60


@pytest.fixture
def settings(migrated_schema: Callable[[int], str], tmp_path: Path) -> Settings:
    return settings_of(migrated_schema(SHARDS), tmp_path)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.mysql)
    add_list(database, range(1, RECIPIENTS + 1))
    add_campaign(database, started_ago=60)
    for ago, sent in ((45, 10), (30, 30), (15, 60)):
        change(database, KEPT, CAMPAIGN, ago, sent)
    record(database, dict.fromkeys(range(1, 81), Status.SENT) | {81: Status.FAILED})
    yield database
    database.close()


@pytest.fixture
def url(settings: Settings, database: Database) -> Iterator[str]:
    with served(settings, database) as url:
        yield url


def test_the_plots_follow_a_campaign(browser: Browser, url: str, database: Database) -> None:
    key = make_key(database, Scope.READ)
    with watched(browser, url) as page:
        sign_in(page, key, PATH)
        expect(page.locator(".plot canvas")).to_have_count(2)
        outcomes = page.get_by_role("img", name="Messages by outcome")
        said = page.locator(".plot-said").last
        outcomes.focus()
        page.keyboard.press("Home")
        expect(said).to_have_text(re.compile(r" UTC: pending 100, sent 0, failed 0$"))
        page.keyboard.press("ArrowRight")
        expect(said).to_have_text(re.compile(r" UTC: pending 89, sent 10, failed 1$"))
        page.keyboard.press("End")
        expect(said).to_have_text(re.compile(r" UTC: pending 19, sent 80, failed 1$"))
        page.locator("#plot-rate .u-over").hover()
        expect(page.locator(".plot-said").first).to_have_text(re.compile(r" UTC: rate \d"))
        page.locator("#plots summary").click()
        assert faults(page) == []
        page.emulate_media(color_scheme="dark")
        wait_until(lambda: page.locator("#plot-rate canvas").evaluate(DARKEST) > DARK, timeout=5)
        page.emulate_media(color_scheme="light")
        wait_until(lambda: page.locator("#plot-rate canvas").evaluate(DARKEST) < DARK, timeout=5)
        record(database, dict.fromkeys(range(82, RECIPIENTS + 1), Status.SENT))
        change(database, FINISH, CAMPAIGN)
        last = page.locator("#plots tbody tr").last
        expect(last.locator("td").nth(1)).to_have_text("0", timeout=15_000)
        expect(last.locator("td").nth(2)).to_have_text("99")


def test_the_numbers_are_there_without_scripts(
    browser: Browser, url: str, database: Database
) -> None:
    with watched(browser, url, scripts=False) as page:
        sign_in(page, make_key(database, Scope.READ), PATH)
        expect(page.locator(".plots")).to_be_hidden()
        page.locator("#plots summary").click()
        rows = page.locator("#plots tbody tr")
        expect(rows).to_have_count(5)
        expect(rows.nth(1).locator("td")).to_have_text(["0.7", "89", "10", "1", "0", "0", "0", "0"])
