"""What goes to the provider: the address below its base URL, and the body with the target's model in it."""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec
from msgspec import Raw

from dd0c_route.config import Provider
from dd0c_route.proxy.headers import upstream_query
from dd0c_route.proxy.hosted import hosted_fields, hosted_path, with_query
from dd0c_route.types import Call, Target
from dd0c_route.wire.body import join, with_usage_asked

_VERSION = {"openai": "/v1", "anthropic": "/v1", "gemini": "/v1beta"}
_ASKED_FOR_USAGE = ("openai.chat", "openai.completions")  # the APIs that take `stream_options`
_VERSIONED = re.compile(r"/v\d+(?:alpha|beta)?\d*(?:/|$)")
_MODEL_IN_PATH = {  # what stands before it, it, and what stands behind it
    "gemini": re.compile(r"(/models/)(.+)(:[A-Za-z]+)"),
    "bedrock": re.compile(r"(/model/)([^/]+)(/[a-z-]+)"),
}


def upstream_target(call: Call, provider: Provider, base_path: str, target: Target) -> str:
    """The request target below the base URL of *provider*, whose path is *base_path*.

    People write base URLs with and without the version (`…/v1`); where it is missing it is added, and where a
    pass-through path repeats the base URL's own path it is not doubled.
    """
    path = call.path
    if call.dialect == "passthrough":
        if base_path and (path == base_path or path.startswith(base_path + "/")):
            path = path[len(base_path) :] or "/"
    elif provider.address != "usual":
        path = hosted_path(provider, path, target.model, stream=call.stream)
    else:
        if target.model != call.model and (found := _in_path(call)) is not None:
            path = found[1] + quote(target.model, safe="" if call.dialect == "bedrock" else "@") + found[3]
        wants_version = not base_path if call.dialect == "openai" else not _VERSIONED.search(base_path)
        if wants_version:
            path = _VERSION.get(call.dialect, "") + path
    query = with_query(provider, upstream_query(call, provider))
    return f"{path}?{query}" if query else path


def _in_path(call: Call) -> re.Match[str] | None:
    """The path of *call* around the model in it; None where none is."""
    return _MODEL_IN_PATH[call.dialect].fullmatch(call.path) if call.dialect in _MODEL_IN_PATH else None


def upstream_body(call: Call, provider: Provider, target: Target) -> tuple[bytes, bool]:
    """The body for *target*, and whether a usage report was asked for that the client did not ask for.

    Where nothing changes these are the client's own bytes; where something does, only that.
    """
    if call.dialect == "passthrough" or not call.fields:
        return call.body, False
    fields: dict[str, Raw] | None = None
    if call.dialect not in _MODEL_IN_PATH and target.model != call.model:
        fields = {**call.fields, "model": Raw(msgspec.json.encode(target.model))}
    if "dd0c" in call.fields and call.dialect == "openai":
        fields = {name: raw for name, raw in (fields or call.fields).items() if name != "dd0c"}
    if provider.address == "vertex-claude":
        fields = hosted_fields(call.path, fields or call.fields)
    asked = None
    if call.stream and call.api in _ASKED_FOR_USAGE and provider.usage == "ask":
        asked = with_usage_asked(fields or call.fields)
    if asked is not None:
        return join(asked), True
    return (call.body if fields is None else join(fields)), False
