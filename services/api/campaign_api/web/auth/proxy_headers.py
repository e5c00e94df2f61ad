"""Headers that reverse proxies, tunnels and CDNs add to a request.

Names are those that the products document; a product's own prefix stands for all of its headers.
Headers that clients send too are left out, such as X-Request-Id and traceparent.
"""

FORWARDING = frozenset(
    {
        "ali-cdn-real-ip",
        "cdn-loop",  # RFC 8586
        "client-ip",
        "forwarded",  # RFC 7239
        "forwarded-for",
        "forwarded-for-ip",
        "front-end-https",
        "incap-client-ip",
        "max-forwards",
        "proxy-client-ip",
        "proxy-connection",
        "remote-addr",
        "remote-ip",
        "surrogate-capability",
        "true-client-ip",
        "via",
        "wl-proxy-client-ip",
        "x-client-ip",
        "x-cloud-trace-context",
        "x-cluster-client-ip",
        "x-coming-from",
        "x-host",
        "x-remote-addr",
        "x-remote-ip",
        "x-scheme",
        "x-tcp-port",
        "x-trusted-ip",
        "x-varnish",
        "x-via",
    }
)
"""Headers that only something between client and server adds."""

PRODUCTS = (
    "akamai-",
    "cdn-",
    "cf-",
    "fastly-",
    "fly-",
    "ngrok-",
    "tailscale-",
    "x-akamai-",
    "x-amz-cf-",
    "x-amzn-",
    "x-apigateway-",
    "x-appengine-",
    "x-appgw-",
    "x-arr-",
    "x-azure-",
    "x-bluecoat-",
    "x-envoy-",
    "x-fastly-",
    "x-fd-",
    "x-forwarded",
    "x-forwarder-",
    "x-goog-",
    "x-haproxy-",
    "x-istio-",
    "x-kong-",
    "x-nginx-",
    "x-nf-",
    "x-original-",
    "x-proxy",
    "x-real-",
    "x-squid-",
    "x-sucuri-",
    "x-traefik-",
    "x-vercel-",
)
"""Beginnings of names that one product, or one kind of it, gives to its headers."""


def is_proxy_header(name: str) -> bool:
    """Return whether a header of this name shows that a request passed a proxy."""
    lowered = name.lower()
    return lowered in FORWARDING or lowered.startswith(PRODUCTS)
