"""Settings in a browser: limits of providers, API keys and webhooks, and their audit."""

import re

from playwright.sync_api import Browser, Page, expect

from campaign_common.domain.api_key import Scope
from tests.e2e.dashboard.watched_page import faults, sign_in, watched
from tests.integration.scheduler.webhooks.receiver import Receiver, answering, running_receiver
from tests.support.keys import make_key
from tests.support.services.system import System

WEBHOOKS = {"Keys": [{"Value": "k" * 32}], "AllowedNetworks": ["127.0.0.0/8"]}
HOSTILE = "<img src=x onerror=alert(1)>"


def open_entry(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    assert faults(page) == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def change_limits(page: Page) -> None:
    """One is set; a wrong one is said at its field, to which the summary leads."""
    open_entry(page, "Providers")
    page.get_by_role("link", name="simulated").click()
    expect(page.locator("#live .tag")).to_have_text("ready", timeout=15_000)
    page.get_by_label("Per second").fill("50")
    press(page, "Set these limits")
    expect(page.get_by_text("50 messages a second, set live")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("Time zone of the day").fill(HOSTILE)
    press(page, "Set these limits")
    expect(page.locator(".error-summary")).to_be_focused()
    assert faults(page) == []
    page.locator(".error-summary a").click()
    expect(page.get_by_label("Time zone of the day")).to_be_focused()
    page.get_by_role("link", name="Providers", exact=True).first.click()
    page.get_by_role("link", name="simulated").click()
    press(page, "Use the configured limits again")
    expect(page.get_by_text("none, as configured")).to_be_visible()


def make_and_revoke_a_key(page: Page) -> None:
    """A double click makes one key, and shows it."""
    open_entry(page, "API keys")
    page.get_by_label("Name").fill(HOSTILE)
    page.get_by_label("Scope").select_option("write")
    page.get_by_role("button", name="Make the key").dblclick()
    expect(page.locator("#secret")).to_have_text(re.compile(r"^[0-9a-f]{16}\.[\w-]{43}$"))
    assert faults(page) == []
    page.reload()
    expect(page.locator("#secret")).to_have_count(0)
    assert faults(page) == []
    page.get_by_role("link", name="API keys", exact=True).first.click()
    page.get_by_role("link", name=f"Revoke {HOSTILE}…").click()
    assert faults(page) == []
    press(page, "Revoke the key")
    row = page.get_by_role("row").filter(has_text=HOSTILE)
    expect(row.locator(".tag")).to_have_text("revoked")


def use_a_webhook(page: Page, receiver: Receiver) -> None:
    """A delivery is followed without a reload."""
    open_entry(page, "Webhooks")
    page.get_by_label("URL").fill(receiver.url)
    page.get_by_label("campaign.finished").check()
    press(page, "Make the webhook")
    expect(page.locator("#secret")).to_have_text(re.compile("^whsec_"))
    assert faults(page) == []
    page.get_by_role("link", name="The webhook").click()
    press(page, "Send a test event")
    expect(page.locator("#deliveries .tag")).to_have_text("delivered", timeout=10_000)
    assert faults(page) == []
    press(page, "Deliver again")
    expect(page.get_by_role("cell", name="2", exact=True)).to_be_visible(timeout=10_000)
    assert len(receiver.requests) == 2
    press(page, "Disable")
    press(page, "Replace the secret")
    expect(page.locator("#secret")).to_be_visible()
    page.get_by_role("link", name="The webhook").click()
    expect(page.locator("main > p > .tag")).to_have_text("disabled")
    page.get_by_role("link", name="Delete…").click()
    assert faults(page) == []
    press(page, "Delete the webhook")
    expect(page.get_by_text("There is no webhook yet")).to_be_visible()


def read_the_audit(page: Page) -> None:
    open_entry(page, "Audit")
    page.get_by_label("Kind").select_option("webhook")
    press(page, "Search")
    expect(page.locator("tbody th")).to_have_text(
        ["webhook.deleted", "webhook.rotated", "webhook.changed", "webhook.created"]
    )
    page.get_by_role("link", name="Ann").first.click()
    expect(page.locator("tbody th").filter(has_text="api_key")).to_have_count(2)
    page.get_by_label("By").fill("nobody")
    press(page, "Search")
    expect(page.get_by_text("No event is like that.")).to_be_visible()
    assert faults(page) == []


def make_and_revoke_by_keyboard(page: Page) -> None:
    """And without a script."""
    page.goto("/api-keys")
    page.get_by_label("Name").focus()
    page.keyboard.type("by keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#secret")).to_be_visible()
    page.goto("/api-keys")
    page.get_by_role("link", name="Revoke by keyboard…").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Revoke the key").focus()
    page.keyboard.press("Enter")
    row = page.get_by_role("row").filter(has_text="by keyboard")
    expect(row.locator(".tag")).to_have_text("revoked")
    expect(row.get_by_role("cell").nth(1)).to_have_text("write")


def test_settings_are_changed_and_audited(browser: Browser, system: System) -> None:
    system.configure(Webhooks=WEBHOOKS)
    with system.services(), running_receiver() as receiver:
        receiver.answer = answering(200)
        key = make_key(system.database, Scope.ADMIN)
        with watched(browser, system.url) as page:
            sign_in(page, key)
            change_limits(page)
            make_and_revoke_a_key(page)
            use_a_webhook(page, receiver)
            read_the_audit(page)
        with watched(browser, system.url, scripts=False) as page:
            sign_in(page, key)
            make_and_revoke_by_keyboard(page)
