"""`route`: the decision that `serve` would make, without a call."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from dd0c_route.cli.lines import Answer, BadLine, answer_each, table
from dd0c_route.cli.options import config_option, found_config

if TYPE_CHECKING:
    from dd0c_route.config.load import Loaded
    from dd0c_route.decide import Router
    from dd0c_route.types import Call, Decision


@click.command("route")
@config_option
def command(config_path: str | None) -> int:
    """Decide for requests: JSON lines in, JSON lines out. No call is made and nothing is recorded.

    \b
    in   {"id", "request", "headers"}: the body and headers as a client would send them; "path" says to which
         address it goes, /v1/chat/completions by default, /v1/messages where an 'anthropic-version' header is given.
         A text "id" is the call's own: with it chance (canary, control group, weights) falls as it would
         for that call
    out  {"id", "verdict", "target", "plan", "reason", "policy", "route", "candidates", "shadow", "decide_us", …},
         or {"id", "error", "message"} for a request that 'serve' would refuse
    """
    from dd0c_route import runtime

    router = router_of(runtime.load_config(found_config(config_path), {}))
    return answer_each(lambda line: decided(line, router))


def decided(line: Answer, router: Router) -> Answer:
    """The decision for one line."""
    from dd0c_route.decide import decide
    from dd0c_route.errors import RouteError

    try:
        return {"id": line.get("id"), **_record(decide(call_of(line), router))}
    except RouteError as error:
        return {"id": line.get("id"), "error": error.code, "message": error.message}


def router_of(loaded: Loaded) -> Router:
    """The router of the very bundle that `serve` builds; its journal lies where nobody looks for one.

    Raises:
        ConfigError: `serve` could not start with it either: a predictor, labels or candidates that cannot be used.
    """
    from dd0c_route import runtime
    from dd0c_route.clock import SystemClock
    from dd0c_route.decide import Guard
    from dd0c_route.ledger import journal_directory
    from dd0c_route.ledger.journal import Journal
    from dd0c_route.upstream import Sweeper

    loop = asyncio.new_event_loop()
    try:
        with tempfile.TemporaryDirectory() as folder:
            clock = SystemClock()
            journal = Journal(Path(folder), 0, clock)
            try:
                learned_in = journal_directory(loaded.config.ledger.url, loaded.base_dir)
                router = runtime.build(loaded, journal, clock, Sweeper(loop), loop, learned_in=learned_in).router
                # As long as it takes: what is decided must not depend on this machine.
                return msgspec.structs.replace(router, guard=Guard(loaded.config.brain.enabled))
            finally:
                journal.close()
    finally:
        loop.close()


def call_of(line: Answer) -> Call:
    """The line as a call that came in."""
    from dd0c_route.clock import new_id
    from dd0c_route.config import Limits
    from dd0c_route.proxy.call import address_of, read_call
    from dd0c_route.proxy.server import Inbound

    request = Inbound()
    request.method = "POST"
    request.headers = _headers(line.get("headers"))
    request.body = msgspec.json.encode(table(line, "request"))
    request.at_ns, request.started_ns = time.time_ns(), time.perf_counter_ns()
    given = line.get("id")
    request.id = given if isinstance(given, str) and given else new_id("dd_", request.at_ns)
    request.target = _path(line, request.headers).encode("utf-8", "replace")
    address, query = address_of(request.target, request.method)
    return read_call(request, address, query, None, Limits())


def _headers(given: Any) -> list[tuple[bytes, bytes]]:
    if given is None:
        return []
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise BadLine("the field 'headers' is no object of texts")
    return [(name.lower().encode(), value.encode()) for name, value in given.items()]


def _path(line: Answer, headers: list[tuple[bytes, bytes]]) -> str:
    path = line.get("path")
    if path is None:
        spoken_by_anthropic = any(name == b"anthropic-version" for name, _ in headers)
        return "/v1/messages" if spoken_by_anthropic else "/v1/chat/completions"
    if not isinstance(path, str):
        raise BadLine("the field 'path' is no text")
    return path


def _record(decision: Decision) -> Answer:
    from dd0c_route.decide.record import record

    plan = [str(target) for target in decision.plan]
    fields: Answer = {"verdict": decision.verdict, "target": plan[0], "plan": plan, "route": None, "candidates": []}
    return {**fields, "shadow": None, **record(decision)}
