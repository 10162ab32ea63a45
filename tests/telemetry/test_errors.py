"""Every error in every dialect, with a planted key in its message: neither its body nor its headers show one."""

from __future__ import annotations

import pytest

from dd0c_route.errors import BadLabels, ConfigError, RouteError
from dd0c_route.proxy import refusal
from dd0c_route.proxy.refusal import refuse
from tests.proxy.doubles import Transport, client_on
from tests.telemetry.planted import SCAN, TEXT

APIS = (
    "openai.chat", "openai.responses", "openai.completions", "openai.embeddings", "anthropic.messages",
    "gemini.generate", "bedrock.converse", "cohere.chat", "ollama", "unknown", "",
)  # fmt: skip


def errors(kind: type[RouteError] = RouteError) -> list[type[RouteError]]:
    """The base and everything that derives from it."""
    return [kind, *(one for below in kind.__subclasses__() for one in errors(below))]


def answer(kind: type[RouteError], api: str) -> bytes:
    transport = Transport()
    error = kind([TEXT]) if kind in (ConfigError, BadLabels) else kind(TEXT)  # some take a list of faults
    refuse(error, client_on(transport), api, "dd_01")
    return transport.data


@pytest.mark.parametrize("kind", errors())
def test_no_error_shows_a_key_that_stands_in_its_message(kind: type[RouteError]) -> None:
    for api in APIS:
        text = answer(kind, api)
        assert text.startswith(b"HTTP/1.1 ")
        assert not SCAN.find(text), api


def test_without_the_redactor_the_same_bodies_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusal, "redact_bytes", lambda data: data)
    assert all(SCAN.find(answer(kind, api)) for kind in errors() for api in APIS)
    print(f"\nerror bodies: {len(errors())} errors x {len(APIS)} dialects = {len(errors()) * len(APIS)}")
