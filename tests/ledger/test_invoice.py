"""The ledger against the invoice: recordings whose provider said what it charged, through the router, added up."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from benchmarks.accuracy.money import is_first_party, is_near
from tests.stand import DEADLINE_S, Stand
from tests.wire.corpus import APIS, records

PROVIDERS = """
[providers.openrouter]
base_url = "http://127.0.0.1:{port}"
api_key = {{ env = "SIM_KEY" }}

[providers.xai]
base_url = "http://127.0.0.1:{port}"
api_key = {{ env = "SIM_KEY" }}
"""


class Charged(NamedTuple):
    """What the ledger holds of a call, and what the provider charged for it, in dollars."""

    record: dict[str, Any]
    entry: dict[str, Any]
    charge: Decimal

    @property
    def computed(self) -> Decimal:
        return Decimal(self.entry["cost_usd"] or 0)

    @property
    def best(self) -> Decimal:
        """What the ledger knows best: the provider's own word, or else what the tokens cost."""
        return Decimal(self.entry["cost_provider_usd"] or self.entry["cost_usd"] or 0)


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Charged]]:
    """Every such recording, relayed once."""
    found = [record for api in APIS for record in records(api) if record.get("provider_cost")]
    folder = Path(os.environ["DD0C_CORPUS"]) / "recordings"
    with Stand(tmp_path_factory.mktemp("invoice"), providers=PROVIDERS, recordings=folder) as stand:
        by_call = {relayed(record, stand.port): record for record in found}
        entries = stand.confirmed(len(found))
        yield [
            Charged(by_call[entry["id"]], entry, Decimal(str(by_call[entry["id"]]["provider_cost"]["usd"])))
            for entry in entries
        ]


def relayed(record: dict[str, Any], port: int) -> str:
    """Ask for what was recorded; the call's id."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    path = f"/passthrough/{record['provider']}{urlsplit(record['url']).path}"
    headers = {"content-type": "application/json", "x-sim": f"id={record['id']}"}
    connection.request("POST", path, json.dumps(record["request"]).encode(), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200
    return str(answer.getheader("x-dd0c-request-id"))


def test_the_ledger_holds_what_the_provider_charged_to_the_last_digit(charged: list[Charged]) -> None:
    different = [
        (one.record["id"], one.entry["cost_provider_usd"], one.charge)
        for one in charged
        if abs(Decimal(one.entry["cost_provider_usd"] or 0) - one.charge) > Decimal("1e-12")  # a picodollar
    ]
    assert len(charged) > 200
    assert different == []


def test_the_sum_of_the_ledger_is_the_sum_of_the_invoice(charged: list[Charged]) -> None:
    for provider in ("openrouter", "xai"):
        some = [one for one in charged if one.record["provider"] == provider]
        assert is_near(total(one.best for one in some), total(one.charge for one in some))
    xai = [one for one in charged if one.record["provider"] == "xai"]  # it is the only host of its models
    assert is_near(total(one.computed for one in xai), total(one.charge for one in xai))


def total(dollars: Iterable[Decimal]) -> Decimal:
    return sum(dollars, Decimal())


def test_what_tokens_cost_is_what_was_charged_within_1_percent(charged: list[Charged]) -> None:
    """First-party models; what a provider adds for searches and files is no matter of tokens."""
    tokens_only = [
        one
        for one in charged
        if is_first_party(one.record["provider"], one.entry["served_model"])
        and not {"server_tools", "file"} & set(one.record["features"])
    ]
    far = [
        (one.record["id"], one.entry["served_model"], str(one.computed), str(one.charge))
        for one in tokens_only
        if not is_near(one.computed, one.charge)
    ]
    assert len(tokens_only) > 150
    assert len(far) <= len(tokens_only) * 4 // 100, far
