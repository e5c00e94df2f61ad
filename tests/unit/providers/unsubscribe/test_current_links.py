"""Links follow the files of their secrets, and never do without one."""

from pathlib import Path

import pytest

from campaign_common.settings import CallbacksSettings, ReferenceSecretSettings
from campaign_providers.unsubscribe import current_links
from campaign_providers.unsubscribe.current_links import LinksUnsigned, UnsubscribeLinks

BASE = "https://c.example"
FIRST, SECOND = "the first secret of links", "the second secret of links"


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_links, "REFRESH_INTERVAL", 0.0)


def links_of(*secrets: ReferenceSecretSettings) -> UnsubscribeLinks:
    return UnsubscribeLinks(CallbacksSettings(base_url=BASE, secrets=secrets))


def link(links: UnsubscribeLinks) -> str:
    return links.of_campaign(BASE, 7)(1)


def test_a_link_is_the_url_and_the_reference() -> None:
    made = link(links_of(ReferenceSecretSettings(value=FIRST)))
    assert made.startswith(f"{BASE}/u/")
    assert len(made) == len(f"{BASE}/u/") + 22


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(FIRST)
    links = links_of(ReferenceSecretSettings(file=file))
    before = link(links)
    file.write_text(SECOND)
    assert link(links) == link(links_of(ReferenceSecretSettings(value=SECOND))) != before


def test_a_file_that_is_lost_later_is_used_further(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(FIRST)
    links = links_of(ReferenceSecretSettings(file=file))
    before = link(links)
    for wrong in (None, "short"):
        file.unlink() if wrong is None else file.write_text(wrong)
        assert link(links) == before


def test_without_a_secret_nothing_is_signed_or_read(tmp_path: Path) -> None:
    """A service starts without it, and links work as soon as it is there."""
    file = tmp_path / "secret"
    links = links_of(ReferenceSecretSettings(file=file))
    for missing in (None, "short"):
        if missing is not None:
            file.write_text(missing)
        with pytest.raises(LinksUnsigned):
            link(links)
        with pytest.raises(LinksUnsigned):
            links.read("A" * 27)
    file.write_text(FIRST)
    assert link(links) == link(links_of(ReferenceSecretSettings(value=FIRST)))
