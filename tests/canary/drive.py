"""What is done with the planted router: every kind of call, every fault, every command, signals and the end."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from tests.canary.panics import PANICS
from tests.canary.place import Place
from tests.canary.slots import (
    ACCESS,
    ACCESS_BY_ENV,
    ADMIN,
    BESIDE,
    BODY,
    CROSSING,
    DD0C_OBJECT,
    KEY_QUERY,
    OWN_HEADS,
    PANIC,
    PASSED,
    PASSED_PATH,
    PASSED_QUERY,
    PATH,
    REFUSED,
    WRONG,
)
from tests.canary.upstream import FAULTS

MESSAGES = [{"role": "user", "content": "Say something."}]
CONTENTS = [{"role": "user", "parts": [{"text": "Say something."}]}]
CHAT = "/v1/chat/completions"


def _said(model: str, **more: Any) -> bytes:
    return json.dumps({"model": model, "messages": MESSAGES, "max_tokens": 50} | more).encode()


Shape = Callable[[str, bool], tuple[str, bytes]]


def _chat(model: str, stream: bool) -> tuple[str, bytes]:
    return CHAT, _said(model, stream=stream)


def _messages(model: str, stream: bool) -> tuple[str, bytes]:
    return "/v1/messages", _said(model, stream=stream)


def _responses(model: str, stream: bool) -> tuple[str, bytes]:
    return "/v1/responses", json.dumps({"model": model, "input": "Say something.", "stream": stream}).encode()


def _gemini(model: str, stream: bool) -> tuple[str, bytes]:
    how = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/{model.replace('/', '%2F')}:{how}", json.dumps({"contents": CONTENTS}).encode()


def _converse(model: str, stream: bool) -> tuple[str, bytes]:
    how = "converse-stream" if stream else "converse"
    content = [{"role": "user", "content": [{"text": "Say something."}]}]
    return f"/model/{model.replace('/', '%2F')}/{how}", json.dumps({"messages": content}).encode()


SHAPES: dict[str, Shape] = {
    "chat": _chat, "messages": _messages, "responses": _responses, "gemini": _gemini, "converse": _converse,
}  # fmt: skip
OWN_SHAPE = {"anthropic": "messages", "google": "gemini", "bedrock": "converse"}
MODELS = {"anthropic": "claude-haiku-4-5", "google": "gemini-2.5-flash", "bedrock": "eu.amazon.nova-lite-v1:0"}


def model_at(provider: str) -> str:
    return f"{provider}/{MODELS.get(provider, 'gpt-4o-mini')}"


def _call(place: Place, shape: str, provider: str, scene: str, *, stream: bool, **headers: str) -> None:
    path, body = SHAPES[shape](model_at(provider), stream)
    place.ask(f"calls of {shape}", "POST", path, body, {"x-scene": scene, **headers})


# --- calls ------------------------------------------------------------------------------------------------------


def good_calls(place: Place) -> None:
    """Every stored key once; every dialect, whole and streamed, to its own provider and to others."""
    for one in place.stored:
        _call(place, "chat", one.name, "ok", stream=False)
    for provider in ("anthropic", "google", "bedrock", "azure", "proxied", "overlaid"):
        for shape in SHAPES:
            for stream in (False, True):
                _call(place, shape, provider, "ok", stream=stream)
    for shape in SHAPES:
        _call(place, shape, place.stored[3].name, "ok", stream=True)
    first = place.stored[0].name
    place.ask("embeddings", "POST", "/v1/embeddings", json.dumps({"model": model_at(first), "input": "a"}).encode())
    place.ask("completions", "POST", "/v1/completions", json.dumps({"model": model_at(first), "prompt": "a"}).encode())
    place.ask("counts", "POST", "/v1/messages/count_tokens", _said(model_at("anthropic")))
    place.ask("counts", "POST", "/v1beta/models/google%2Fgemini-2.5-flash:countTokens", b'{"contents": []}')
    place.ask("models", "GET", "/v1/models")
    place.ask("models", "GET", "/v1beta/models")
    place.ask("passthrough", "GET", f"/passthrough/{first}/models")
    place.ask("passthrough", "POST", f"/passthrough/{first}/chat/completions", _said("gpt-4o-mini"))
    place.ask("routed calls", "POST", CHAT, _said("routed"))
    place.ask("calls that ask for the cost", "POST", CHAT, _said(model_at(first), stream=True), {"x-dd0c-cost": "on"})


def faults(place: Place, *, everything: bool) -> None:
    """Every fault for each dialect's own provider, and for stored keys in turn (*everything*: for each)."""
    keys = [one.name for one in place.stored]
    places = ["anthropic", "google", "bedrock", "azure", "proxied", *keys]
    pairs = [(provider, scene) for provider in places for scene in FAULTS]
    if not everything:
        special = [(provider, scene) for provider in places[:4] for scene in FAULTS]
        turns = [(keys[number % len(keys)], scene) for number, scene in enumerate(FAULTS * 3)]
        pairs = [*special, *turns, *((provider, "echo-401") for provider in places[4:])]
    for number, (provider, scene) in enumerate(pairs):
        shape = OWN_SHAPE.get(provider, "chat")
        if provider not in OWN_SHAPE and number % 4 == 0:
            shape = "responses"
        for stream in (False, True) if scene.startswith("echo-event") or everything else (number % 2 == 0,):
            _call(place, shape, provider, scene, stream=stream)
    for shape in SHAPES:  # told in another dialect
        for scene in FAULTS if everything else FAULTS[::2]:
            _call(
                place,
                shape,
                "anthropic" if shape != "messages" else keys[1],
                scene,
                stream=scene.startswith("echo-event"),
            )
    for scene in FAULTS:
        path = f"/passthrough/{keys[2]}/chat/completions"
        place.ask("passthrough", "POST", path, _said("gpt-4o-mini", stream="event" in scene), {"x-scene": scene})


def callers(place: Place) -> None:
    """Credentials of callers: passed where they belong, refused, stripped; and in every part of a request."""
    chat, claude = _said("open-openai/gpt-4o-mini"), _said("open-anthropic/claude-haiku-4-5")
    gemini = "/v1beta/models/open-gemini%2Fgemini-2.5-flash:generateContent"
    contents = json.dumps({"contents": CONTENTS}).encode()
    for scene in ("ok", *FAULTS):
        told = {"x-scene": scene}
        sink = OWN_HEADS if scene == "echo-headers-ok" else "passed credentials"
        bearer = {"authorization": f"Bearer {PASSED['authorization'].value}"}
        place.ask(sink, "POST", CHAT, chat, told | bearer)
        place.ask(sink, "POST", "/v1/messages", claude, told | {"x-api-key": PASSED["x-api-key"].value})
        own = told | {"x-goog-api-key": PASSED["x-goog-api-key"].value}
        place.ask(sink, "POST", gemini, contents, own)
        place.ask(sink, "POST", CHAT, chat, told | {"api-key": PASSED["api-key"].value})
        place.ask(sink, "POST", f"{gemini}?key={PASSED['key'].value}", contents, told)
    bearer = {"authorization": f"Bearer {PASSED['authorization'].value}"}  # which is for another
    place.ask("passed credentials", "POST", CHAT, _said("open-anthropic/claude-haiku-4-5"), bearer)
    first = place.stored[4].name
    for name, slot in {**BESIDE, **CROSSING}.items():
        value = f"session={slot.value}" if name == "cookie" else slot.value
        value = f"team={value}" if name == "x-dd0c-tags" else value
        more = {"connection": f"keep-alive, {name}"} if name == "x-hop" else {}
        for scene in ("ok", "echo-401"):
            told = {name: value, "x-scene": scene, **more}
            place.ask("calls with headers", "POST", CHAT, _said(model_at(first)), told)
    place.ask("calls with headers", "POST", f"{CHAT}?key={KEY_QUERY.value}", _said(model_at(first)))
    _bodies(place, first)
    place.ask("no address", "POST", f"/v1/{PATH.value}", b"{}")
    place.ask("no address", "GET", f"/{PATH.value}?key={KEY_QUERY.value}")
    place.ask("passthrough", "GET", f"/passthrough/{first}/files/{PASSED_PATH.value}?after={PASSED_QUERY.value}")
    place.ask("passthrough", "GET", f"/passthrough/{PATH.value}/files")


def _bodies(place: Place, provider: str) -> None:
    model = model_at(provider)
    said = {name: slot.value for name, slot in BODY.items()}
    tool = {"type": "function", "function": {"name": f"f_{said['tool']}", "parameters": {"type": "object"}}}
    full = {
        "messages": [{"role": "system", "content": said["system"]}, {"role": "user", "content": said["prompt"]}],
        "metadata": {"owner": said["metadata"]},
        "user": said["user"],
        "tools": [tool],
        "api_key": said["api_key"],
        said["unknown field"]: said["unknown field"],
    }
    for path in (CHAT, "/v1/messages", "/v1/responses"):
        for target in (model, "anthropic/claude-haiku-4-5"):  # one of them is another dialect
            for stream in (False, True):
                place.ask("calls with bodies", "POST", path, _said(target, **full, stream=stream))
    ours = {"dd0c": {"tags": {"team": DD0C_OBJECT.value}, "session": DD0C_OBJECT.value}}
    place.ask("calls with bodies", "POST", CHAT, _said(model, **ours))
    place.ask("calls with bodies", "POST", "/v1/responses", json.dumps({"model": model, "input": "a", **ours}).encode())
    place.ask("calls with bodies", "POST", CHAT, _said(said["model"]))
    place.ask("calls with bodies", "POST", CHAT, _said(f"{first_of(place)}/{said['model']}"))
    place.ask("calls with bodies", "POST", CHAT, _said(f"{said['model']}/gpt-4o-mini"))
    for broken in (b'{"model": "', b'{"model": 1, "k": "', b'{"model": "gpt", "messages": "', b"["):
        place.ask("broken bodies", "POST", CHAT, broken + said["api_key"].encode() + b'"')


def first_of(place: Place) -> str:
    return place.stored[0].name


def the_door(place: Place, *, everything: bool) -> None:
    """Every address without a key, with a wrong one, and with one that is malformed on the wire."""
    addresses = [
        ("POST", CHAT), ("POST", "/v1/messages"), ("GET", "/v1/models"), ("GET", "/metrics"), ("GET", "/ui"),
        ("GET", "/api/v1/requests"), ("GET", "/api/v1/connections"), ("GET", "/healthz"), ("GET", "/readyz"),
        ("POST", "/v1beta/models/gemini-2.5-flash:generateContent"), ("POST", f"/passthrough/{first_of(place)}/x"),
        ("GET", "/api/v1/requests/last"), ("POST", "/api/v1/feedback"), ("GET", "/ui/login"), ("GET", "/nothing"),
    ]  # fmt: skip
    ways: list[tuple[str, dict[str, str]]] = [("", {})]
    for slot in REFUSED.values():
        bearer = {"authorization": f"Bearer {slot.value}"}
        ways += [("", bearer), ("", {"x-api-key": slot.value}), ("", {"x-dd0c-key": slot.value})]
        ways += [(f"?key={slot.value}", {}), ("", {"cookie": f"dd0c={slot.value}"})]
    for method, path in addresses:
        for query, headers in ways if everything else ways[:: len(addresses) // 3]:
            body = _said("gpt-4o-mini") if method == "POST" else b""
            place.ask("the closed door", method, path + query, body, headers, key=None)
    for slot in (ADMIN, REFUSED["shapeless"]):
        form = f"password={slot.value}&key={slot.value}".encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        place.ask("logins", "POST", "/ui/login", form, kind, key=None)
        place.ask("logins", "GET", f"/ui/login?password={slot.value}", key=None)
    key, secret = ACCESS_BY_ENV.value, REFUSED["shapeless"].value
    for request in (
        f"GET /v1/models HTTP/1.1\r\nauthorization: Bearer {key}\r\n\r\n",
        f"POST {CHAT} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\ncontent-length: -{secret}\r\n\r\n",
        f"POST {CHAT} HTTP/1.1\r\nhost: a\r\nx-dd0c-key : {key}\r\n\r\n",
        f"POST {CHAT} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: {secret}\r\nx-dd0c-key: {key}\r\n\r\n",
        f"{secret} /v1/models HTTP/1.1\r\nhost: a\r\nx-dd0c-key: {key}\r\n\r\n",
        f"GET /v1/models?key={key} HTTP/9.{secret}\r\nhost: {secret}\r\n\r\n",
        f"GET /v1/models HTTP/1.1\r\nhost: a\r\nx-dd0c-key: {key}\x01\r\n\r\n",
    ):
        place.raw("requests that are no HTTP", request.encode("latin-1"))


def panics(place: Place) -> None:
    """What a bug may do with a credential at hand, in a worker and in a command."""
    for name in PANICS:
        told = {"authorization": f"Bearer {PANIC.value}", "x-panic": name}
        place.ask("calls that panic", "POST", CHAT, _said(model_at(first_of(place))), told)
    fault = {"CANARY_PANIC": WRONG["panic of a command"].value}
    place.heard("a command that panics", place.start("check", "--config", str(place.config), environ=fault))


# --- what operators see -------------------------------------------------------------------------------------------


def pages(place: Place) -> None:
    """Console, API and metrics, as somebody who may look."""
    bearer = {"authorization": f"Bearer {ACCESS.value}"}
    listed = place.ask("/api/v1/requests", "GET", "/api/v1/requests?limit=1000", headers=bearer)
    for entry in json.loads(listed.body)["requests"][:400:20] if listed.status == 200 else []:
        place.ask("/api/v1/requests/ID", "GET", f"/api/v1/requests/{entry['id']}", headers=bearer)
        place.ask("/ui/requests/ID", "GET", f"/ui/requests/{entry['id']}", headers=bearer)
    for path in (
        "/metrics", "/healthz", "/readyz", "/ui", "/ui/requests", "/ui/login", "/api/v1/connections", "/api/v1/brain",
        "/api/v1/audits", "/api/v1/labels", "/api/hello", "/",
    ):  # fmt: skip
        place.ask(path, "GET", path, headers=bearer)


_WRONG_CONFIG = """
unknown_{unknown} = 1
[server]
port = "{type}"
nonsense = "{unknown}"
access_keys = ["{access}", {{ env = "{env}" }}]
admin_password = "{password}"
[ledger]
url = "postgres://operator:{ledger}@db.test/dd0c"
[providers.one]
dialect = "openai"
base_url = "https://operator:{userinfo}@api.test/v1?key={query}"
api_key = {{ env = "{env}" }}
[providers.two]
dialect = "{type}"
base_url = "https://api.test/v1#{query}"
api_key = {{ file = "{file}" }}
[providers.three]
base_url = ["{type}"]
api_key = ["{reference}"]
nonsense = {{ api_key = "{unknown}" }}
[providers.four]
dialect = "openai"
base_url = "http://127.0.0.1:1/v1"
api_key = {{ vault = "{reference}" }}
timeouts = {{ connect_s = "{type}" }}
"""
_LITELLM = """
model_list:
  - model_name: gpt-4o
    litellm_params: {{model: openai/gpt-4o, api_key: {key}, api_base: "https://u:{url}@api.test/v1?key={url}"}}
general_settings: {{master_key: {key}, database_url: "postgresql://u:{url}@db.test/x"}}
"""


def commands(place: Place, *, everything: bool) -> None:
    """Every command, as its user would call it, and with keys where they do not belong."""
    wrong = {name: slot.value for name, slot in WRONG.items()}
    files = place.folder.parent / f"{place.folder.name}.given"
    files.mkdir(exist_ok=True)

    def given(name: str, text: str) -> str:
        (files / name).write_text(text)
        (files / name).chmod(0o600)
        return str(files / name)

    words = {
        name: wrong[name] for name in ("type", "env", "file", "reference", "ledger", "userinfo", "query", "password")
    }
    faulty = given(
        "faulty.toml", _WRONG_CONFIG.format(unknown=wrong["unknown field"], access=wrong["access key"], **words)
    )
    broken = given("broken.toml", f'[providers.x]\napi_key = "{wrong["syntax"]}\nnext = {wrong["syntax"]}\n')
    litellm = given("litellm.yaml", _LITELLM.format(key=wrong["import"], url=wrong["import url"]))
    lines = json.dumps({"id": "one", "model": "gpt-4o-mini", "text": wrong["stdin"], "request": {
        "model": "gpt-4o-mini", "messages": [{"role": "user", "content": wrong["stdin"]}], "api_key": wrong["stdin"],
    }, "headers": {"authorization": f"Bearer {wrong['stdin']}", "x-dd0c-tags": f"a={wrong['stdin']}"},
        "provider": "openai", "usage": {"prompt_tokens": 1, "x": wrong["stdin"]}, "prompt": wrong["stdin"],
    })  # fmt: skip
    overlaid = {"DD0C_SERVER__NOTHING": wrong["overlay"], "DD0C_SERVER__PORT": wrong["overlay type"],
                "DD0C_PROVIDERS__GROQ__NOTHING": wrong["overlay"]}  # fmt: skip
    found = {"OPENAI_API_KEY": wrong["environment"], "ANTHROPIC_API_KEY": wrong["environment"]}
    claude = {"ANTHROPIC_BASE_URL": f"https://u:{wrong['client file']}@x.test", 
              "ANTHROPIC_API_KEY": wrong["client file"], "ANTHROPIC_AUTH_TOKEN": wrong["client file"]}  # fmt: skip
    home = files / "home"
    (home / ".claude").mkdir(parents=True, exist_ok=True)
    (home / ".claude" / "settings.json").write_text(json.dumps({"env": claude, "apiKeyHelper": wrong["client file"]}))
    at_home = {"HOME": str(home)}
    own = ["--config", str(place.config)]
    asked: list[tuple[str, list[str], bytes, dict[str, str]]] = [
        ("check", ["check", *own], b"", {}),
        ("check", ["check", *own, "--json"], b"", {}),
        ("check", ["check", "--config", faulty], b"", {}),
        ("check", ["check", "--config", faulty, "--json"], b"", {}),
        ("check", ["check", "--config", broken], b"", {}),
        ("check", ["check", *own], b"", overlaid),
        ("serve", ["serve", "--config", faulty], b"", {}),
        ("serve", ["serve", "--config", broken], b"", {}),
        ("serve", ["serve", *own, "--ledger", f"postgres://u:{wrong['ledger option']}@db.test/x"], b"", {}),
        ("serve", ["serve", *own], b"", overlaid),
        ("doctor", ["doctor", *own], b"", {}),
        ("doctor", ["doctor", "--config", faulty, "--json"], b"", {}),
        ("init", ["init", "--config", str(place.folder / "made.toml")], b"", found),
        ("requests", ["requests", *own], b"", {}),
        ("requests", ["requests", *own, "--json", "--limit", "1000"], b"", {}),
        ("requests", ["requests", "--ledger", f"postgres://u:{wrong['ledger option']}@db.test/x"], b"", {}),
        ("explain", ["explain", "last", *own], b"", {}),
        ("explain", ["explain", "last", *own, "--json"], b"", {}),
        ("explain", ["explain", wrong["argument"], *own], b"", {}),
        ("connect", ["connect", wrong["argument"], *own], b"", {}),
        ("connect", ["connect", "env", *own], b"", found),
        ("connect", ["connect", "claude-code", "--print", *own], b"", at_home),
        ("connect", ["connect", "claude-code", "--print", "--json", *own], b"", at_home),
        ("connect", ["connect", "codex", "--print", *own], b"", at_home),
        ("run", ["run", *own, "--", "true", wrong["argument"]], b"", found),
        ("run", ["run", *own, "--", wrong["argument"]], b"", found),
        ("import", ["import", "litellm", litellm], b"", {}),
        ("price", ["price", *own], lines.encode(), {}),
        ("count", ["count", *own], lines.encode(), {}),
        ("route", ["route", *own], lines.encode(), {}),
        ("redact", ["redact"], lines.encode(), {}),
        ("brain", ["brain", "predict"], lines.encode(), {}),
        ("brain", ["brain", wrong["argument"]], b"", {}),
        ("reprice", ["reprice", "--since", "1d", "--dry-run", *own], b"", {}),
        ("feedback", ["feedback", wrong["argument"], "good", *own], b"", {}),
        ("no command", [wrong["argument"]], b"", {}),
    ]  # fmt: skip
    if not everything:
        names = [name for name, *_ in asked]
        asked = [one for number, one in enumerate(asked) if one[0] not in names[:number] or one[0] == "check"]
    at_once = 3
    running: list[tuple[str, subprocess.Popen[bytes]]] = []
    for name, arguments, stdin, environ in asked:
        running.append((name, place.start(*arguments, stdin=stdin, environ=environ)))
        if len(running) == at_once:
            place.heard(*running.pop(0))
    for name, process in running:
        place.heard(name, process)


# --- the end ------------------------------------------------------------------------------------------------------


def signals(place: Place) -> None:
    """Crashes of a worker with calls open, and a reload that finds the configuration wrong."""
    place.kill_worker(signal.SIGSEGV)
    place.kill_worker(signal.SIGABRT)
    whole = place.config.read_text()
    place.config.write_text(whole + f'\n[nonsense]\nkey = "{WRONG["unknown field"].value}"\n')
    place.reload()
    good_call(place)
    place.config.write_text(whole)
    place.reload()
    good_call(place)


def good_call(place: Place) -> None:
    _call(place, "chat", random.choice(place.stored).name, "ok", stream=True)
