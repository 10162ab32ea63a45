from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.tokens.frames.claude_blocks import calls_text
from tests.tokens.frames.claude_counts import ASK, OPUS_5, SONNET, count, words

CALL: dict[str, Any] = {"type": "tool_use", "id": "1", "name": "weather", "input": {"town": "Rome"}}
MARK = "antml:"
XML = f"""\
<{MARK}function_calls>
<{MARK}invoke name="weather">
<{MARK}parameter name="town">Rome</{MARK}parameter>
</{MARK}invoke>
</{MARK}function_calls>"""
ANSWERED = {"role": "assistant", "content": "ok"}


def result(content: Any, call: str = "1") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call, "content": content}


def conversation(*turns: Any, model: str = SONNET) -> int:
    roles = ("user", "assistant")
    messages = [{"role": roles[place % 2], "content": turn} for place, turn in enumerate(("hi", *turns))]
    return count({"messages": messages}, model).tokens


def test_a_call_is_the_xml_that_claude_writes() -> None:
    assert calls_text([CALL]) == XML
    assert conversation([CALL], [result("sunny")]) == 4 + 3 * 3 + words("hi") + words(XML) + words("sunny") + 6


def test_arguments_that_are_no_text_are_json() -> None:
    written = calls_text([CALL | {"input": {"days": [1, 2], "exact": True}}])
    assert '"days">[1, 2]<' in written
    assert '"exact">true<' in written


def test_text_in_front_of_a_call_stands_a_line_above_it() -> None:
    alone, after = (conversation(turn, [result("sunny")]) for turn in ([CALL], [{"type": "text", "text": "ok"}, CALL]))
    assert after - alone == words(f"ok\n\n{XML}") - words(XML)


def test_the_results_of_parallel_calls_are_named() -> None:
    calls = [CALL, CALL | {"id": "2"}]
    turns = conversation(calls, [result("sunny"), result("dry", "2")])
    around = 11 + 2 * (20 + words("weather"))
    assert turns == 4 + 3 * 3 + words("hi") + words(calls_text(calls)) + words("sunny") + words("dry") + around


def test_what_follows_upon_results_is_set_apart() -> None:
    text = {"type": "text", "text": "thanks"}
    alone = conversation([CALL], [result("sunny")])
    assert conversation([CALL], [result("sunny"), text]) == alone + words("thanks") + 6


def test_a_result_of_several_kinds_costs_more_for_each_part() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": '__OMITTED__{"w": 28, "h": 28}'}}
    text = {"type": "text", "text": "sunny"}
    assert conversation([CALL], [result([text])]) == conversation([CALL], [result("sunny")])
    assert conversation([CALL], [result([text, image])]) == conversation([CALL], [result("sunny")]) + 6 + 2 * 6 + 1 + 3


def test_later_generations_write_calls_in_fewer_tokens() -> None:
    parts = sum(words(text, OPUS_5) for text in ("hi", "weather", "town", "Rome", "sunny"))
    assert conversation([CALL], [result("sunny")], model=OPUS_5) == 4 + 3 * 2 + parts + 23 + 19


def test_a_tool_that_a_search_brought_is_read_where_it_was_found() -> None:
    tool = {"name": "later", "defer_loading": True, "input_schema": {"type": "object"}}
    messages = [ASK, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [result("x")]}]
    body: dict[str, Any] = {"messages": messages, "tools": [tool]}
    read = words(f"<function>{json.dumps({name: tool[name] for name in ('name', 'input_schema')})}</function>")
    before = count(body).tokens
    messages[2] = {"role": "user", "content": [result([{"type": "tool_reference", "tool_name": "later"}])]}
    assert count(body).tokens == before - words("x") + read + 10


@pytest.mark.parametrize(
    ("model", "kept"), [(SONNET, False), ("claude-opus-4-5", True), ("claude-sonnet-4-6", True), (OPUS_5, True)]
)
def test_earlier_thoughts_are_left_out_before_opus_4_5_and_sonnet_4_6(model: str, kept: bool) -> None:
    thought = {"type": "thinking", "thinking": "let me see", "signature": "x"}
    text = {"type": "text", "text": "ok"}
    more = conversation([thought, text], "hi", model=model) - conversation([text], "hi", model=model)
    assert more == (words("let me see", model) + 8 if kept else 0)


def test_thoughts_that_led_to_the_call_at_hand_are_read() -> None:
    thought = {"type": "thinking", "thinking": "let me see", "signature": "x"}
    more = conversation([thought, CALL], [result("sunny")]) - conversation([CALL], [result("sunny")])
    assert more == words("let me see") + 8


def test_what_anthropics_tools_found_is_a_guess_where_it_is_sealed() -> None:
    use = {"type": "server_tool_use", "id": "1", "name": "web_search", "input": {"query": "x"}}
    page = {"type": "web_search_result", "title": "A page", "url": "https://a.example", "encrypted_content": "A" * 1000}
    found = {"type": "web_search_tool_result", "tool_use_id": "1", "content": [page]}
    counted = count({"messages": [ASK, {"role": "assistant", "content": [use, found]}, ASK]})
    assert counted.band[0] < counted.tokens - 300
    assert counted.band[1] > counted.tokens + 400


def test_citations_are_explained_once() -> None:
    content = [{"type": "text", "text": "Rome is a town."}]
    found = {"type": "search_result", "title": "Facts", "source": "https://a.example", "content": content}
    cited = found | {"citations": {"enabled": True}}
    plain, once, twice = (
        conversation([CALL], [result(parts)]) for parts in ([found, found], [found, cited], [cited, cited])
    )
    assert once == twice == plain + 554


def test_where_nothing_but_guesses_are_counted_no_band_is_below_nothing() -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "file"}}]}]}
    assert count(body).band[0] >= 0
