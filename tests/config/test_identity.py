from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from dd0c_route.config import Match, Route
from dd0c_route.config.identity import route_id

ROUTE = Route(candidates=("acme/large", "acme/small"), match=Match(model="acme-large", tags={"a": "1", "b": "2"}))


@pytest.mark.parametrize("changes", [{"floor": 0.5}, {"mode": "on"}, {"control_share": 0.05}, {"policy": "cascade"}])
def test_what_a_route_does_with_its_calls_is_not_what_it_is(changes: dict[str, Any]) -> None:
    assert route_id(structs.replace(ROUTE, **changes)) == route_id(ROUTE)


@pytest.mark.parametrize("changes", [{"candidates": ("acme/large",)}, {"match": Match(model="acme-*")}])
def test_other_calls_or_candidates_make_another_route(changes: dict[str, Any]) -> None:
    assert route_id(structs.replace(ROUTE, **changes)) != route_id(ROUTE)


def test_the_order_of_tags_does_not_matter() -> None:
    turned = structs.replace(ROUTE, match=Match(model="acme-large", tags={"b": "2", "a": "1"}))
    assert route_id(turned) == route_id(ROUTE)
