"""HTTP provider: a request for each message, as the configuration describes it.

From the outside in: `provider` has the thread; `connections` has the pool of open connections and
the messages that wait for one; `requests` makes the bytes of a request of a message; `answers`
reads responses, and maps them to results. `checking` shows one request, and explains its answer.
"""

from campaign_providers.http.checking.check import HttpCheck
from campaign_providers.http.provider import HttpProvider

__all__ = ["HttpCheck", "HttpProvider"]
