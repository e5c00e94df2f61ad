"""The provider that POSTs each message to a URL.

From the outside in: `provider` has the thread, `calls` what waits for a connection and what is
under way, `connection` one call at a time; `dialer` makes connections to where `addresses`
permits; `outgoing` writes requests, `answer_reader` reads answers, `answers` says what they mean.
"""

from campaign_sender.providers.http.provider import HttpProvider

__all__ = ["HttpProvider"]
