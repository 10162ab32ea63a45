"""The laws that every dialect keeps; a test module subclasses `Contract` with what its dialect can express."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from dd0c_route.wire.body import split
from dd0c_route.wire.neutral import DIALECTS
from dd0c_route.wire.neutral.dialect import Aim, Dialect, Opening
from dd0c_route.wire.neutral.fold import answer_of, pieces_of
from dd0c_route.wire.neutral.form import (
    Answer,
    Choice,
    Fault,
    FaultKind,
    Part,
    Piece,
    Prompt,
    Reasoning,
    ToolCall,
    ToolResult,
    Turn,
)
from tests.wire.neutral import strategies

# Each dialect's own class runs the laws, which hypothesis takes for an accident; fewer examples, since there are many.
LAW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
OPENING = Opening("opening", "opened", 1_700_000_000)
KINDS: tuple[FaultKind, ...] = ("invalid", "authentication", "rate_limit", "server", "not_found")
STATUSES = (400, 401, 429, 500, 404)
# Of what else all dialects have: that no tool may be called, and that no two may be called at once.
LACKS = {"gemini": {"parallel"}, "converse": {"none", "parallel"}}


class Contract:
    """Attributes: the dialect, and which of `strategies.ALL` its requests and its answers can express."""

    dialect: ClassVar[Dialect]
    asks: ClassVar[str]
    says: ClassVar[str]

    def normal(self, answer: Answer) -> Answer:
        """*answer* as far as the dialect can tell it."""
        return answer

    # --- requests ---------------------------------------------------------------------------------------------------

    @LAW
    @given(st.data())
    def test_a_request_it_can_express_comes_back_as_it_was(self, data: st.DataObject) -> None:
        prompt = data.draw(strategies.prompts(f"{self.asks} {usual(self.dialect)}", self.dialect.name))
        written = self.dialect.write_request(prompt, Aim(model=prompt.model))
        back = self.dialect.read_request(split(written.body))
        assert written.losses == ()
        assert self.as_asked(back, prompt) == self.as_asked(prompt, prompt)

    def as_asked(self, back: Prompt, prompt: Prompt) -> Prompt:
        """*back*, but for what the router adds of its own and what goes without saying."""
        return structs.replace(settled(back), wants_usage=prompt.wants_usage)

    @LAW
    @given(st.data())
    def test_any_request_is_written_without_an_error(self, data: st.DataObject) -> None:
        prompt = data.draw(strategies.prompts(strategies.ALL, "nobody"))
        written = self.dialect.write_request(prompt, Aim(model=prompt.model))
        self.dialect.read_request(split(written.body))

    @LAW
    @given(st.data())
    def test_a_request_through_any_other_dialect_is_whole_or_says_what_is_not(self, data: st.DataObject) -> None:
        """Of what both can express, nothing is lost on the way through the other and back."""
        other = data.draw(st.sampled_from(list(DIALECTS.values())))
        prompt = data.draw(strategies.prompts(usual(self.dialect, other), self.dialect.name))
        there = other.write_request(prompt, Aim(model=prompt.model))
        between = other.read_request(split(there.body))
        back = self.dialect.write_request(between, Aim(model=prompt.model))
        again = self.dialect.read_request(split(back.body))
        assert there.losses == back.losses == ()
        assert told(again) == told(prompt)

    # --- answers ----------------------------------------------------------------------------------------------------

    @LAW
    @given(st.data())
    def test_an_answer_comes_back_as_it_was(self, data: st.DataObject) -> None:
        answer = data.draw(strategies.answers(self.says, self.dialect.name))
        assert self.normal(self.dialect.read_answer(self.dialect.write_answer(answer))) == self.normal(answer)

    @LAW
    @given(st.data())
    def test_any_answer_can_be_written(self, data: st.DataObject) -> None:
        answer = data.draw(strategies.answers(strategies.ALL, "nobody"))
        body = self.dialect.write_answer(answer)
        assert self.dialect.read_answer(body).id == self.normal(answer).id

    @LAW
    @given(st.data())
    def test_a_stream_says_what_the_whole_answer_says_wherever_it_is_cut(self, data: st.DataObject) -> None:
        answer = data.draw(strategies.answers(self.says, self.dialect.name))
        written = self.streamed(pieces_of(answer))
        size = data.draw(st.integers(1, 1 + len(written)))
        assert self.normal(answer_of(self.read_stream(written, size))) == self.normal(answer)

    @LAW
    @given(st.data())
    def test_a_stream_of_any_answer_can_be_written(self, data: st.DataObject) -> None:
        answer = data.draw(strategies.answers(strategies.ALL, "nobody"))
        assert answer_of(self.read_stream(self.streamed(pieces_of(answer)), 1 << 20)).id == self.normal(answer).id

    def test_a_stream_without_a_beginning_is_named_by_the_call(self) -> None:
        read = answer_of(self.read_stream(self.streamed(pieces_of(Answer())), 1 << 20))
        assert read.model == "opened"

    def streamed(self, pieces: list[Piece]) -> bytes:
        writer = self.dialect.writer(OPENING)
        return b"".join([writer.feed([piece]) for piece in pieces]) + writer.end()

    def read_stream(self, data: bytes, size: int) -> list[Piece]:
        reader = self.dialect.reader()
        pieces: list[Piece] = []
        for at in range(0, len(data), size):
            pieces += reader.feed(data[at : at + size])
        return pieces + reader.end()

    # --- errors -----------------------------------------------------------------------------------------------------

    def test_an_error_keeps_its_kind_its_words_and_its_class_of_status(self) -> None:
        for status, kind in zip(STATUSES, KINDS, strict=True):
            fault = Fault(status, kind, "the words")
            back = self.dialect.read_error(self.dialect.status(fault), self.dialect.write_error(fault, "dd_1"))
            assert (back.kind, back.message) == (kind, "the words")
            assert self.dialect.status(fault) // 100 == status // 100

    @LAW
    @given(st.binary(max_size=60))
    def test_an_error_may_look_like_anything(self, body: bytes) -> None:
        assert self.dialect.read_error(500, body).message

    def test_a_fault_ends_a_stream_and_is_read_as_one(self) -> None:
        writer = self.dialect.writer(OPENING)
        data = writer.feed(pieces_of(Answer())[:1]) + writer.feed([Fault(500, "server", "the words")]) + writer.end()
        faults = [piece for piece in self.read_stream(data, 7) if isinstance(piece, Fault)]
        assert [fault.message for fault in faults] == ["the words"]

    @LAW
    @given(st.binary(max_size=80), st.integers(1, 80))
    def test_no_bytes_make_the_reader_fail(self, data: bytes, size: int) -> None:
        self.read_stream(data, size)
        self.read_stream(b"data: " + data + b"\n\n", size)


def usual(*dialects: Dialect) -> str:
    """What is in `LACKS` of none of *dialects*."""
    return " ".join({"none", "parallel"}.difference(*[LACKS.get(dialect.name, set()) for dialect in dialects]))


def settled(prompt: Prompt) -> Prompt:
    """*prompt* with what goes without saying unsaid: the model may choose a tool, and one is called at most by none."""
    choice = prompt.tool_choice if prompt.tool_choice != Choice("auto") else None
    parallel = None if choice == Choice("none") else prompt.parallel_tools
    asked = prompt.reasoning
    if asked is not None and asked.effort:
        asked = Reasoning(effort=asked.effort)
    return structs.replace(prompt, tool_choice=choice, parallel_tools=parallel, reasoning=asked, extras={})


def told(prompt: Prompt) -> Prompt:
    """What a request says, whatever its dialect calls things or leaves to a default."""
    return structs.replace(
        settled(prompt),
        dialect="",
        model="",
        wants_usage=False,
        stream=False,
        max_output=None,
        turns=tuple(Turn(turn.role, tuple(bare(part) for part in turn.parts)) for turn in joined(prompt.turns)),
    )


def bare(part: Part) -> Part:
    """*part* without what some dialects say again, or seal calls with."""
    if isinstance(part, ToolResult):
        return structs.replace(part, name="")
    return structs.replace(part, signature="") if isinstance(part, ToolCall) else part


def joined(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Turns of one side that follow each other are one."""
    out: list[Turn] = []
    for turn in turns:
        if out and out[-1].role == turn.role:
            out[-1] = Turn(turn.role, out[-1].parts + turn.parts)
        else:
            out.append(turn)
    return tuple(out)
