"""Connections of a process: the shares of clients and callbacks, and the files they need."""

import pytest

from campaign_api.serving.connection_bounds import OTHER_FILES, ConnectionBounds


@pytest.mark.parametrize(
    ("providers", "has_port", "expected"),
    [
        pytest.param(0, False, ConnectionBounds(1_000), id="no callbacks"),
        pytest.param(1, False, ConnectionBounds(1_000, 0, 250, 1), id="one provider"),
        pytest.param(10, False, ConnectionBounds(1_000, 0, 50, 10), id="ten of them share"),
        pytest.param(100, True, ConnectionBounds(1_000, 500, 16, 100), id="each has some"),
    ],
)
def test_providers_have_places_of_their_own(
    providers: int, has_port: bool, expected: ConnectionBounds
) -> None:
    assert ConnectionBounds.wanted(providers, has_callback_port=has_port) == expected


@pytest.mark.parametrize("files", [64, 256, 1_024, 4_096])
def test_connections_leave_files_to_everything_else(files: int) -> None:
    bounds = ConnectionBounds.wanted(4, has_callback_port=True).within(files)
    assert bounds.total <= max(files // 2, files - OTHER_FILES)
    assert bounds.clients > 0
    assert bounds.provider > 0
