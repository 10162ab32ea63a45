"""The bundle that a call sees: built whole, swapped whole, its connections taken over where nothing changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from dd0c_route.brain.policies.ordered import Ordered
from dd0c_route.brain.request import asked as read
from dd0c_route.clock import HandClock
from dd0c_route.config import Route
from dd0c_route.decide import Asking, Expected
from dd0c_route.decide.router import CompiledRoute
from dd0c_route.errors import ConfigError, NotFound
from dd0c_route.ledger.counting import Known, publish
from dd0c_route.ledger.journal import Journal
from dd0c_route.ledger.learning import Learning
from dd0c_route.runtime import Boot, Runtime, build, load_config, read_boot
from dd0c_route.tokens import count_request
from dd0c_route.types import Audit, Call, Target
from dd0c_route.upstream import Sweeper
from tests.proxy.examples import call
from tests.upstream.scripted import on_uvloop

TWO = """
[providers.one]
dialect = "openai"
base_url = "http://127.0.0.1:9/v1"
api_key = { env = "KEY" }

[providers.two]
dialect = "openai"
base_url = "http://127.0.0.1:9/prefix/v1/"
"""
ENVIRON = {"KEY": "synthetic-key-0123456789"}

Make = Callable[..., Runtime]


def with_runtimes(folder: Path, test: Callable[[Make], Awaitable[None]]) -> None:
    """Run *test* with a function that builds runtimes out of a configuration's text."""

    async def on_loop() -> None:
        loop = asyncio.get_running_loop()
        clock, sweeper = HandClock(), Sweeper(loop)
        journal = Journal(folder / "journal", 0, clock)
        path = folder / "dd0c.toml"
        made: list[Runtime] = []

        def make(text: str, before: Runtime | None = None, environ: dict[str, str] = ENVIRON) -> Runtime:
            path.write_text(text)
            loaded = load_config(str(path), {}, environ)
            made.append(build(loaded, journal, clock, sweeper, loop, before))
            return made[-1]

        try:
            await test(make)
        finally:
            for runtime in made:
                for line in runtime.lines.values():
                    await line.pool.close()
            journal.close()

    on_uvloop(on_loop)


def expected_of(runtime: Runtime, asked: Call, target: Target) -> Expected:
    """What *asked* is expected to cost at *target*, in no conversation."""
    route = CompiledRoute(0, "", Route(candidates=()), (), Ordered())
    (expected,) = runtime.router.known.costs(Asking(asked, read(asked), route, None), [target])
    return expected


def test_each_provider_has_its_line(tmp_path: Path) -> None:
    async def test(make: Make) -> None:
        runtime = make(TWO)
        assert set(runtime.lines) == {"one", "two"}
        assert runtime.line("two").base_path == "/prefix/v1"
        assert runtime.line("two").name == b"two"

    with_runtimes(tmp_path, test)


def test_a_provider_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    async def test(make: Make) -> None:
        with pytest.raises(NotFound, match=r"'three'.*one, two"):
            make(TWO).line("three")
        with pytest.raises(NotFound, match="none"):
            make("").line("x" * 1000)

    with_runtimes(tmp_path, test)


def test_a_reload_keeps_the_connections_of_providers_that_did_not_change(tmp_path: Path) -> None:
    async def test(make: Make) -> None:
        before = make(TWO)
        after = make(TWO + '\n[providers.three]\ndialect = "openai"\nbase_url = "http://127.0.0.1:9"\n', before)
        assert after.line("one") is before.line("one")
        assert after.line("two") is before.line("two")
        assert set(after.lines) == {"one", "two", "three"}
        assert set(before.lines) == {"one", "two"}

    with_runtimes(tmp_path, test)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/prefix/", "/other/"),
        ('"openai"\nbase_url = "http://127.0.0.1:9/p', '"anthropic"\nbase_url = "http://127.0.0.1:9/p'),
    ],
)
def test_a_reload_gives_a_provider_that_changed_new_connections(tmp_path: Path, old: str, new: str) -> None:
    async def test(make: Make) -> None:
        before = make(TWO)
        after = make(TWO.replace(old, new), before)
        assert after.line("one") is before.line("one")
        assert after.line("two").pool is not before.line("two").pool

    with_runtimes(tmp_path, test)


def test_a_key_that_was_rotated_is_used_from_then_on(tmp_path: Path) -> None:
    async def test(make: Make) -> None:
        before = make(TWO)
        after = make(TWO, before, {"KEY": "synthetic-key-9876543210"})
        key = after.line("one").provider.api_key
        assert key is not None
        assert key.reveal() == "synthetic-key-9876543210"
        assert after.line("two") is before.line("two")

    with_runtimes(tmp_path, test)


def test_a_provider_that_was_removed_is_gone_for_new_calls_only(tmp_path: Path) -> None:
    async def test(make: Make) -> None:
        before = make(TWO)
        after = make(TWO.partition("[providers.two]")[0], before)
        assert set(after.lines) == {"one"}
        assert before.line("two").pool.open == 0

    with_runtimes(tmp_path, test)


def test_the_same_configuration_has_the_same_version_and_another_has_another(tmp_path: Path) -> None:
    async def test(make: Make) -> None:
        assert make(TWO).version == make(TWO).version
        assert make(TWO).version != make(TWO.replace("/prefix/", "/other/")).version

    with_runtimes(tmp_path, test)


def test_own_prices_go_before_the_catalogue(tmp_path: Path) -> None:
    async def test(make: Make) -> None:
        row = '\n[[prices]]\nprovider = "one"\nmodel = "m-*"\ninput = 1\noutput = 2\n'
        runtime = make(TWO + row)
        price = runtime.price("one", "m-1", call().at_ns, None)
        assert price is not None
        assert runtime.price("two", "m-1", call().at_ns, None) is None

    with_runtimes(tmp_path, test)


def test_what_a_call_is_expected_to_cost_follows_prompt_and_price(tmp_path: Path) -> None:
    async def test(make: Make) -> None:
        row = '\n[[prices]]\nprovider = "one"\nmodel = "m-*"\ninput = 1\noutput = 2\n'
        expected = partial(expected_of, make(TWO + row))
        short = call(b'{"model":"m-1","messages":[{"role":"user","content":"Hi."}]}')
        long = call(b'{"model":"m-1","messages":[{"role":"user","content":"' + b"word " * 500 + b'"}]}')
        target = Target("one", "m-1")
        first, second = expected(short, target), expected(long, target)
        assert first.picodollars < second.picodollars
        assert not first.unpriced
        limited = call(b'{"model":"m-1","max_tokens":10,"messages":[{"role":"user","content":"Hi."}]}')
        assert first.picodollars - expected(limited, target).picodollars == 390 * 2_000_000

    with_runtimes(tmp_path, test)


def test_what_was_learned_of_our_counts_is_in_what_a_call_is_expected_to_cost(tmp_path: Path) -> None:
    async def test(make: Make) -> None:
        row = '[[prices]]\nprovider = "one"\nmodel = "acme"\ninput = 1.0\noutput = 2.0\n'
        asked = call(b'{"model":"acme","messages":[{"role":"user","content":"Hi."}]}')
        target = Target("one", "acme")
        before = make(TWO + row)
        taught, learning = count_request(asked.api, asked.fields, "acme", "one"), Learning()
        for number in range(5):
            learning.add(Audit(str(number), "one", "acme", asked.api, taught, taught.tokens + 1000))
        publish(tmp_path, learning)
        after = make(TWO + row, msgspec.structs.replace(before, known=Known(tmp_path)))
        costs = [expected_of(runtime, asked, target) for runtime in (before, after)]
        assert costs[1].picodollars - costs[0].picodollars == 1000 * 1_000_000

    with_runtimes(tmp_path, test)


@pytest.mark.parametrize(("provider", "dearest"), [("one", "own"), ("two", "all")])
def test_a_candidate_without_a_price_is_expected_to_cost_the_dearest_that_is_known(
    tmp_path: Path, provider: str, dearest: str
) -> None:
    """Of its provider, or of the whole catalogue: never nothing, and never 0."""

    async def test(make: Make) -> None:
        rows = '\n[[prices]]\nprovider = "one"\nmodel = "{}"\ninput = {}\noutput = {}\n'
        route = f'\n[[routes]]\ncandidates = ["{provider}/unheard-of", "one/m-1"]\n'
        runtime = make(TWO + rows.format("m-1", 1, 2) + rows.format("m-2", 3, 1) + route)
        asked = call(b'{"model":"m-1","messages":[{"role":"user","content":"Hi."}]}')

        found = expected_of(runtime, asked, Target(provider, "unheard-of"))

        assert found.unpriced
        tokens = count_request(asked.api, asked.fields, "unheard-of", provider).tokens
        assert found.output_tokens is not None
        own = tokens * 3_000_000 + found.output_tokens * 2_000_000
        assert found.picodollars == own if dearest == "own" else found.picodollars > own

    with_runtimes(tmp_path, test)


def test_a_route_that_nobody_can_serve_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "dd0c.toml"
    path.write_text(TWO + '\n[[routes]]\ncandidates = ["three/m-1"]\n')

    with pytest.raises(ConfigError, match="three"):
        load_config(str(path), {}, ENVIRON)


def test_children_read_what_the_supervisor_wrote(tmp_path: Path) -> None:
    boot = msgspec.convert(
        {
            "config_path": None,
            "overrides": {"server.port": "1"},
            "runtime_dir": "run",
            "ledger_url": "sqlite:///dd0c.db",
            "workers": 2,
            "supervisor": 1,
        },
        Boot,
    )
    path = tmp_path / "boot.json"
    path.write_bytes(msgspec.json.encode(boot))

    assert read_boot(str(path)) == boot
    assert boot.worker_socket(0) != boot.worker_socket(1) != boot.control_socket
