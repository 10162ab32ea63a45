"""Gemini's frames: Google AI and Vertex count the same request differently. Constants are rows of `gemini.toml`.

Source: measured on recorded requests (2024-2026); which texts of a schema count is from google-genai 3.4.0,
local_tokenizer.py.
"""

from __future__ import annotations

import binascii
import re
from typing import Any

import msgspec

from dd0c_route.tokens.frames.gemini_images import file, image
from dd0c_route.tokens.frames.gemini_rows import Band, Row, either, row_for, several, table
from dd0c_route.tokens.frames.gemini_tools import UNSEEN, add_tool
from dd0c_route.tokens.frames.reading import Fields, Frame, Sum, Unknown, decode, string
from dd0c_route.tokens.images import pixels

ANSWER_ENDS = ((re.compile("gemini"), (0, 2, 1)),)  # beside the text of a whole answer
_TEXT_FILE: Band = (0, 1, 20)  # beside its text
_READ = (
    *("contents", "systemInstruction", "tools", "generationConfig", "cachedContent", "generateContentRequest"),
    *("system_instruction", "generation_config", "cached_content", "generate_content_request"),
)
_CODE = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")


def generate(fields: Fields, model: str, provider: str) -> Frame:
    """The frame of `generateContent`, in either spelling of its fields."""
    return _generate({name: decode(fields, name) for name in _READ if name in fields}, row_for(model, provider))


def count_tokens(fields: Fields, model: str, provider: str) -> Frame:
    """The frame of `countTokens`: of the request itself, or of the one that it holds."""
    request = {name: decode(fields, name) for name in _READ if name in fields}
    return _generate(table(either(request, "generateContentRequest") or request), row_for(model, provider))


def _generate(request: dict[str, Any], row: Row) -> Frame:
    total = Sum()
    contents = several(request.get("contents"))
    if not contents:
        raise Unknown
    config = table(either(request, "generationConfig") or {})
    last_turn = _last_turn(contents)
    for place, content in enumerate(contents):
        total.tokens += row.content
        before = len(total.texts)
        for part in _parts(content):
            _add_part(part, row, config, total, is_open=place >= last_turn)
        if row.joined:
            total.texts[before:] = ["".join(total.texts[before:])]
    instruction = either(request, "systemInstruction") or []
    system = [string(table(part).get("text") or "") for part in _parts(instruction)]
    if any(system):
        total.texts += system
        has_role = not isinstance(instruction, dict) or bool(instruction.get("role"))
        total.add((row.system, 0, 0) if has_role else (0, 0, row.system))
    total.below += row.below[0] + row.below[1] * len(contents) + sum(map(len, total.texts)) // row.share
    total.above += row.above[0] + row.above[1] * len(contents)
    for tool in several(request.get("tools")):
        add_tool(tool, row, total)
    for name in ("responseSchema", "responseJsonSchema"):
        if schema := either(config, name):
            total.above += len(msgspec.json.encode(schema)) // 2  # counted seldom, and nobody knows when
    if either(request, "cachedContent"):
        total.add(UNSEEN)
    return total.frame()


def _parts(content: Any) -> list[Any]:
    """The parts of a content, which may be a text alone."""
    if isinstance(content, str):
        return [{"text": content}]
    if isinstance(content, list):
        return content
    return [{"text": part} if isinstance(part, str) else part for part in several(table(content).get("parts"))]


def _last_turn(contents: list[Any]) -> int:
    """Where the user spoke last, not counting what are responses of functions alone: what is before that is closed."""
    for place in range(len(contents) - 1, -1, -1):
        content = contents[place]
        parts = _parts(content)
        answers = bool(parts) and all(either(table(part), "functionResponse") for part in parts)
        if not answers and (not isinstance(content, dict) or content.get("role") != "model"):
            return place
    return 0


def _add_part(part: Any, row: Row, config: dict[str, Any], total: Sum, *, is_open: bool) -> None:
    part = table(part)
    thought = either(part, "thoughtSignature")
    if isinstance(thought, str):
        tokens, below, above = _thought(len(thought), row)
        total.add((tokens, below, above) if is_open or not row.open else (0, 0, tokens + above))
    if part.get("thought") is True and not row.reads_thoughts:
        return
    if call := either(part, "functionCall"):
        total.texts.append(string(table(call).get("name") or ""))
        _add_values(call.get("args"), total)
        total.add(row.call)
    if response := either(part, "functionResponse"):
        total.texts.append(string(table(response).get("name") or ""))
        _add_values(response.get("response"), total)
        for inner in several(response.get("parts")):
            _add_part(inner, row, config, total, is_open=is_open)
    if media := either(part, "inlineData"):
        _add_media(table(media), row, config, total)
    if address := either(part, "fileData"):
        total.add(file(string(either(table(address), "mimeType") or ""), row.image))
    if any(either(part, name) for name in _CODE):
        total.add(UNSEEN)
    if (text := part.get("text")) is not None:
        total.texts.append(string(text))


def _thought(chars: int, row: Row) -> Band:
    """What the provider reads of an earlier thought that it sealed."""
    tokens = max(0, round(row.thought[0] * chars) - row.thought[1])
    off = row.thought_band[0] + round(row.thought_band[1] * chars)
    return tokens, min(tokens, off), off


def _add_media(media: dict[str, Any], row: Row, config: dict[str, Any], total: Sum) -> None:
    data, kind = string(media.get("data") or ""), string(either(media, "mimeType") or "")
    if kind.startswith("text/"):
        try:
            total.texts.append(binascii.a2b_base64(data).decode("utf-8", "replace"))
        except ValueError:
            raise Unknown from None
        total.add(_TEXT_FILE)
    elif kind.startswith("image/") and (size := pixels(data)) is not None:
        total.add(image(*size, row.image, str(either(config, "mediaResolution") or "")))
    else:
        total.add(file(kind, row.image))


def _add_values(value: Any, total: Sum) -> None:
    """Names and texts count, each apart; numbers do not."""
    rest = [value]
    while rest:
        match rest.pop():
            case str() as text:
                total.texts.append(text)
            case dict() as names:
                total.texts += names
                rest.extend(names.values())
            case list() as items:
                rest.extend(items)
