"""Fragments that many people look at: rendered once for all in the same language and scope.

What differs is the seed of a page, which is a part of its forms' keys: a fragment is rendered with
a seed that stands for it, and each page gets its own.
"""

import threading
from collections.abc import Callable, Hashable, Mapping
from secrets import token_hex
from typing import Any, NamedTuple

from flask import Response, g

from campaign_api.dashboard.render.languages import language
from campaign_api.dashboard.render.renderer import SEED_DIGITS, Renderer, page_seed
from campaign_api.web.caller import caller

MOST_KEPT = 1_000


class _Rendered(NamedTuple):
    shown: object
    text: str


class SharedFragments:
    """Fragments by what they are about; thread-safe."""

    def __init__(self, renderer: Renderer, template: str) -> None:
        self._renderer = renderer
        self._template = template
        self._stand_in = token_hex(SEED_DIGITS // 2)
        self._kept: dict[Hashable, _Rendered] = {}
        self._changing = threading.Lock()

    def respond(
        self, about: Hashable, shown: object, values: Callable[[], Mapping[str, Any]]
    ) -> Response:
        """Return the fragment about something, as `shown` is now; `values` are for the template.

        It is rendered again when `shown` is another object.
        """
        key = (about, language(), caller().scope)
        found = self._kept.get(key)
        if found is None or found.shown is not shown:
            found = _Rendered(shown, self._rendered(values))
            with self._changing:
                if len(self._kept) >= MOST_KEPT and key not in self._kept:
                    self._kept.clear()
                self._kept[key] = found
        return self._renderer.page(found.text.replace(self._stand_in, page_seed()))

    def _rendered(self, values: Callable[[], Mapping[str, Any]]) -> str:
        own = page_seed()
        g.page_seed = self._stand_in
        try:
            return self._renderer.text(self._template, **values())
        finally:
            g.page_seed = own
