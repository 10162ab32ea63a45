"""The document of the API is complete: every address, every parameter, every field of every answer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dd0c_route.console import api
from dd0c_route.control.openapi import load_document
from dd0c_route.ledger.bodies import Bodies, Body, bodies_file, opened
from dd0c_route.types import Delivery, Entry
from tests.control.place import ControlProcess
from tests.control.test_door import all_addresses
from tests.ledger.examples import an_entry

CONFIG = """
[providers.local]
dialect = "openai"
base_url = "http://127.0.0.1:9/v1"

[[routes]]
match = { model = "a" }
candidates = ["local/a", "local/b"]
"""


@pytest.fixture(scope="module")
def control() -> Iterator[ControlProcess]:
    with tempfile.TemporaryDirectory(prefix="dd0c-") as path:
        control = ControlProcess(Path(path), config=CONFIG)
        yield control
        control.stop()


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: dict[str, Any] = load_document()["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def undocumented(value: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    """The fields of *value* that *schema* does not know, and those that it requires and *value* lacks."""
    schema = resolved(schema)
    options = [one for one in schema.get("anyOf", [schema]) if resolved(one).get("type") != "null"]
    schema = resolved(options[0])
    if isinstance(value, list):
        return [line for one in value for line in undocumented(one, schema.get("items", {}), f"{path}[]")]
    if not isinstance(value, dict):
        return []
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    lines = [f"{path}.{name} is missing" for name in schema.get("required", ()) if name not in value]
    for name, inner in value.items():
        if name in known:
            lines += undocumented(inner, known[name], f"{path}.{name}")
        elif isinstance(rest, dict):
            lines += undocumented(inner, rest, f"{path}.{name}")
        elif rest is False:
            lines.append(f"{path}.{name} is not in the document")
    return lines


def test_every_address_is_there_and_no_other() -> None:
    served = {
        (route.path.replace(":path", ""), method.lower())
        for route in all_addresses()
        for method in (route.methods or set()) - {"HEAD"}
        if route.path.startswith("/api/")
    }
    said = {(path, method) for path, methods in load_document()["paths"].items() for method in methods}
    assert said == served


def test_every_parameter_and_every_field_of_an_entry_is_there() -> None:
    parameters = load_document()["paths"]["/api/v1/requests"]["get"]["parameters"]
    assert {one["name"] for one in parameters} == {*api._READERS, "tag"}
    end_states = next(one["schema"]["enum"] for one in parameters if one["name"] == "end_state")
    assert set(end_states) == set(api._END_STATES)
    entry = load_document()["components"]["schemas"]["Entry"]
    assert set(entry["properties"]) == set(Entry.__struct_fields__)
    assert entry["additionalProperties"] is False


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from [value["$ref"]] if "$ref" in value else ()
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    schemas = load_document()["components"]["schemas"]
    named = {reference.rpartition("/")[2] for reference in references(load_document())}
    assert named <= set(schemas)


def test_what_is_answered_is_what_is_documented(control: ControlProcess) -> None:
    journal, entry = control.journal(), an_entry()
    journal.settle(entry)
    journal.deliver(Delivery(entry.id))
    journal.close()
    with opened(bodies_file(control.url)) as bodies:
        bodies.put([Bodies(entry.id, None, Body("said", 4), Body(None, 9, left_out="it is no text"))])
    control.eventually(lambda: control.get(f"/api/v1/requests/{entry.id}").status == 200)
    answered = 0
    for path, methods in load_document()["paths"].items():
        if "post" in methods and "reload" in path:
            continue  # there is no worker here
        target = path.replace("{entry_id}", entry.id).replace("{session}", "s-1")
        if "{route_id}" in target:
            target = target.replace("{route_id}", control.get("/api/v1/routes").json()["routes"][0]["id"])
        for method, operation in methods.items():
            body = {"score": "good"} if "requestBody" in operation else None
            answer = control.post(target, body) if method == "post" else control.get(target)
            assert answer.status == 200, (target, answer.body)
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert undocumented(answer.json(), schema) == [], target
            answered += 1
    assert answered >= 12


def test_the_check_sees_what_it_is_for() -> None:
    entry = {"$ref": "#/components/schemas/Entry"}
    assert ".colour is not in the document" in undocumented({"colour": 1}, entry)
    assert ".id is missing" in undocumented({}, entry)
