from __future__ import annotations

import pytest

from dd0c_route.errors import ConfigError
from dd0c_route.upstream.origin import Origin, ProxyServer, origin_of, proxy_for

PROXY = ProxyServer("proxy.example", 3128)


@pytest.mark.parametrize(
    ("base_url", "origin", "authority"),
    [
        ("https://api.example.com/v1", Origin(True, "api.example.com", 443, "/v1"), "api.example.com"),
        ("https://API.example.com:8443/v1/", Origin(True, "api.example.com", 8443, "/v1"), "api.example.com:8443"),
        ("http://127.0.0.1:9000", Origin(False, "127.0.0.1", 9000, ""), "127.0.0.1:9000"),
        ("http://[::1]:80/a/b", Origin(False, "::1", 80, "/a/b"), "[::1]"),
        ("https://host:443/", Origin(True, "host", 443, ""), "host"),
    ],
)
def test_a_base_url_is_taken_apart(base_url: str, origin: Origin, authority: str) -> None:
    assert origin_of(base_url) == origin
    assert origin_of(base_url).authority == authority


@pytest.mark.parametrize(
    "base_url",
    [
        "api.example.com/v1",
        "ftp://api.example.com",
        "https://",
        "https:///v1",
        "https://host:port/v1",
        "https://host:99999/v1",
        "https://user:synthetic-password@host/v1",
        "https://host/v1?api-version=1",
        "https://host/v1#a",
        "https://[::1/v1",
    ],
)
def test_an_unusable_base_url_is_refused_without_repeating_it(base_url: str) -> None:
    with pytest.raises(ConfigError, match="base_url: ") as raised:
        origin_of(base_url)
    assert "synthetic-password" not in str(raised.value)


@pytest.mark.parametrize(
    ("base_url", "environ", "expected"),
    [
        ("https://api.example.com", {}, None),
        ("https://api.example.com", {"HTTPS_PROXY": "http://proxy.example:3128"}, PROXY),
        ("https://api.example.com", {"https_proxy": "proxy.example:3128"}, PROXY),
        ("https://api.example.com", {"HTTP_PROXY": "http://proxy.example:3128"}, None),
        ("http://api.example.com", {"HTTP_PROXY": "http://proxy.example:3128"}, PROXY),
        ("https://api.example.com", {"ALL_PROXY": "http://proxy.example:3128"}, PROXY),
        ("https://api.example.com", {"https_proxy": "http://proxy.example:3128", "HTTPS_PROXY": "http://b:1"}, PROXY),
        ("https://api.example.com", {"https_proxy": "http://proxy.example"}, ProxyServer("proxy.example", 80)),
        ("http://127.0.0.1:1", {"http_proxy": "http://proxy.example:3128"}, None),
        ("http://127.0.0.1:1", {"http_proxy": "http://127.0.0.1:3128"}, ProxyServer("127.0.0.1", 3128)),
        ("http://[::1]:1", {"http_proxy": "http://proxy.example:3128"}, None),
        ("http://localhost:1", {"http_proxy": "http://proxy.example:3128"}, None),
    ],
)
def test_the_environment_names_the_proxy(base_url: str, environ: dict[str, str], expected: ProxyServer | None) -> None:
    assert proxy_for(origin_of(base_url), environ) == expected


@pytest.mark.parametrize(
    ("no_proxy", "bypassed"),
    [
        ("", False),
        ("*", True),
        ("example.com", True),
        (".example.com", True),
        ("*.example.com", True),
        ("api.example.com", True),
        ("API.Example.Com", True),
        ("other.org, api.example.com", True),
        ("other.org example.com", True),
        ("example.com:443", True),
        ("example.com:80", False),
        ("ample.com", False),
        ("xapi.example.com", False),
        ("10.0.0.0/8", False),
        (",,", False),
    ],
)
def test_no_proxy_names_hosts_and_domains(no_proxy: str, bypassed: bool) -> None:
    environ = {"https_proxy": "http://proxy.example:3128", "no_proxy": no_proxy}
    assert (proxy_for(origin_of("https://api.example.com"), environ) is None) == bypassed


@pytest.mark.parametrize(
    ("host", "no_proxy", "bypassed"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("[fd00::5]", "fd00::/8", True),
        ("[fd00::5]", "[fd00::5]", True),
        ("[fd00::5]", "10.0.0.0/8", False),
    ],
)
def test_no_proxy_names_addresses_and_nets(host: str, no_proxy: str, bypassed: bool) -> None:
    environ = {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": no_proxy}
    assert (proxy_for(origin_of(f"https://{host}"), environ) is None) == bypassed


def test_the_proxys_credential_is_decoded_and_cannot_be_printed() -> None:
    environ = {"https_proxy": "http://user:p%40ss%3Aword@proxy.example:3128"}
    proxy = proxy_for(origin_of("https://api.example.com"), environ)
    assert proxy is not None
    assert proxy.credential is not None
    assert proxy.credential.reveal() == "Basic dXNlcjpwQHNzOndvcmQ="
    assert "dXNlcjpwQHNzOndvcmQ" not in repr(proxy)


@pytest.mark.parametrize(
    "url", ["https://user:synthetic-password@proxy.example", "socks5://proxy.example:1080", "http://"]
)
def test_a_proxy_of_another_kind_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError, match="https_proxy: ") as raised:
        proxy_for(origin_of("https://api.example.com"), {"https_proxy": url})
    assert "synthetic-password" not in str(raised.value)
