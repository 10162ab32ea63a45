"""What goes wrong before clients of Responses, Google and Amazon, and before Google and Amazon as providers.

The laws are those of `test_translated_faults.py`; `parties.py` reads what each client is told.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from tests.endings.caller import Caller, body_of
from tests.proxy.parties import PARTIES, Party, check_error, pieces_of, story, text_of
from tests.stand import PROVIDERS, Stand, until

# The access key is made up. Nobody listens at port 1. So many calls fail here that the budget must be the largest.
MORE = """
[retries]
budget_share = 1.0

[providers.sim-chat]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}
without = ["responses"]

[providers.sim-bedrock]
dialect = "bedrock"
base_url = "http://127.0.0.1:{port}"
aws_region = "us-east-1"
aws_access_key_id = {{ env = "SIM_AWS_ID" }}
aws_secret_access_key = {{ env = "SIM_AWS_SECRET" }}

[providers.away]
dialect = "openai"
base_url = "http://127.0.0.1:1/v1"
"""
ROUTE = """
[[routes]]
match = {{ model = "{name}" }}
candidates = ["{first}", "{second}"]
policy = "ordered"
mode = "on"
control_share = 0.0
"""
KEYS = {"SIM_AWS_ID": "AKIASYNTHETIC0EXAMPLE", "SIM_AWS_SECRET": "synthetic-secret-0123456789-abcdef"}
STATUSES = (400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504, 529)
CHUNKS = 12
TEXT = "".join(f"word{number} " for number in range(CHUNKS))
LONG = 1000  # pieces of the answers that nobody hears to their end

USAGE = {"inputTokens": 7, "outputTokens": 24, "totalTokens": 31}


def recorded(id: str, texts: list[str]) -> dict[str, Any]:
    """A stream of Bedrock's, written by hand in the shape of the API's reference."""
    deltas = [
        {"event": "contentBlockDelta", "data": {"contentBlockIndex": 0, "delta": {"text": text}}} for text in texts
    ]
    return {
        "id": id,
        "url": "https://bedrock-runtime.example.test/model/m/converse-stream",
        "request": {"id": id},
        "response_events": [
            {"event": "messageStart", "data": {"role": "assistant"}},
            *deltas,
            {"event": "contentBlockStop", "data": {"contentBlockIndex": 0}},
            {"event": "messageStop", "data": {"stopReason": "end_turn"}},
            {"event": "metadata", "data": {"usage": USAGE, "metrics": {"latencyMs": 5}}},
        ],
    }


OWN = {"sim-chat": "chat", "sim-anthropic": "messages", "sim-gemini": "gemini", "sim-bedrock": "converse"}
"""In whose words each provider is asked."""


def another(provider: str) -> str:
    return "sim-anthropic" if provider == "sim-chat" else "sim-chat"


class Way(NamedTuple):
    """A client before a provider of another dialect."""

    caller: str
    provider: str

    @property
    def party(self) -> Party:
        return PARTIES[self.caller]

    def sim(self, *, long: bool = False) -> str:
        """Words for the simulator that ask for the text."""
        if self.provider == "sim-bedrock":
            return "id=long" if long else "id=words"
        return f"chunks={LONG}" if long else "text=" + TEXT.replace(" ", "%20")


WAYS = [Way(caller, at) for caller in ("responses", "gemini", "array", "converse") for at in OWN if OWN[at] != caller]
WAYS = [way for way in WAYS if way != Way("array", "sim-gemini")]
WAYS += [Way(caller, at) for caller in ("chat", "messages") for at in ("sim-gemini", "sim-bedrock")]


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder: Path = tmp_path_factory.mktemp("stand")
    lines = [recorded("words", [f"word{n} " for n in range(CHUNKS)]), recorded("long", ["word "] * LONG)]
    with gzip.open(folder / "made.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    routes = [ROUTE.format(name=f"away-then-{at}", first="away/first", second=f"{at}/m") for at in OWN]
    routes += [ROUTE.format(name=f"{at}-then-another", first=f"{at}/m", second=f"{another(at)}/m") for at in OWN]
    # What calls teach would change what later ones are counted as, and these are compared with each other.
    with Stand(
        folder,
        "[counting]\naudits_per_s = 0\n" + "".join(routes),
        providers=PROVIDERS + MORE,
        recordings=folder,
        environ=KEYS,
    ) as running:
        yield running


class Heard(NamedTuple):
    """One call of a client on a bare socket, to its end. *clean*: the framing says that nothing is missing."""

    id: str
    status: int
    headers: dict[str, str]
    body: bytes
    clean: bool


def call(stand: Stand, party: Party, model: str, sim: str, *, stream: bool = True) -> Heard:
    with Caller(stand.port) as caller:
        caller.send(party.request(model, sim, stream=stream))
        caller.read_answer()
        return Heard(caller.id, caller.status, caller.headers, caller.body, caller.whole)


def ask(stand: Stand, way: Way, sim: str, *, stream: bool = True) -> Heard:
    return call(stand, way.party, f"{way.provider}/m", sim, stream=stream)


def accounted(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("usage", "usage_source", "end_state", "error", "status")
    tokens = ("delivered_output_tokens", "received_output_tokens", "billable_output_tokens", "error_band")
    return {name: entry[name] for name in names + tokens}


def account(stand: Stand, heard: Heard) -> dict[str, Any]:
    return accounted(stand.entry(heard.id))


@cache  # several clients of one provider are compared with one
def twin(stand: Stand, provider: str, sim: str) -> dict[str, Any]:
    """The account of the same call to the same provider in the provider's own words: what is right."""
    return account(stand, call(stand, PARTIES[OWN[provider]], f"{provider}/m", sim))


def sim_call(stand: Stand, heard: Heard) -> dict[str, Any]:
    """What the provider saw of the call that *heard* answers."""
    number = int(heard.headers["x-sim-call"])
    found: dict[str, Any] = next(one for one in stand.sim_stats(f"?since={number - 1}")["calls"] if one["id"] == number)
    return found


every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.caller}-at-{way.provider}")


# --- errors -----------------------------------------------------------------------------------------------------------


@every_way
def test_a_providers_error_keeps_its_class_in_the_callers_shape(stand: Stand, way: Way) -> None:
    for status, stream in [*((status, True) for status in STATUSES), (400, False), (429, False), (529, False)]:
        heard = ask(stand, way, f"status={status}; retry_after=7", stream=stream)
        entry = stand.entry(heard.id)

        # One provider's APIs have the same errors, so one of OpenAI's passes as it is.
        as_it_is = way == Way("responses", "sim-chat")
        assert heard.status == (status if as_it_is else way.party.statuses.get(status, status))
        assert heard.headers["content-type"] == "application/json"
        assert heard.headers["retry-after"] == "7"
        check_error(way.party.api, json.loads(heard.body), heard.status)
        assert (entry["end_state"], entry["error"]) == ("upstream_failed", f"status_{status}")
        assert entry["attempts"][-1]["status"] == status
        assert entry["usage"]["output"] == 0


@every_way
def test_an_error_in_a_stream_comes_as_the_callers_own_and_nothing_after_it(stand: Stand, way: Way) -> None:
    for after in (1, 5, CHUNKS - 1):
        sim = f"{way.sim()}; error_after={after}"
        heard = ask(stand, way, sim)
        told = story(way.party.api, heard.body)
        kinds = [kind for kind, _ in told]

        check_error(way.party.api, told[-1][1])
        assert kinds.count("error") == (2 if way.caller == "responses" else 1)
        assert "end" not in kinds
        assert account(stand, heard) == twin(stand, way.provider, sim)
        assert stand.entry(heard.id)["end_state"] == "upstream_failed"


@every_way
def test_a_stream_that_breaks_never_ends_cleanly(stand: Stand, way: Way) -> None:
    # A reset swallows what was not read yet: time is left to read it.
    for after, how in ((0, "fin"), (1, "rst; chunk_ms=10"), (4, "rst; chunk_ms=10"), (CHUNKS - 1, "fin")):
        sim = f"{way.sim()}; cut_after={after}; cut_how={how}"
        heard = ask(stand, way, sim)
        entry = stand.entry(heard.id)

        if heard.status == 200:
            told = story(way.party.api, heard.body)
            assert not heard.clean
            assert "end" not in [kind for kind, _ in told]
            check_error(way.party.api, told[-1][1])
        else:  # cut before its first piece, it is an answer with an error
            check_error(way.party.api, json.loads(heard.body), heard.status)
        assert (entry["end_state"], entry["error"]) == ("upstream_failed", "upstream_cut")
        assert accounted(entry) == twin(stand, way.provider, sim)


@every_way
def test_a_stream_in_shreds_is_the_same_one(stand: Stand, way: Way) -> None:
    whole = ask(stand, way, way.sim())
    assert text_of(way.party.api, whole.body) == TEXT
    assert "end" in [kind for kind, _ in story(way.party.api, whole.body)]
    assert account(stand, whole) == twin(stand, way.provider, way.sim())
    for size in (1, 60):
        heard = ask(stand, way, f"{way.sim()}; write_bytes={size}")

        assert text_of(way.party.api, heard.body) == TEXT
        assert heard.clean
        assert account(stand, heard) == account(stand, whole)


@every_way
def test_the_account_is_the_providers(stand: Stand, way: Way) -> None:
    heard = ask(stand, way, way.sim())
    entry, seen = stand.entry(heard.id), sim_call(stand, heard)

    assert (seen["state"], entry["end_state"]) == ("complete", "complete")
    assert entry["usage_source"] == "provider_final"
    if way.provider == "sim-bedrock":  # the simulator counts no tokens of a recording
        assert entry["usage"]["output"] == USAGE["outputTokens"]
    else:
        assert entry["usage"]["output"] == entry["delivered_output_tokens"] == seen["text_out"]["tokens"] > 0


# --- hang-ups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seen", "how"), [(0, "fin"), (1, "rst"), (5, "fin")])
@every_way
def test_a_client_that_leaves_is_billed_for_the_text_that_it_got(
    stand: Stand, way: Way, seen: int, how: Literal["fin", "rst"]
) -> None:
    before = len(stand.entries(0))
    api = way.party.api
    with Caller(stand.port) as caller:
        caller.send(way.party.request(f"{way.provider}/m", f"{way.sim(long=True)}; chunk_ms=5", stream=True))
        caller.read_until(lambda raw: b"\r\n\r\n" in raw and pieces_of(api, body_of(bytes(raw))[0]) >= seen)
        caller.leave(how)
        heard = Heard(caller.id, caller.status, caller.headers, caller.body, False)
    entry = until(lambda: (found := stand.entry(heard.id))["end_state"] == "client_gone" and found, "the entry")
    got = pieces_of(api, heard.body)

    assert got <= entry["delivered_output_tokens"] <= entry["received_output_tokens"] < LONG
    assert entry["delivered_output_tokens"] <= 2 * (got + 40)  # what was on its way; a word may be estimated as two
    assert entry["usage"]["output"] == entry["delivered_output_tokens"]
    assert until(lambda: sim_call(stand, heard)["state"] not in ("open", "complete"), "the abort")
    assert len(stand.entries(before + 1)) == before + 1


@every_way
def test_a_client_that_leaves_before_the_first_byte_gets_and_pays_nothing_of_the_answer(stand: Stand, way: Way) -> None:
    before = len(stand.entries(0))
    with Caller(stand.port) as caller:
        caller.send(way.party.request(f"{way.provider}/m", f"{way.sim()}; ttft_ms=20000", stream=True))
        until(lambda: stand.gauge("dd0c_open_calls") == 1, "the call")
        caller.leave("fin")
    until(lambda: stand.gauge("dd0c_open_calls") == 0, "its end")
    entry = stand.entries(before + 1)[0]

    assert (entry["end_state"], entry["delivered_output_tokens"], entry["usage"]["output"]) == ("client_gone", 0, 0)
    assert entry["usage"]["input"] > 0


# --- second tries -----------------------------------------------------------------------------------------------------


@every_way
def test_a_plan_goes_on_into_another_dialect(stand: Stand, way: Way) -> None:
    heard = call(stand, way.party, f"away-then-{way.provider}", way.sim())
    entry = stand.entry(heard.id)

    assert heard.status == 200, heard.body
    assert text_of(way.party.api, heard.body) == TEXT
    assert (entry["provider"], entry["end_state"]) == (way.provider, "complete")
    assert len(entry["attempts"]) == 2


@every_way
def test_a_plan_goes_on_from_one_dialect_into_a_third(stand: Stand, way: Way) -> None:
    sim = f"fail_first=1; key={way.caller}-{way.provider}; text=Hello%20there."
    heard = call(stand, way.party, f"{way.provider}-then-another", sim)
    entry = stand.entry(heard.id)

    assert heard.status == 200, heard.body
    assert text_of(way.party.api, heard.body) == "Hello there."
    assert entry["provider"] == another(way.provider)
    assert [attempt["status"] for attempt in entry["attempts"]] == [503, 200]
