"""The router's errors as each SDK expects them."""

from __future__ import annotations

import json

import pytest

from dd0c_route.errors import (
    BadKey,
    BadRequest,
    BodyTooLarge,
    BudgetSpent,
    NotFound,
    NoWebSocket,
    Overloaded,
    RouteError,
    UpstreamTimeout,
)
from dd0c_route.wire.errors import headers_of, render, render_event
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


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("x"), "ValidationException"),
        (BadKey("x"), "AccessDeniedException"),
        (BudgetSpent("x"), "ThrottlingException"),
        (UpstreamTimeout("x"), "ModelTimeoutException"),
        (RouteError("x"), "InternalServerException"),
    ],
)
def test_converses_errors_have_a_message_and_their_kind_in_a_header(error: RouteError, kind: str) -> None:
    assert json.loads(render(error, "bedrock.converse", "dd_1")) == {"message": "x", "__type": kind}
    headers = dict(headers_of(error, "bedrock.converse", "dd_1"))
    assert (headers[b"x-amzn-errortype"], headers[b"x-amzn-requestid"]) == (kind.encode(), b"dd_1")


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("openai.chat", ("insufficient_quota", "insufficient_quota")),
        ("openai.responses", ("insufficient_quota", "insufficient_quota")),
        ("anthropic.messages", ("rate_limit_error", None)),
        ("gemini.generate", (None, 429)),
    ],
)
def test_a_spent_budget_is_a_429_that_nobody_tries_again(api: str, kind: tuple[str | None, object]) -> None:
    error = json.loads(render(BudgetSpent("x"), api, "dd_1"))["error"]
    assert (error.get("type"), error.get("code")) == kind
    assert BudgetSpent.status == 429
    assert dict(headers_of(BudgetSpent("x"), api, "dd_1"))[b"x-should-retry"] == b"false"


@pytest.mark.parametrize(
    ("api", "header"),
    [
        ("openai.chat", b"x-request-id"),
        ("anthropic.messages", b"request-id"),
        ("anthropic.models", b"request-id"),
        ("gemini.generate", b"x-request-id"),
        ("unknown", b"x-request-id"),
        ("", b"x-request-id"),
    ],
)
def test_the_request_id_stands_where_the_sdk_looks(api: str, header: bytes) -> None:
    assert dict(headers_of(BadRequest("x"), api, "dd_1"))[header] == b"dd_1"


def test_what_passes_may_be_tried_again_and_when_is_said() -> None:
    headers = dict(headers_of(Overloaded("x"), "openai.chat", "dd_1"))
    assert (headers[b"x-should-retry"], headers[b"retry-after"]) == (b"true", b"1")
    assert b"retry-after" not in dict(headers_of(UpstreamTimeout("x"), "openai.chat", "dd_1"))


def test_who_wishes_for_a_websocket_is_told_what_is_spoken() -> None:
    assert dict(headers_of(NoWebSocket("x"), "openai.responses", "dd_1"))[b"upgrade"] == b"HTTP/1.1"


@pytest.mark.parametrize(("api", "body"), [("cohere.chat", {"id": "dd_1", "message": "x"}), ("ollama", {"error": "x"})])
def test_dialects_that_are_only_passed_through_have_their_shapes_too(api: str, body: dict[str, str]) -> None:
    assert json.loads(render(BadRequest("x"), api, "dd_1")) == body
