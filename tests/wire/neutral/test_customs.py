"""Tools that take free text are functions where there are none such, and what comes back is free text again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.wire.neutral import Aim
from dd0c_route.wire.neutral.customs import Own, Restored, as_functions, owns_of
from dd0c_route.wire.neutral.fold import answer_of, pieces_of
from dd0c_route.wire.neutral.form import (
    Answer,
    CallBegin,
    CallDelta,
    Foreign,
    Piece,
    Prompt,
    Stop,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)

GRAMMAR = b'{"type":"grammar","grammar":{"syntax":"lark","definition":"start: PATCH"}}'
PROMPT = Prompt(
    tools=(Tool("patch", "Edit files.", GRAMMAR, custom=True), Tool("look")),
    turns=(
        Turn("assistant", (ToolCall("1", "patch", 'a "b"\n', custom=True), ToolCall("2", "look", "{}"))),
        Turn("user", (ToolResult("1", (Text("Done"),), custom=True),)),
    ),
)
NAMES = {"patch": Own("patch", "", True)}


@pytest.mark.parametrize(
    ("api", "provider", "names"),
    [
        ("openai.chat", "openai", {}),
        ("openai.responses", "azure", {}),
        ("openai.chat", "mistral", NAMES),
        ("anthropic.messages", "anthropic", NAMES),
    ],
)
def test_only_openai_has_tools_of_free_text(api: str, provider: str, names: dict[str, Own]) -> None:
    assert owns_of(PROMPT, api, Aim("m", provider)) == names


def test_the_function_has_one_text_and_tells_the_grammar() -> None:
    prompt = as_functions(PROMPT, NAMES)
    tool = prompt.tools[0]

    assert isinstance(tool, Tool)
    assert not tool.custom
    assert json.loads(tool.schema)["required"] == ["input"]
    assert "start: PATCH" in tool.description
    assert prompt.turns[0].parts[0] == ToolCall("1", "patch", '{"input":"a \\"b\\"\\n"}')
    assert prompt.turns[1].parts[0] == ToolResult("1", (Text("Done"),))
    assert prompt.tools[1] == PROMPT.tools[1]


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.sampled_from('a"\\\n\t/{}é漢😀\u2028'), max_size=20),
    st.booleans(),
    st.integers(1, 40),
)
def test_the_text_comes_back_wherever_its_json_is_cut(text: str, ascii_only: bool, size: int) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
    cut = [CallDelta(0, arguments[at : at + size]) for at in range(0, len(arguments), size)]
    pieces: list[Piece] = [CallBegin(0, "1", "patch"), *cut, Stop("tools")]
    restored = Restored(NAMES)

    streamed = answer_of([out for piece in pieces for out in restored.pieces([piece])])
    assert streamed.parts == (ToolCall("1", "patch", text, custom=True),)
    whole = Restored(NAMES).answer(Answer(parts=(ToolCall("1", "patch", arguments),)))
    assert whole.parts == streamed.parts


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"patch": "x"}', "x"),
        ("*** Begin Patch", "*** Begin Patch"),
        ('{"input": "ab', "ab"),
        ('{"input": "a\\ud83dz"}', "a\ufffdz"),
        ("", ""),
    ],
)
def test_what_a_model_writes_instead_is_read_as_well_as_can_be(arguments: str, text: str) -> None:
    answer = Restored(NAMES).answer(Answer(parts=(ToolCall("1", "patch", arguments),)))

    assert answer.parts == (ToolCall("1", "patch", text, custom=True),)


def test_other_calls_stay_as_they_are() -> None:
    answer = Answer(parts=(Text("a"), ToolCall("1", "look", '{"input": "x"}')), stop="tools")

    assert Restored(NAMES).answer(answer) == answer
    assert answer_of(Restored(NAMES).pieces(pieces_of(answer))) == answer


SPACE = Foreign(
    "responses",
    "namespace",
    b'{"type":"namespace","name":"mail","description":"About mail.","tools":['
    b'{"type":"function","name":"send","description":"Send.","parameters":{"type":"object"}},'
    b'{"type":"custom","name":"draft","format":{"type":"text"}},{"type":"function","name":"' + b"x" * 70 + b'"}]}',
)
SPACED = Prompt(tools=(SPACE,), turns=(Turn("assistant", (ToolCall("1", "send", "{}", namespace="mail"),)),))


def test_the_tools_of_a_namespace_are_functions_with_its_name_before_theirs() -> None:
    owns = owns_of(SPACED, "anthropic.messages", Aim("m", "anthropic"))
    prompt = as_functions(SPACED, owns)
    tools = [tool for tool in prompt.tools if isinstance(tool, Tool)]

    assert [tool.name for tool in tools] == list(owns)
    assert [tool.name for tool in tools[:2]] == ["mail__send", "mail__draft"]
    assert len(tools[2].name) <= 64
    assert tools[0].description == "Send.\n\nAbout mail."
    assert prompt.turns[0].parts[0] == ToolCall("1", "mail__send", "{}")


def test_a_call_of_one_of_them_is_known_again() -> None:
    restored = Restored(owns_of(SPACED, "anthropic.messages", Aim("m", "anthropic")))
    parts = (ToolCall("1", "mail__send", "{}"), ToolCall("2", "mail__draft", '{"input":"Dear"}'))
    meant = (ToolCall("1", "send", "{}", namespace="mail"), ToolCall("2", "draft", "Dear", True, namespace="mail"))

    assert restored.answer(Answer(parts=parts)).parts == meant
    assert answer_of(restored.pieces(pieces_of(Answer(parts=parts)))).parts == meant
