"""The time of a count does not depend on the prompt's length, nor on what was done to make it long."""

from __future__ import annotations

import pytest

from benchmarks.count_time import APIS, cases, times_us
from dd0c_route.tokens import count_request

PROMPTS = cases()
USUAL = "prose, 7 KB"


@pytest.mark.parametrize("model", APIS)
@pytest.mark.parametrize("name", PROMPTS)
def test_no_prompt_takes_many_times_what_a_usual_one_takes(name: str, model: str) -> None:
    # The lowest of many in turn: what disturbs the machine disturbs both.
    usual, this = [], []
    for _ in range(8):
        usual += times_us(PROMPTS[USUAL], model, 5)
        this += times_us(PROMPTS[name], model, 5)
    assert min(this) < 5 * min(usual)


@pytest.mark.parametrize("model", APIS)
@pytest.mark.parametrize("name", PROMPTS)
def test_every_prompt_gets_a_count_within_its_band(name: str, model: str) -> None:
    count = count_request(APIS[model], PROMPTS[name], model)
    assert 0 <= count.band[0] <= count.tokens <= count.band[1]
