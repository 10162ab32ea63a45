from __future__ import annotations

import pytest

from dd0c_route.tokens import count_text_exactly
from dd0c_route.upstream.simulator.answer import Ask, content
from dd0c_route.upstream.simulator.script import Scene

MODELS = ("gpt-4", "gpt-4o", "gpt-5.4", "claude-sonnet-4-5", "claude-opus-4-7", "claude-opus-5")


@pytest.mark.parametrize("model", MODELS)
def test_every_piece_is_one_token_for_every_exact_tokenizer(model: str) -> None:
    invented = content(Ask(api="openai.chat", model="any", seed=5), Scene(chunks=9000, reasoning=100))
    for pieces in (invented.text, invented.reasoning):
        for end in (1, 2, 17, len(pieces)):
            assert count_text_exactly("".join(pieces[:end]), model).tokens == end
            assert count_text_exactly("".join(pieces[:end]), model).exactness == "exact"
