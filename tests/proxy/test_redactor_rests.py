"""On the way of a successful call nothing is redacted: the answer's bytes are not ours to change, or to pay for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from benchmarks.call_time import Bench, a_request, a_stream, a_whole_answer
from dd0c_route.redact import prompts, scrub
from dd0c_route.redact.registry import Span

EVENTS = 50


@pytest.mark.parametrize("stream", [False, True])
def test_the_redactor_is_not_called_while_an_answer_passes(
    stream: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = a_stream(EVENTS) if stream else a_whole_answer()
    end = b"0\r\n\r\n" if stream else pieces[0][-20:]
    seen: list[str] = []
    looked_for = scrub._find_as_written

    def counted(text: str, *, live: bool = True) -> list[Span]:
        seen.append(text)
        return looked_for(text, live=live)

    def never(document: str) -> None:
        raise AssertionError("a prompt was searched although nobody asked for it")

    monkeypatch.setattr(scrub, "_find_as_written", counted)
    monkeypatch.setattr(prompts, "texts", never)
    scrub.redact_label.cache_clear()

    def in_a_call(call: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[int]]:
        async def counting() -> int:
            seen.clear()
            await call()
            return len(seen)

        return counting

    async def calls() -> tuple[int, int]:
        bench = Bench(tmp_path, asyncio.get_running_loop())
        count = in_a_call(lambda: bench.call(a_request(stream=stream), pieces, end))
        first, labels = await count(), list(seen)
        second = await count()
        await bench.close()
        assert all("word" not in text for text in labels)  # the answer's, and the prompt's
        return first, second

    first, second = asyncio.run(calls())
    print(f"{'stream' if stream else 'JSON'}: {first} labels looked at in the first call, {second} texts in the second")
    assert 0 < first <= 8  # the names of models and the like, which the entry keeps; then they are known
    assert second == 0
