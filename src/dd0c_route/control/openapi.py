"""`/api/v1/openapi.json`: what the API takes and answers. Its facts are in `openapi.toml`, beside the routes."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dd0c_route import __version__
from dd0c_route.brain.evidence import Promise
from dd0c_route.config import Match
from dd0c_route.console.addresses import Address
from dd0c_route.console.answers import json_answer
from dd0c_route.control.counting import Watched
from dd0c_route.ledger.bodies import Bodies
from dd0c_route.ledger.feedback import Said
from dd0c_route.ledger.store import SessionTotals
from dd0c_route.types import Entry, Label

_TYPES = (Entry, Bodies, SessionTotals, Label, Said, Watched, Match, Promise)
_REFERENCE = "#/components/schemas/"
_ALWAYS = (401, 403, 413, 414, 431)  # the doors' own
_MEANINGS = {
    400: "what was sent is not what the address takes",
    401: "neither an access key nor a session",
    403: "sent from a page of somebody else, or without the token of the session",
    404: "there is none",
    413: "the body is too long",
    414: "the address is too long",
    431: "a header is too long, or there are too many",
    502: "some workers did not follow",
    503: "the ledger or its journals cannot be reached",
}


def openapi_routes() -> list[Address]:
    """The address of the document."""

    async def document(request: Request) -> Response:
        return json_answer(load_document())

    return [Address("/api/v1/openapi.json", document, method="GET", who="reader")]


@cache
def load_document() -> dict[str, Any]:
    """The document, as OpenAPI 3.1 has it."""
    said = tomllib.loads((Path(__file__).parent / "openapi.toml").read_text(encoding="utf-8"))
    _, made = msgspec.json.schema_components(_TYPES, ref_template=_REFERENCE + "{name}")
    schemas = {name: _closed(schema) for name, schema in (made | said["schemas"]).items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "dd0c/route", "version": __version__},
        "security": [{"bearer": []}, {"key": []}, {"session": []}],
        "paths": {
            path: {method: _operation(path, facts) for method, facts in methods.items()}
            for path, methods in said["addresses"].items()
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-dd0c-key"},
                "session": {"type": "apiKey", "in": "cookie", "name": "dd0c_session"},
            },
        },
    }


def _operation(path: str, facts: dict[str, Any]) -> dict[str, Any]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in names
    ]
    operation: dict[str, Any] = {
        "summary": facts["summary"],
        "parameters": [*in_path, *facts.get("parameters", ())],
        "responses": _responses(facts["answer"], (*facts.get("errors", ()), *_ALWAYS, 503)),
    }
    if "body" in facts:
        operation["requestBody"] = {"required": True, "content": _content(facts["body"])}
    return operation


def _responses(answer: str, errors: Sequence[int]) -> dict[str, Any]:
    good = {"200": {"description": "as asked", "content": _content(answer)}}
    return good | {
        str(status): {"description": _MEANINGS[status], "content": _content("Error")} for status in sorted(errors)
    }


def _content(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE + schema}}}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """*schema* without room for fields that it does not name."""
    return {"additionalProperties": False, **schema} if "properties" in schema else schema
