"""Prompts and answers of all kinds, as far as a dialect can express them, for `contract`."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from dd0c_route.types import Usage
from dd0c_route.wire.neutral.form import (
    Answer,
    Audio,
    Choice,
    File,
    Image,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Shape,
    StopReason,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)

# What a dialect may be able to express, beyond text and tools:
ALL = (
    "audio budget cache custom effort error_flag file file_name image_bytes image_detail image_url json logprobs "
    "n none parallel penalties refusal result_images schema schema_name schema_strict seed stop strict system_turns "
    "thinking top_k user created sequence cache_write signature result_names custom_results"
)

# Few characters, each with a reason: JSON escapes, two to four bytes of UTF-8, what looks like a field.
words = st.text('aé漢😀"\\{}:,/', min_size=1, max_size=8)
names = st.text("abcxyz_", min_size=1, max_size=6)
ids = st.integers(0, 1 << 40).map(lambda number: f"call_{number:012x}")
base64s = st.sampled_from(["aGVsbG8=", "AAAA", "iVBORw0KGgo="])
urls = st.sampled_from(["https://example.test/a.png", "https://example.test/b?c=d"])
shares = st.floats(0, 1, allow_nan=False).map(lambda value: round(value, 3))
objects = st.dictionaries(
    names, st.one_of(st.integers(-9, 9), words, st.none(), st.lists(words, max_size=2)), max_size=3
)
caches = st.sampled_from(["", "5m", "1h"])


def json_text(value: Any) -> bytes:
    """As `msgspec.json.encode` writes it, so that a dialect that takes JSON apart gives the same back."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


schemas = objects.map(lambda extra: json_text({"type": "object", "properties": {}, "x": extra}))


def prompts(can: str, dialect: str) -> st.SearchStrategy[Prompt]:
    return _prompt(frozenset(can.split()), dialect)


@st.composite
def _prompt(draw: st.DrawFn, can: frozenset[str], dialect: str) -> Prompt:
    def maybe(feature: str, strategy: st.SearchStrategy[Any], otherwise: Any = None) -> Any:
        return draw(st.one_of(st.just(otherwise), strategy)) if feature in can else otherwise

    tools = draw(st.lists(_tools(can), max_size=3, unique_by=lambda tool: tool.name))
    modes = [Choice("auto"), Choice("required"), *[Choice("named", tool.name) for tool in tools]]
    if "none" in can:
        modes.append(Choice("none"))
    shape: Shape | None = maybe("schema", _shapes(can))
    if "json" in can and shape is None:
        shape = draw(st.sampled_from([None, Shape()]))
    efforts = [Reasoning(effort=effort) for effort in ("low", "medium", "high")] if "effort" in can else []
    budgets = [Reasoning(budget=2048)] if "budget" in can else []
    return Prompt(
        dialect=dialect,
        model=draw(names),
        system=tuple(draw(st.lists(_texts(can), max_size=2))),
        turns=tuple(draw(_turns(can, dialect))),
        tools=tuple(tools),
        tool_choice=draw(st.sampled_from([None, *modes])) if tools else None,
        parallel_tools=maybe("parallel", st.just(False)) if tools else None,
        temperature=draw(st.one_of(st.none(), shares)) if not budgets else None,
        top_p=draw(st.one_of(st.none(), shares)),
        top_k=maybe("top_k", st.integers(1, 50)),
        stop=tuple(draw(st.lists(words, max_size=3))) if "stop" in can else (),
        seed=maybe("seed", st.integers(0, 99)),
        frequency_penalty=maybe("penalties", st.just(0.5)),
        presence_penalty=maybe("penalties", st.just(0.25)),
        n=maybe("n", st.just(2), 1),
        logprobs=maybe("logprobs", st.integers(0, 5)),
        max_output=draw(st.integers(5000, 9000)),
        shape=shape,
        reasoning=draw(st.sampled_from([None, *efforts, *budgets])),
        stream=draw(st.booleans()),
        user=maybe("user", words, ""),
    )


def _texts(can: frozenset[str]) -> st.SearchStrategy[Text]:
    return st.builds(Text, words, caches if "cache" in can else st.just(""))


def _shapes(can: frozenset[str]) -> st.SearchStrategy[Shape]:
    return st.builds(
        Shape,
        schemas,
        names if "schema_name" in can else st.just(""),
        st.just(""),
        st.sampled_from([None, True]) if "schema_strict" in can else st.none(),
    )


def _tools(can: frozenset[str]) -> st.SearchStrategy[Tool]:
    function = st.builds(
        Tool,
        names,
        st.one_of(st.just(""), words),
        schemas,
        st.sampled_from([None, True]) if "strict" in can else st.none(),
        st.just(False),
        caches if "cache" in can else st.just(""),
    )
    custom = st.builds(Tool, names, words, st.just(b'{"type":"text"}'), st.none(), st.just(True))
    return st.one_of(function, custom) if "custom" in can else function


# --- turns ------------------------------------------------------------------------------------------------------------


@st.composite
def _turns(draw: st.DrawFn, can: frozenset[str], dialect: str) -> list[Turn]:
    """A conversation as providers take it: sides take turns, and results follow their calls."""
    turns = [Turn("user", tuple(draw(_asked(can))))]
    number = 0
    for _ in range(draw(st.integers(0, 3))):
        said: list[Part] = []
        if "thinking" in can and draw(st.booleans()):
            said.append(Thinking(draw(words), draw(_signatures(can)), dialect))
        if draw(st.booleans()):
            said.append(Text(draw(words)))
        calls = [draw(_calls(can, number + index)) for index in range(draw(st.integers(0, 2)))]
        number += len(calls)
        said += calls
        if not any(isinstance(part, Text | ToolCall) for part in said):
            said.append(Text(draw(words)))
        turns.append(Turn("assistant", tuple(said)))
        if "system_turns" in can and not calls and draw(st.booleans()):
            turns.append(Turn("system", (Text(draw(words)),)))
        results = [draw(_results(can, call)) for call in calls]
        turns.append(Turn("user", tuple(results) if results else tuple(draw(_asked(can)))))
    return turns


def _signatures(can: frozenset[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(["c2lnbmVk"]) if "signature" in can else st.just("")


def _asked(can: frozenset[str]) -> st.SearchStrategy[list[Part]]:
    kinds: list[st.SearchStrategy[Part]] = [_texts(can)]
    details = st.sampled_from(["", "low"]) if "image_detail" in can else st.just("")
    if "image_url" in can:
        kinds.append(st.builds(Image, urls, st.just(""), st.just(""), details))
    if "image_bytes" in can:
        kinds.append(st.builds(Image, st.just(""), base64s, st.just("image/png"), details))
    if "file" in can:
        titles = st.just("a.pdf") if "file_name" in can else st.just("")
        kinds.append(st.builds(File, st.just(""), base64s, st.just("application/pdf"), titles))
    if "audio" in can:
        kinds.append(st.builds(Audio, base64s, st.just("wav")))
    return st.lists(st.one_of(kinds), min_size=1, max_size=3)


@st.composite
def _calls(draw: st.DrawFn, can: frozenset[str], number: int) -> ToolCall:
    if "custom" in can and draw(st.booleans()):
        return ToolCall(f"call_{number:06}", draw(names), draw(words), custom=True)
    return ToolCall(f"call_{number:06}", draw(names), json_text(draw(objects)).decode())


@st.composite
def _results(draw: st.DrawFn, can: frozenset[str], call: ToolCall) -> ToolResult:
    parts: list[Text | Image] = [Text(draw(words))]
    if "result_images" in can and draw(st.booleans()):
        parts.append(Image("", draw(base64s), "image/png"))
    failed = "error_flag" in can and draw(st.booleans())
    name = call.name if "result_names" in can else ""
    return ToolResult(call.id, tuple(parts), failed, name, custom=call.custom and "custom_results" in can)


# --- answers ----------------------------------------------------------------------------------------------------------


def answers(can: str, dialect: str) -> st.SearchStrategy[Answer]:
    return _answer(frozenset(can.split()), dialect)


@st.composite
def _answer(draw: st.DrawFn, can: frozenset[str], dialect: str) -> Answer:
    parts: list[Part] = []
    if "thinking" in can and draw(st.booleans()):
        parts.append(Thinking(draw(words), draw(_signatures(can)), dialect))
    if draw(st.booleans()):
        parts.append(Text(draw(words)))
    elif "refusal" in can and draw(st.booleans()):
        parts.append(Refusal(draw(words)))
    calls = [draw(_calls(can, index)) for index in range(draw(st.integers(0, 3)))]
    parts += calls
    stops: list[StopReason] = ["stop", "length", "sequence"]
    if "sequence" not in can:
        stops.remove("sequence")
    stop: StopReason = "tools" if calls else draw(st.sampled_from(stops))
    count = st.integers(1, 999)
    usage = Usage(
        input=draw(count),
        cache_read=draw(count),
        cache_write_5m=draw(count) if "cache_write" in can else 0,
        output=draw(count),
        reasoning=draw(count),
    )
    return Answer(
        id=draw(ids),
        model=draw(names),
        parts=tuple(parts),
        stop=stop,
        sequence=draw(words) if stop == "sequence" else "",
        usage=usage,
        created=1_700_000_000 if "created" in can else 0,
    )
