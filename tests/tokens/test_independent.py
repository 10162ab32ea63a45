"""10,000 random texts for each tokenizer, through the router to a provider that counts with somebody else's code.

The provider (`independent/provider.py`) is a process of its own. For every text its count is compared with ours, and
with what the ledger holds: what the provider reported, or, where it reports nothing, what the router counted itself.
"""

from __future__ import annotations

import http.client
import json
import random
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any, NamedTuple

import pytest
from msgspec import Raw

from dd0c_route.tokens import count_answer, count_request, count_request_exactly, count_text_exactly, load
from tests.environments import COUNTERS
from tests.stand import DEADLINE_S, Stand
from tests.tokens.independent.texts import random_texts

TEXTS = 10_000  # for each model; half of them drawn anew in each run
SILENT = 10  # one in so many answers reports no usage
CONNECTIONS = 8
SEED = 2026
MODELS = ("gpt-4", "gpt-4o", "claude-sonnet-4-5", "claude-opus-4-7", "claude-opus-5")
PROVIDERS = """
[providers.openai]
base_url = "http://127.0.0.1:{counting}/v1"
api_key = {{ env = "SIM_KEY" }}

[providers.anthropic]
base_url = "http://127.0.0.1:{counting}/v1"
api_key = {{ env = "SIM_KEY" }}
"""


class Asked(NamedTuple):
    """A text, and what became of it.

    Attributes:
        silent: The provider reported no usage.
        call: The router's id of the call.
        input, output: What the provider counted, whether it reported that or not.
        tokens: The same of the text alone.
    """

    text: str
    silent: bool
    call: str
    input: int
    output: int
    tokens: int


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    program = Path(__file__).parent / "independent" / "provider.py"
    command = [str(COUNTERS.python_or_skip()), str(program)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as provider:
        assert provider.stdin is not None
        assert provider.stdout is not None
        port = provider.stdout.readline().strip()
        with Stand(tmp_path, providers=PROVIDERS.replace("{counting}", port)) as running:
            yield running
        provider.stdin.close()  # which ends it


def request_of(text: str, model: str) -> dict[str, Any]:
    return {"model": model, "max_tokens": 10_000, "messages": [{"role": "user", "content": text}]}


def ask_all(texts: list[str], model: str, port: int) -> list[Asked]:
    """Each text in a call of its own, over connections that stay open."""
    mine = local()
    path = "/v1/messages" if model.startswith("claude") else "/v1/chat/completions"

    def ask(numbered: tuple[int, str]) -> Asked:
        number, text = numbered
        if not hasattr(mine, "connection"):
            mine.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        silent = number % SILENT == 0
        headers = {"content-type": "application/json"} | ({"x-silent": "1"} if silent else {})
        mine.connection.request("POST", path, json.dumps(request_of(text, model)).encode(), headers)
        answer = mine.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return Asked(
            text, silent, answer.getheader("x-dd0c-request-id"), *map(int, answer.getheader("x-counted").split())
        )

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(ask, enumerate(texts)))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("model", MODELS)
def test_random_texts_count_as_an_independent_implementation_counts_them(model: str, stand: Stand) -> None:
    seed = random.randrange(1 << 30)
    print(f"{model}: seeds {SEED} and {seed}")
    texts = random_texts(SEED, TEXTS // 2) + random_texts(seed, TEXTS // 2)
    load(model)
    asked = ask_all(texts, model, stand.port)
    entries = {entry["id"]: entry for entry in stand.confirmed(TEXTS)}

    different = [difference for one in asked if (difference := compared(one, model, entries[one.call]))]
    assert different == []


def compared(one: Asked, model: str, entry: dict[str, Any]) -> str | None:
    """How our counts or the entry differ from what the provider counted; None: not at all."""
    # ctok finds nothing in some texts of control characters alone. No text is free: we count one token.
    raised = int(one.tokens == 0)
    text, usage = count_text_exactly(one.text, model), ours(one.text, model)
    recorded = (entry["usage"]["input"], entry["usage"]["output"])
    if one.silent:  # counted with its end, which is not always the same
        wanted = ("local_estimated", one.input + raised, one.output + raised)
    else:
        wanted = ("provider_final", one.input, one.output)
    same = text.tokens == one.tokens + raised and usage == (one.input + raised, one.output + raised)
    if same and (entry["usage_source"], *recorded) == wanted:
        return None
    return f"{one}: our count {text.tokens}, of the call {usage}; in the ledger {entry['usage_source']} {recorded}"


def ours(text: str, model: str) -> tuple[int, int]:
    api = "anthropic.messages" if model.startswith("claude") else "openai.chat"
    fields = {name: Raw(json.dumps(value).encode()) for name, value in request_of(text, model).items()}
    count = count_request_exactly(api, fields, model)
    assert count.exactness == "exact"
    assert count_request(api, fields, model) == count
    return count.tokens, count_answer(text, model).tokens
