"""From a request to the plan of its answer: recording, script or invention."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct

from dd0c_route.upstream.simulator import anthropic, bedrock, gemini, openai, responses
from dd0c_route.upstream.simulator.answer import Answer, Ask, Content, Piece, content
from dd0c_route.upstream.simulator.place import UNREADABLE, Place, place_of
from dd0c_route.upstream.simulator.plan import Plan, plan
from dd0c_route.upstream.simulator.recordings import Library, Unrecorded
from dd0c_route.upstream.simulator.script import PLAIN, Scene, Script, ScriptError, read_scene

_KEPT_BYTES = 16 << 20  # of requests and their plans; then all are forgotten
_PLAN_BYTES = 2048  # of a plan, beside its body
_RESULT = re.compile(rb'"(?:tool_result|tool|(?:custom_tool|function)_call_output|functionResponse)"')  # of any dialect
_KEPT_SCENES = 4096  # headers read before: a load test repeats a few

_Maker = Callable[[Ask, Content], Answer]
_MAKERS: dict[str, _Maker] = {
    "openai.chat": openai.answer,
    "openai.completions": openai.answer,
    "openai.embeddings": openai.embeddings,
    "openai.responses": responses.answer,
    "anthropic.messages": anthropic.answer,
    "anthropic.count_tokens": lambda ask, _: anthropic.count_tokens(ask),
    "gemini.generate": gemini.answer,
    "gemini.count_tokens": lambda ask, _: gemini.count_tokens(ask),
}
# By dialect; OpenAI's serve for all others.
_FAILURES = {"anthropic": anthropic.failure, "bedrock": bedrock.failure, "gemini": gemini.failure}
_BROKEN = {"anthropic": anthropic.broken, "bedrock": bedrock.broken, "gemini": gemini.broken}


class Request(Struct, gc=False):
    """A whole request as it came; header names are lower case, the last of equal names counts."""

    method: bytes
    path: str
    query: str
    headers: dict[bytes, bytes]
    pairs: list[tuple[bytes, bytes]]
    body: bytes


class _Body(Struct):
    """The fields that matter, of any dialect; of the wrong type they count as absent."""

    model: Any = ""
    stream: Any = False
    stream_options: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    max_output_tokens: Any = None
    generationConfig: Any = None
    messages: Raw = Raw()
    input: Raw = Raw()
    prompt: Raw = Raw()
    contents: Raw = Raw()
    tools: Any = None
    dimensions: Any = None
    encoding_format: Any = None


_read_body = msgspec.json.Decoder(_Body).decode


class Stage:
    """Decides what each request gets. Keeps plans of equal requests, and the counters of scripted failures."""

    def __init__(self, library: Library | None, script: Script) -> None:
        self._library = library
        self._script = script
        self._scenes: dict[bytes, Scene] = {}
        self._plans: dict[tuple[str, str, Scene, bytes], Plan] = {}
        self._kept_bytes = 0
        self._failures: dict[str, int] = {}

    def reset(self) -> None:
        """Begin again with the first of repeated recordings and of scripted failures."""
        self._failures.clear()
        if self._library:
            self._library.reset()

    def plan(self, request: Request) -> Plan:
        """What to answer, and how."""
        header = request.headers.get(b"x-sim")
        place = place_of(request.path)
        try:
            scene = self._read(header) if header is not None else PLAIN
        except ScriptError as error:
            return _laid(place, _failed(place.api, 400, str(error)), PLAIN)
        if header is None and self._script:
            scene = self._script.scene(request.path, _model(place, request.body), request.headers) or PLAIN
        if scene.fail_first:
            scene = self._failing(scene)
        if self._library and not scene.invents and scene.status is None and request.method == b"POST":
            try:
                answer = self._library.find(place, request.body, request.query, scene.id)
                return _laid(place, msgspec.structs.replace(answer, broken=_broken(place.api)), scene)
            except Unrecorded as error:
                if scene == PLAIN or scene.id is not None:
                    return _laid(place, _failed(place.api, 404, str(error)), PLAIN)
        if scene.echo:
            return _laid(place, _answer(place, request, scene), scene)
        return self._kept(place, request, scene)

    def _read(self, header: bytes) -> Scene:
        scene = self._scenes.get(header)
        if scene is None:
            if len(self._scenes) >= _KEPT_SCENES:
                self._scenes.clear()
            scene = self._scenes[header] = read_scene(header.decode("latin-1"))
        return scene

    def _failing(self, scene: Scene) -> Scene:
        """The scene of this call: an error for the first calls of the key, what remains for later ones."""
        if len(self._failures) >= _KEPT_SCENES:
            self._failures.clear()
        seen = self._failures.get(scene.key, 0)
        self._failures[scene.key] = seen + 1
        status = (scene.status or 503) if seen < scene.fail_first else None
        return msgspec.structs.replace(scene, status=status, fail_first=0)

    def _kept(self, place: Place, request: Request, scene: Scene) -> Plan:
        key = (request.path, request.query, scene, request.body)
        found = self._plans.get(key)
        if found is None:
            found = _laid(place, _answer(place, request, scene), scene)
            size = _PLAN_BYTES + len(request.body) + 2 * found.body_bytes
            if place.api == "models" or size > _KEPT_BYTES // 64:  # the list of models depends on the headers too
                return found
            if self._kept_bytes + size > _KEPT_BYTES:
                self._plans.clear()
                self._kept_bytes = 0
            self._kept_bytes += size
            self._plans[key] = found
        return found


def _laid(place: Place, answer: Answer, scene: Scene) -> Plan:
    """The plan of *answer*, with the request id where the dialect puts it."""
    if place.api.startswith("anthropic."):
        answer = msgspec.structs.replace(answer, id_header=b"request-id")
    return plan(answer, scene)


def _answer(place: Place, request: Request, scene: Scene) -> Answer:
    if scene.status is not None:
        return _failed(place.api, scene.status, f"simulated status {scene.status}", _model(place, request.body))
    if place.api == "models" and request.method == b"GET":
        return _models(request)
    text = _echo(request) if scene.echo else None
    maker = _MAKERS.get(place.api)
    if maker is None:
        return _other(request, text if text is not None else scene.text)
    if request.method != b"POST":
        return _failed(place.api, 405, f"{request.path} wants POST")
    try:
        ask = _ask(place, request, scene)
    except UNREADABLE as error:
        return _failed(place.api, 400, f"the body is not a JSON object: {error}")
    return maker(ask, content(ask, scene, text))


def _ask(place: Place, request: Request, scene: Scene) -> Ask:
    body = _read_body(request.body)
    gemini_limit = body.generationConfig.get("maxOutputTokens") if isinstance(body.generationConfig, dict) else None
    limits = (body.max_completion_tokens, body.max_output_tokens, body.max_tokens, gemini_limit)
    options = body.stream_options if isinstance(body.stream_options, dict) else {}
    inputs = msgspec.json.decode(body.input) if place.api == "openai.embeddings" and bytes(body.input) else ""
    many = isinstance(inputs, list) and inputs and not isinstance(inputs[0], int)
    prompt = bytes(body.messages) or bytes(body.input) or bytes(body.prompt) or bytes(body.contents)
    return Ask(
        api=place.api,
        model=scene.model or place.model or (body.model if isinstance(body.model, str) else ""),
        seed=zlib.crc32(prompt),
        input_tokens=1 + prompt.count(b" "),
        stream=body.stream is True or place.action == "streamGenerateContent",
        limit=next((limit for limit in limits if type(limit) is int and limit > 0), None),
        wants_usage=options.get("include_usage") is True,
        as_array=place.action == "streamGenerateContent" and parse_qs(request.query).get("alt") != ["sse"],
        tool=_first_tool(body.tools),
        calls=_calls(scene, body.tools, prompt),
        inputs=len(inputs) if many else 1,
        dimensions=body.dimensions if type(body.dimensions) is int and 0 < body.dimensions <= 8192 else 8,
        as_base64=body.encoding_format == "base64",
    )


def _first_tool(tools: object) -> str:
    """The name of the first tool; empty where there is none."""
    return next(_names(tools), "")


def _names(tools: object) -> Iterator[str]:
    """The names of the tools, wherever the dialect keeps them."""
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        declared = tool.get("functionDeclarations")
        if isinstance(declared, list):
            yield from _names(declared)
        function = tool.get("function")
        name = (function if isinstance(function, dict) else tool).get("name")
        if isinstance(name, str):
            yield name


def _calls(scene: Scene, tools: object, prompt: bytes) -> bool:
    """The scene's call fits here: its tool is offered, and no result of one stands in *prompt*."""
    called = scene.called()
    return called is not None and called.name in _names(tools) and not _RESULT.search(prompt)


def _model(place: Place, body: bytes) -> str:
    """The model asked for, for the rules of a script; empty where the body does not tell."""
    if place.model:
        return place.model
    try:
        model = _read_body(body).model
    except UNREADABLE:
        return ""
    return model if isinstance(model, str) else ""


def _echo(request: Request) -> str:
    seen = {
        "method": request.method.decode(),
        "path": request.path,
        "query": request.query,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.pairs],
        "body_sha256": hashlib.sha256(request.body).hexdigest(),
        "body_bytes": len(request.body),
    }
    return msgspec.json.encode(seen).decode()


def _models(request: Request) -> Answer:
    if b"anthropic-version" in request.headers:
        return anthropic.models()
    return gemini.models() if "/v1beta" in request.path and "/openai/" not in request.path else openai.models()


def _other(request: Request, text: str | None) -> Answer:
    """A call of no dialect that the simulator invents: only what the scene says."""
    if text is None:
        return _failed("unknown", 404, f"the simulator has no answer for {request.method.decode()} {request.path}")
    body = text.encode() if text.startswith("{") else msgspec.json.encode({"text": text})
    return Answer(200, openai.JSON, (Piece(body, len(text), 1),))


def _broken(api: str) -> bytes:
    """What a recorded stream of this api carries when it is made to fail midway."""
    if api == "openai.responses":
        return responses.broken(Ask(api, ""))
    return _BROKEN.get(api.partition(".")[0], openai.broken)()


def _failed(api: str, status: int, message: str, model: str = "") -> Answer:
    failure = _FAILURES.get(api.partition(".")[0], openai.failure)
    return Answer(status, openai.JSON, (Piece(failure(status, message)),), model=model)
