"""HTTP provider: POSTs each message to a URL.

From the outside in: `provider` has the thread, `connection_pool` the waiting messages and the open
connections, `connection` carries one request at a time; `dialer` connects to addresses that
`addresses` permits; `request_writer` writes requests, `response_reader` reads responses, and
`response_mapper` maps them to results.
"""

from campaign_providers.http.provider import HttpProvider

__all__ = ["HttpProvider"]
