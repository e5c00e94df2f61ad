"""A campaign's life in a browser: signed in by a key, followed live, paused, resumed, exported."""

from playwright.sync_api import Browser, Page, expect

from campaign_common.domain.api_key import Scope
from tests.e2e.dashboard.watched_page import faults, picture, sign_in, watched
from tests.support.keys import bearer, make_key
from tests.support.services.system import System

CAMPAIGN = 1000000000
NAME = "Spring sale"
TEMPLATE = "Hi {name}, 20 % off until Sunday"
RECIPIENTS = 400
CSV = "".join(f"user{n},{13961467500 + n}\n" for n in range(RECIPIENTS))
SLOW = {"Latency": {"Distribution": "uniform", "Mean": "1s", "Spread": "900ms"}}
HELD = {"InFlight": 20, "BatchSize": 10}


def state(page: Page) -> str:
    return page.locator("#live .tag").inner_text()


def test_a_campaign_is_followed_and_steered_by_mouse(browser: Browser, system: System) -> None:
    system.configure(Simulated=SLOW, Sender=HELD)
    system.write_csv(CSV)
    with system.services():
        key = make_key(system.database, Scope.ADMIN)
        system.create(CAMPAIGN, "recipients.csv", TEMPLATE, name=NAME, **bearer(key))
        with watched(browser, system.url) as page:
            page.goto("/")
            assert faults(page) == []
            sign_in(page, key)
            assert faults(page) == []
            page.get_by_role("link", name="Campaigns", exact=True).click()
            assert faults(page) == []
            page.get_by_role("link", name=NAME).click()
            expect(page.locator(".message-text")).to_have_text(TEMPLATE)
            expect(page.locator("#live .tag")).to_have_text("running", timeout=15_000)
            page.get_by_role("button", name="Pause").click()
            expect(page.locator("#live .tag")).to_have_text("paused")
            assert faults(page) == []
            page.get_by_role("button", name="Resume").click()
            expect(page.locator("#live .tag")).to_have_text("running")
            sent = page.locator(".number-sent dd")
            before = sent.inner_text()
            expect(sent).not_to_have_text(before, timeout=10_000)
            expect(page.locator("#stale")).to_be_hidden()
            picture(page, "campaign")
            with page.expect_download() as download:
                page.get_by_role("link", name="Export as CSV").click()
            assert download.value.suggested_filename == f"campaign-{CAMPAIGN}-messages.csv"
        with watched(browser, system.url, scripts=False) as page:
            sign_in(page, key)
            page.goto(f"/campaigns/{CAMPAIGN}")
            page.get_by_role("link", name="Cancel…").click()
            page.get_by_role("button", name="Cancel the campaign").click()
            expect(page.locator("#live .tag")).to_have_text("cancelled")
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
