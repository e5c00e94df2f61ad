"""Sign-in by an OpenID provider of another site, in a browser."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, expect

from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.settings import OidcScopeSettings, OidcSettings
from tests.e2e.dashboard.served import SHARDS, served, settings_of
from tests.e2e.dashboard.watched_page import VIOLATED, faults
from tests.support.keys import make_key
from tests.support.providers.openid_provider import openid_provider

PEOPLE = {"ann": {"groups": ["marketing"]}, "eve": {"groups": ["guests"]}}


def test_people_of_a_provider_sign_in(
    browser: Browser, migrated_schema: Callable[[int], str], tmp_path: Path
) -> None:
    """By keyboard; of the console only the refusal is expected."""
    settings = settings_of(migrated_schema(SHARDS), tmp_path)
    database = Database(settings.mysql)
    make_key(database, Scope.ADMIN)
    secret = tmp_path / "secret"
    secret.write_text("of the provider")
    said: list[str] = []
    with openid_provider(tmp_path, PEOPLE) as provider:
        oidc = OidcSettings(
            issuer=provider.issuer,
            client_id="camp-mgr",
            client_secret_file=secret,
            scopes=OidcScopeSettings(write=("marketing",)),
        )
        with served(settings, database, lambda url: {"public_url": url, "oidc": oidc}) as url:
            context = browser.new_context(base_url=url)
            page = context.new_page()
            # The provider's own page has a console of its own.
            page.on("console", lambda one: said.append(one.text) if of_ours(one, url) else None)
            page.add_init_script(VIOLATED)
            page.goto("/campaigns")
            button = page.get_by_role("link", name="Sign in with single sign-on")
            button.focus()
            assert faults(page) == []
            page.keyboard.press("Enter")
            page.get_by_role("button", name="eve").click()
            expect(page.get_by_role("alert")).to_contain_text("no claim of this person")
            assert faults(page) == []
            page.get_by_role("link", name="Try again").click()
            page.get_by_role("button", name="ann").first.click()
            expect(page.locator(".who")).to_contain_text("oidc:ann (write)")
            page.goto("/campaigns")
            expect(page.get_by_role("heading", level=1)).to_have_text("Campaigns")
            context.close()
    database.close()
    assert [text for text in said if "status of 403" not in text] == []


def of_ours(message: ConsoleMessage, url: str) -> bool:
    return str(message.location.get("url", "")).startswith(url)
