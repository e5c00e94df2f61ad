import pytest

from campaign_providers.http.requests.target import Target


@pytest.mark.parametrize(
    ("url", "host", "port", "host_header"),
    [
        ("http://sms.example", "sms.example", 80, "sms.example"),
        ("https://sms.example/v1/send", "sms.example", 443, "sms.example"),
        ("https://sms.example:8443/v1?k=1", "sms.example", 8443, "sms.example:8443"),
        ("http://[2001:db8::1]:81/x", "2001:db8::1", 81, "[2001:db8::1]:81"),
        ("https://[2001:db8::1]:443/x", "2001:db8::1", 443, "[2001:db8::1]"),
    ],
)
def test_a_url_says_where_to(url: str, host: str, port: int, host_header: str) -> None:
    target = Target(url)
    assert (target.host, target.port) == (host, port)
    assert target.host_header == host_header


def test_a_target_shows_neither_path_nor_query() -> None:
    assert str(Target("https://sms.example/secret?token=secret")) == "sms.example:443"
