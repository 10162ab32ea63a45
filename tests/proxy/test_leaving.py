"""What leaves, seen from outside: a router before a provider that keeps every byte, and strangers who must get none."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.proxy.recorder import JSON, Recorder, answer
from tests.stand import CHAT, Answer, Stand

STORED, CALLERS = "synthetic-stored-0123456789abcdef", "synthetic-callers-fedcba9876543210"
PROVIDERS = """
[providers.acme]
dialect = "openai"
base_url = "http://127.0.0.1:{acme}/v1"
api_key = {{ env = "STORED" }}

[providers.bare]
dialect = "openai"
base_url = "http://127.0.0.1:{acme}"
api_key = {{ env = "STORED" }}

[providers.goo]
dialect = "gemini"
base_url = "http://127.0.0.1:{acme}/v1beta"
api_key = {{ env = "STORED" }}
auth = "x-goog-api-key"

[providers.aws]
dialect = "bedrock"
base_url = "http://127.0.0.1:{acme}"
api_key = {{ env = "STORED" }}

[providers.own]
dialect = "openai"
base_url = "http://127.0.0.1:{acme}/v1"

[providers.spare]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}

[[routes]]
match = {{ model = "first-moved" }}
candidates = ["acme/first", "spare/second"]
policy = "ordered"
mode = "on"
control_share = 0.0
"""


class Scene(NamedTuple):
    """Who is there."""

    stand: Stand
    acme: Recorder
    strangers: tuple[Recorder, ...]

    @property
    def places(self) -> tuple[str, str]:
        return f"127.0.0.1:{self.strangers[0].port}", f"127.0.0.2:{self.acme.port}"

    def heard(self) -> int:
        """What strangers got: connections and bytes."""
        return sum(one.connections + len(one.raw) for one in self.strangers)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Recorder() as acme, Recorder() as stranger, Recorder("127.0.0.2", acme.port) as neighbour:
        providers = PROVIDERS.replace("{acme}", str(acme.port))
        folder = tmp_path_factory.mktemp("leaving")
        environ = {"STORED": STORED, "NO_PROXY": "*"}
        with Stand(folder, providers=providers, environ=environ) as stand:
            yield Scene(stand, acme, (stranger, neighbour))


@pytest.fixture(autouse=True)
def _as_usual(scene: Scene) -> None:
    scene.acme.answer = JSON
    scene.acme.requests.clear()


def raw(port: int, data: bytes) -> bytes:
    """All that comes back for *data*, to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock, contextlib.suppress(ConnectionError):
        sock.sendall(data)
        pieces = []
        while piece := sock.recv(1 << 16):
            pieces.append(piece)
        return b"".join(pieces)
    return b""


def sent(target: bytes, *fields: bytes, body: bytes = b"", method: bytes = b"POST") -> bytes:
    lines = [b"%b %b HTTP/1.1" % (method, target), *(fields or (b"host: router",)), b"connection: close"]
    lines += [b"authorization: Bearer %b" % CALLERS.encode(), b"content-length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)


# --- addresses -----------------------------------------------------------------------------------------

TRICKS = (
    "//{e}", "///{e}/x", "/\\{e}", "\\\\{e}", "@{e}", "/@{e}", ":80@{e}", ":80/@{e}", "http://{e}/v1", "https://{e}",
    "/http://{e}/", "http:/{e}", "http:\\\\{e}", "%2f%2f{e}", "%5c%5c{e}", "..//{e}", "..;/{e}", "..%2f{e}",
    "%2e%2e/{e}",
    ".%2e%5c{e}", "%252e%252e%252f{e}", "v1/..//{e}", "v1/;@{e}", "?@{e}", "?url=http://{e}", "#@{e}", "%23@{e}",
    "v1%3f@{e}", "%0d%0ahost:%20{e}", "\r\nhost: {e}\r\nx: ", "\rhost: {e}", "\nhost: {e}",
    " HTTP/1.1\r\nhost: {e}\r\nx:",
    "%00{e}", "\x00{e}", "\t{e}", "u:p@{e}", "v1@{e}:80", "&@{e}", "${{jndi:{e}}}", ".{e}", "%ff{e}",
)  # fmt: skip
FORMS = (
    "{one}", "{two}", "localhost:{q}", "[::1]:{q}", "[::ffff:127.0.0.1]:{q}", "2130706433:{q}", "0x7f.1:{q}",
    "127.1:{q}",
    "0:{q}", "017700000001:{q}", "127%2e0%2e0%2e1:{q}", "127\u30020\u30020\u30021:{q}", "\u2460\u2461\u2466.0.0.1:{q}",
    "u:p@{one}", "{one}#@127.0.0.1", "169.254.169.254", "evil.example", "xn--e1awd7f.example",
)  # fmt: skip


def forms(scene: Scene) -> list[str]:
    one, two = scene.places
    return [form.format(one=one, two=two, q=scene.strangers[0].port) for form in FORMS]


def addressed(scene: Scene) -> Iterator[bytes]:
    """Requests whose target or head names a foreign place."""
    body = json.dumps(CHAT).encode()
    for form in forms(scene):
        for trick in TRICKS:
            path = trick.format(e=form).encode("utf-8")
            yield sent(b"/passthrough/bare/" + path)
            if form in scene.places:
                yield sent(b"/passthrough/acme/" + path)
                yield sent(b"/passthrough/" + path + b"/v1/models", method=b"GET")
                yield sent(b"/v1beta/models/" + path + b":generateContent", body=b"{}")
                yield sent(b"/model/" + path + b"/converse", body=b"{}")
        here = form.encode("utf-8")
        for target in (
            b"http://%b/v1/chat/completions",
            b"//%b/v1/chat/completions",
            b"%b",
            b"/v1/chat/completions?%b",
        ):
            yield sent(target % here, body=body)
        chat = b"/v1/chat/completions"
        for name in (b"host", b"x-forwarded-host", b"forwarded", b"x-base-url", b"x-litellm-api-base", b"x-target-url",
                     b"helicone-target-url", b"helicone-openai-api-base", b"x-portkey-custom-host", b"x-original-url",
                     b"x-rewrite-url", b"location", b"refresh", b"proxy", b"x-http-host-override"):  # fmt: skip
            host = () if name == b"host" else (b"host: router",)
            yield sent(chat, *host, b"%b: %b" % (name, here), body=body)


def said(scene: Scene) -> Iterator[dict[str, object]]:
    """Bodies that name one."""
    for form in forms(scene):
        url = f"http://{form}/v1"
        for name in (
            "api_base",
            "base_url",
            "url",
            "endpoint",
            "api_url",
            "custom_llm_provider",
            "provider",
            "organization",
        ):
            yield {**CHAT, name: url}
        for model in (
            url,
            f"acme/{url}",
            f"acme/@{form}",
            f"openai/..//{form}",
            f"{form}/gpt-4o",
            f"acme/x\r\nhost: {form}",
        ):
            yield {**CHAT, "model": model}
        yield {**CHAT, "api_base": url, "api_key": "synthetic-body-key", "base_url": url}
        yield {**CHAT, "dd0c": {"base_url": url, "provider": url, "route": url, "policy": url, "session": url}}


def test_no_request_makes_the_router_call_or_write_to_anybody_but_the_configured_provider(scene: Scene) -> None:
    attempts = [
        *addressed(scene),
        *(sent(b"/v1/chat/completions", body=json.dumps(one).encode()) for one in said(scene)),
    ]
    for attempt in attempts:
        raw(scene.stand.port, attempt)
    hosts = {host for one in scene.acme.requests for host in one.all("host")}
    print(f"{len(attempts)} attempts, {len(scene.acme.requests)} reached the provider, {scene.heard()} a stranger")
    assert len(attempts) >= 500
    assert scene.heard() == 0
    assert scene.acme.requests
    assert hosts == {f"127.0.0.1:{scene.acme.port}"}
    assert all(one.target.startswith("/") and len(one.all("host")) == 1 for one in scene.acme.requests)
    assert CALLERS.encode() not in scene.acme.raw  # the key that is stored went, and the caller's never


def test_a_body_that_names_a_place_and_a_key_goes_to_the_configured_place_as_it_came(scene: Scene) -> None:
    body = {**CHAT, "model": "acme/m", "api_base": f"http://{scene.places[0]}/v1", "api_key": "synthetic-body-key"}
    assert scene.stand.post("/v1/chat/completions", body).status == 200
    (request,) = scene.acme.requests
    assert json.loads(request.body) == {**body, "model": "m"}
    assert request.all("authorization") == [f"Bearer {STORED}"]


# --- redirects -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"])
def test_a_redirect_is_not_followed_and_the_client_is_told(scene: Scene, status: int, first: bytes) -> None:
    for where in (
        f"http://{scene.places[0]}/v1/x",
        f"//{scene.places[1]}/",
        "/v1/elsewhere",
        "https://evil.example",
        "%%",
    ):
        scene.acme.answer = answer(f"{status} Moved", f"location: {where}", f"refresh: 0;url={where}", first=first)
        scene.acme.requests.clear()
        for body in (CHAT, {**CHAT, "stream": True}):
            got = scene.stand.post("/v1/chat/completions", {**body, "model": "acme/m"})
            error = got.json()["error"]
            assert (got.status, error["code"]) == (502, "upstream_redirect")
            assert "providers.acme.base_url" in error["message"]
            assert not {"location", "refresh"} & got.headers.keys()
        assert len(scene.acme.requests) == 2  # once each: it would say the same again
    assert scene.heard() == 0


def test_the_entry_of_a_redirected_call_says_so(scene: Scene) -> None:
    scene.acme.answer = answer("307 Temporary Redirect", f"location: http://{scene.places[0]}/")
    entry = scene.stand.entry(scene.stand.post("/v1/chat/completions", {**CHAT, "model": "acme/m"}).id)
    assert (entry["end_state"], entry["attempts"][0]["error"]) == ("upstream_failed", "upstream_redirect")
    assert entry["cost_picodollars"] in (0, None)


def test_where_another_target_is_left_it_answers_instead_of_one_that_redirects(scene: Scene) -> None:
    scene.acme.answer = answer("302 Found", f"location: http://{scene.places[0]}/")
    got = scene.stand.post("/v1/chat/completions", {**CHAT, "model": "first-moved"})
    assert (got.status, got.headers["x-dd0c-provider"]) == (200, "spare")


def test_passed_through_a_redirect_is_the_clients_to_follow(scene: Scene) -> None:
    where = f"http://{scene.places[0]}/file"
    scene.acme.answer = answer("302 Found", f"location: {where}", f"refresh: 0;url={where}")
    got = scene.stand.get("/passthrough/acme/files/1/content")
    assert (got.status, got.headers["location"], "refresh" in got.headers) == (302, where, False)
    assert scene.heard() == 0


# --- headers -------------------------------------------------------------------------------------------

CREDENTIALS = [
    ("authorization", f"Bearer {CALLERS}"), ("Authorization", CALLERS), ("X-API-KEY", CALLERS), ("x_api_key", CALLERS),
    ("X-Goog-Api-Key", CALLERS), ("API-Key", CALLERS), ("openai-api-key", CALLERS), ("x-auth-token", CALLERS),
    ("x-litellm-api-key", CALLERS), ("helicone-auth", CALLERS), ("ocp-apim-subscription-key", CALLERS),
    ("proxy-authorization", CALLERS), ("cookie", f"k={CALLERS}"), ("x-amz-security-token", CALLERS),
    ("x-forwarded-authorization", CALLERS), ("x-dd0c-anything", CALLERS), ("x_dd0c_key2", CALLERS), ("te", CALLERS),
    ("connection", "x-hop"), ("x-hop", CALLERS), ("x-real-ip", CALLERS), ("x_forwarded_for", CALLERS), ("via", CALLERS),
    ("proxy", CALLERS), ("forwarded", CALLERS), ("trailer", CALLERS), ("keep-alive", CALLERS), ("cookie2", CALLERS),
]  # fmt: skip
QUERIES = [
    "key={k}", "KEY={k}", "Key={k}", "%6bey={k}", "ke%79={k}", "%4B%45%59={k}", "%256bey={k}", "+key={k}", "%20key={k}",
    "key={k}&key={k}", "a=1;key={k}", "a=1&key={k}", "$key={k}", "api_key={k}", "api-key={k}", "apiKey={k}",
    "x-goog-api-key={k}",
    "access_token={k}", "oauth_token={k}", "subscription-key={k}", "X-Amz-Security-Token={k}", "%6b%65%79=%73{k}",
]  # fmt: skip


def got_of(scene: Scene, target: str, headers: list[tuple[str, str]]) -> Answer:
    fields = [f"{name}: {value}".encode() for name, value in [("host", "router"), *headers]]
    lines = [b"GET %b HTTP/1.1" % target.encode(), *fields, b"connection: close", b"", b""]
    head, _, body = raw(scene.stand.port, b"\r\n".join(lines)).partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    return Answer(int(first.split()[1]), [(one.partition(": ")[0], one.partition(": ")[2]) for one in rest], body)


@pytest.mark.parametrize("header", CREDENTIALS, ids=lambda header: header[0])
def test_no_header_takes_the_callers_credential_to_a_provider_with_a_stored_key(
    scene: Scene, header: tuple[str, str]
) -> None:
    headers = [header] if header[0] != "connection" else [header, ("x-hop", CALLERS)]
    if header[0] == "x-hop":
        headers = [("connection", "close, X-Hop"), header]
    assert got_of(scene, "/passthrough/acme/models", headers).status == 200
    (request,) = scene.acme.requests
    assert CALLERS not in str(request)
    assert request.all("authorization") == [f"Bearer {STORED}"]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("provider", ["acme", "goo"])
def test_no_query_takes_it_there(scene: Scene, provider: str, query: str) -> None:
    assert got_of(scene, f"/passthrough/{provider}/models?alt=sse&" + query.format(k=CALLERS), []).status == 200
    (request,) = scene.acme.requests
    assert CALLERS not in request.line
    assert request.target.partition("?")[2].replace("a=1", "").strip("&;") == "alt=sse"


@pytest.mark.parametrize(
    "query", ["pageToken=k1", "page_token=k1", "monkey=1", "keyword=1", "max_tokens=1", "q=a%26b%3Bc", "k=%6bey"]
)
def test_what_is_only_called_alike_goes_as_it_came(scene: Scene, query: str) -> None:
    got_of(scene, f"/passthrough/acme/models?{query}", [])
    assert scene.acme.requests[0].target == f"/v1/models?{query}"


def test_without_a_stored_key_the_callers_own_goes_as_it_came(scene: Scene) -> None:
    got_of(scene, f"/passthrough/own/models?%6bey={CALLERS}", [("x-api-key", CALLERS)])
    (request,) = scene.acme.requests
    assert request.target == f"/v1/models?%6bey={CALLERS}"
    assert request.all("x-api-key") == [CALLERS]
    assert STORED not in str(request)


THEIRS = [
    "set-cookie: a=b", "Set-Cookie2: a=b", "server: acme/1", "via: 1.1 acme", "alt-svc: h3=\":443\"",
    "x-powered-by: acme",
    "strict-transport-security: max-age=1", "clear-site-data: \"*\"", "refresh: 0;url=http://evil.example", "nel: {}",
    "report-to: {}", "access-control-allow-origin: *", "Access-Control-Allow-Credentials: true", "x-dd0c-cost-usd: 0",
    "x_dd0c_model: other", "proxy-authenticate: Basic", "keep-alive: timeout=5", "connection: x-secret", "x-secret: 1",
    "upgrade: h2c", "trailer: x-late", "proxy-connection: close",
]  # fmt: skip
KEPT = [
    "x-request-id: req_1",
    "openai-processing-ms: 3",
    "retry-after: 2",
    "x-ratelimit-remaining-requests: 7",
    "cf-ray: 1",
]


def test_of_the_providers_headers_those_about_its_server_stay_and_its_ids_come(scene: Scene) -> None:
    scene.acme.answer = answer("200 OK", "content-type: application/json", *THEIRS, *KEPT)
    got = got_of(scene, "/passthrough/acme/models", [])
    stayed = {line.partition(":")[0].lower() for line in THEIRS} - {"connection"}
    assert got.headers.keys() & stayed == {"x-dd0c-cost-usd"} & got.headers.keys()
    assert got.headers.get("x-dd0c-cost-usd") != "0"
    for line in KEPT:
        name, _, value = line.partition(": ")
        assert got.headers[name] == value


def test_trailers_cross_in_neither_direction(scene: Scene) -> None:
    scene.acme.answer = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntrailer: x-late\r\ntransfer-encoding: chunked\r\n\r\n"
        b"2\r\nab\r\n0\r\nx-late: synthetic-trailer\r\nset-cookie: synthetic-trailer\r\n\r\n"
    )
    begin = (
        b"POST /passthrough/acme/files HTTP/1.1\r\nhost: router\r\nconnection: close\r\ntransfer-encoding: chunked\r\n"
        b"trailer: x-late, authorization\r\n\r\n2\r\nab\r\n0\r\nx-late: synthetic-trailer\r\n"
    )
    answers = [raw(scene.stand.port, begin + end) for end in (b"\r\n", b"authorization: synthetic-trailer\r\n\r\n")]
    assert [answer[9:12] for answer in answers] == [b"200", b"400"]
    assert len(scene.acme.requests) == 1
    assert b"synthetic-trailer" not in answers[0]
    assert b"synthetic-trailer" not in scene.acme.raw
