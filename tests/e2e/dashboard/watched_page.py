"""A page in a browser, in which nothing may be logged, refused or found by axe."""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from campaign_common.domain.api_key import ApiKey

AXE = Path(__file__).parents[2] / "support/vendor/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDE, NARROW = 1280, 320
RUN = "tags => axe.run(document, {runOnly: tags}).then(found => found.violations)"
REFUSED = "the server responded with a status of 422"
"""The browser's own word about a page that has a form which was refused."""
VIOLATED = """
window.violated = [];
document.addEventListener("securitypolicyviolation", e => window.violated.push(e.blockedURI));
"""


@contextmanager
def watched(
    browser: Browser, url: str, *, scripts: bool = True, refusals: Collection[int] = ()
) -> Iterator[Page]:
    """Open a page whose console stays empty, and that asks no other server.

    Browsers log responses of 400 and more: those of `refusals` are expected.
    """
    context = browser.new_context(base_url=url, java_script_enabled=scripts, viewport=_size(WIDE))
    page = context.new_page()
    said: list[str] = []
    foreign: list[str] = []
    page.on(
        "console", lambda message: None if REFUSED in message.text else said.append(message.text)
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda asked: foreign.append(asked.url) if url not in asked.url else None)
    page.add_init_script(VIOLATED)
    yield page
    expected = [f"responded with a status of {status} " for status in refusals]
    unexpected = [text for text in said if not any(one in text for one in expected)]
    assert not unexpected, f"the console has {unexpected}"
    assert not foreign, f"other servers were asked: {foreign}"
    context.close()


def sign_in(page: Page, key: ApiKey, path: str = "/") -> None:
    """Sign in by a key, and go on to a page."""
    page.goto(f"/sign-in?next={path}")
    expect(page).to_have_title(re.compile("^Sign in"))
    page.get_by_label("API key").fill(key.token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}")


def faults(page: Page) -> list[str]:
    """Faults that axe finds in the page, in light and dark, wide and narrow."""
    found = []
    page.evaluate(AXE.read_text())
    for scheme in ("light", "dark"):
        for width in (WIDE, NARROW):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size(_size(width))
            violations: list[dict[str, Any]] = page.evaluate(RUN, TAGS)
            found += [
                f"{scheme} {width}: {each['id']} {node['html']}"
                for each in violations
                for node in each["nodes"]
            ]
    violated = page.evaluate("window.violated")
    assert not violated, f"the policy of the page refused {violated}"
    page.set_viewport_size(_size(WIDE))
    return found


def picture(page: Page, name: str) -> None:
    """Take the page into the documentation, when the tests run for that (`make screenshots`)."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.emulate_media(color_scheme="light")
        page.screenshot(path=Path(folder) / f"{name}.png")


def _size(width: int) -> Any:  # noqa: ANN401 - playwright's own type
    return {"width": width, "height": 800}
