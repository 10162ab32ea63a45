"""The router's errors as each SDK expects them."""

from __future__ import annotations

import json

import pytest

from dd0c_route.errors import BadKey, BadRequest, BodyTooLarge, NotFound, Overloaded, RouteError, UpstreamTimeout
from dd0c_route.wire.errors import render, render_event
from dd0c_route.wire.sse import SseParser


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("x"), "invalid_request_error"),
        (BadKey("x"), "authentication_error"),
        (Overloaded("x"), "server_error"),
    ],
)
def test_openai_errors_have_message_type_param_and_code(error: RouteError, kind: str) -> None:
    shape = {"message": "x", "type": kind, "param": None, "code": error.code}
    assert json.loads(render(error, "openai.chat", "dd_1")) == {"error": shape}
    assert json.loads(render(error, "unknown", "dd_1")) == {"error": shape}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("x"), "invalid_request_error"),
        (BodyTooLarge("x"), "request_too_large"),
        (NotFound("x"), "not_found_error"),
        (UpstreamTimeout("x"), "timeout_error"),
        (Overloaded("x"), "api_error"),
    ],
)
def test_anthropic_errors_carry_the_request_id(error: RouteError, kind: str) -> None:
    assert json.loads(render(error, "anthropic.messages", "dd_1")) == {
        "type": "error",
        "error": {"type": kind, "message": "x"},
        "request_id": "dd_1",
    }


def test_gemini_errors_have_code_and_status() -> None:
    shape = {"code": 503, "message": "x", "status": "UNAVAILABLE"}
    assert json.loads(render(Overloaded("x"), "gemini.generate", "dd_1")) == {"error": shape}
    assert json.loads(render(BadRequest("x"), "gemini.generate", "dd_1"))["error"]["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("api", "name"),
    [("openai.chat", b""), ("openai.responses", b"error"), ("anthropic.messages", b"error"), ("gemini.generate", b"")],
)
def test_an_error_in_a_stream_is_one_whole_event(api: str, name: bytes) -> None:
    event_bytes = render_event(UpstreamTimeout("line\nbreak"), api, "dd_1")
    (event,) = SseParser().feed(event_bytes)
    assert event.event == name
    assert event.end == len(event_bytes)
    body = json.loads(event.data)
    assert body.get("message", body.get("error", {}).get("message")) == "line\nbreak"
