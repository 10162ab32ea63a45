"""The same cases counted by others: `litellm.token_counter`, the Claude-2 tokenizer, a quarter of the length."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.accuracy.cases import Case

PROGRAM = Path(__file__).parent / "programs" / "litellm_program.py"
RUN_S = 900
SCHEMAS = ("parameters", "input_schema", "parametersJsonSchema")  # of a tool's arguments, by dialect
BARE = ("openai.completions", "embeddings")  # a text without a frame
# Settings of its own only: no keys of the machine, and no way to a proxy.
ENVIRON = {"PATH": os.defpath, "HOME": "/nonexistent", "NO_PROXY": "*", "PYTHONDONTWRITEBYTECODE": "1"}


def by_litellm(cases: Sequence[Case], interpreter: Path) -> list[float | None]:
    """What `litellm.token_counter` says of each case; None where it raises."""
    return asked(interpreter, [question(case) for case in cases])


def by_claude_2(cases: Sequence[Case], interpreter: Path) -> list[float | None]:
    """The text of each case in the vocabulary of Claude 2, without any frame."""
    return asked(interpreter, [{"claude_2": "".join(texts(case.request))} for case in cases])


def by_length(case: Case) -> float:
    """A quarter of the characters."""
    return sum(map(len, texts(case.request))) / 4


def asked(interpreter: Path, questions: Iterable[dict[str, Any]]) -> list[float | None]:
    lines = "".join(json.dumps(one) + "\n" for one in questions)
    done = subprocess.run(
        [interpreter, PROGRAM], input=lines, capture_output=True, text=True, timeout=RUN_S, check=True, env=ENVIRON
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def question(case: Case) -> dict[str, Any]:
    request = case.request
    if case.kind != "prompt":
        return {"text": request, "model": case.model}
    if case.api in BARE:
        return {"text": "".join(texts(request.get("prompt") or request.get("input"))), "model": case.model}
    messages = [*system_of(request), *messages_of(request)]
    prompt = {"model": case.model, "messages": messages, "tools": tools_of(request) or None}
    if case.api == "openai.chat" and request.get("tool_choice") and prompt["tools"]:
        prompt["tool_choice"] = request["tool_choice"]
    return {"prompt": prompt}


def texts(value: Any) -> Iterator[str]:
    """All strings of a request, as somebody finds them who does not know the dialect."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in ("model", "role", "type", "id"):
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


# --- into the shape of OpenAI's chat, which litellm counts -------------------------------------------------


def system_of(request: dict[str, Any]) -> list[dict[str, Any]]:
    given = request.get("instructions") or request.get("system") or request.get("systemInstruction")
    text = "".join(texts(given))
    return [{"role": "system", "content": text}] if text else []


def messages_of(request: dict[str, Any]) -> list[dict[str, Any]]:
    given = next((request[name] for name in ("messages", "input", "contents", "prompt") if request.get(name)), "")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return [message_of(one) for one in given]


def message_of(given: Any) -> dict[str, Any]:
    """One message; content parts of other dialects become text."""
    if not isinstance(given, dict):
        return {"role": "user", "content": str(given)}
    role = {"model": "assistant"}.get(given.get("role") or "user", given.get("role") or "user")
    content = given.get("content", given.get("parts"))
    if isinstance(content, str) or content is None:
        kept = {name: given[name] for name in ("name", "tool_calls", "tool_call_id") if name in given}
        other = "".join(texts({name: given[name] for name in ("arguments", "output") if name in given}))
        return {"role": role, "content": content or other or None, **kept}
    parts = [part_of(part) for part in content if isinstance(part, dict | str)]
    return {"role": role, "content": parts}


def part_of(part: dict[str, Any] | str) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    if any(word in str(part.get("type")) for word in ("image",)) or "inlineData" in part or "inline_data" in part:
        return {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}
    return {"type": "text", "text": "".join(texts(part))}


def tools_of(request: dict[str, Any]) -> list[dict[str, Any]]:
    tools = request.get("tools") or [{"type": "function", "function": one} for one in request.get("functions") or ()]
    return [tool for given in tools if isinstance(given, dict) for tool in tool_of(given)]


def tool_of(given: dict[str, Any]) -> list[dict[str, Any]]:
    if "function" in given:
        return [given]
    declared = given.get("functionDeclarations") or given.get("function_declarations") or [given]
    return [
        {
            "type": "function",
            "function": {
                "name": one.get("name", ""),
                "description": one.get("description", ""),
                "parameters": next((one[name] for name in SCHEMAS if one.get(name)), {}),
            },
        }
        for one in declared
        if one.get("name")
    ]


def version_of(package: str, interpreter: Path) -> str:
    """Of a package in another environment."""
    program = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, check=True)
    return str(done.stdout).strip()
