"""Compile the installed `genai-prices` into `src/dd0c_route/pricing/catalog.json`.

Run after raising its version, and read the diff: one model a line, so that a changed price is a changed line.

    python scripts/compile_prices.py            # writes the artefact
    python scripts/compile_prices.py --check    # exit 1 when it is not what the installed version gives

Kept are the length of the context and what the usage report of a call names: tokens of every medium, searches, hours
of sound, and what is due once a request. Rates for characters, pages and voice messages are left out, and so are
variants that hang on anything but the service tier or batch processing, and searches of Gemini: the first thousands
are free, and a report does not say whether this was one of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, date
from importlib.metadata import version
from itertools import chain, product
from pathlib import Path
from typing import Any

from genai_prices import types as genai
from genai_prices.data import providers

ARTEFACT = Path(__file__).parents[1] / "src" / "dd0c_route" / "pricing" / "catalog.json"

KEYS = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "requests_kcount": "request",
    "input_audio_mtok": "input_audio",
    "input_image_mtok": "input_image",
    "input_video_mtok": "input_video",
    "cache_audio_read_mtok": "cache_read_audio",
    "cache_image_read_mtok": "cache_read_image",
    "cache_video_read_mtok": "cache_read_video",
    "output_audio_mtok": "output_audio",
    "output_image_mtok": "output_image",
    "output_video_mtok": "output_video",
    "output_citation_mtok": "citation_tokens",
    "audio_hours": "audio_hour",
    "web_searches_kcount": "web_search",
    "social_searches_kcount": "x_search",
    "storage_searches_kcount": "file_search",
    "code_executions_kcount": "code_execution",
    "rerank_searches_kcount": "search_units",
}
# The context in which a variant holds -> the name of the tier.
TIERS = {("processing", "batch"): "batch", ("speed", "fast"): "fast"} | {
    ("service_tier", tier): tier for tier in ("default", "flex", "priority", "fast")
}
PREFIX = {"equals": "=", "starts_with": "^", "ends_with": "$", "contains": "*"}
FREE_AT_FIRST = {("google", "gemini", "web_searches_kcount")}  # provider, beginning of the model's id, rate


def alternatives(clause: Any) -> list[list[str]]:
    """A clause as "any of these, of which all hold" (disjunctive normal form); a text is an operator and an operand."""
    if isinstance(clause, genai.ClauseOr):
        return [terms for part in clause.or_ for terms in alternatives(part)]
    if isinstance(clause, genai.ClauseAnd):
        return [list(chain(*terms)) for terms in product(*map(alternatives, clause.and_))]
    if isinstance(clause, genai.ClauseRegex):
        return [["~" + clause.regex]]
    ((name, text),) = vars(clause).items()
    return [[PREFIX[name] + text.lower()]]


def match(clause: Any) -> list[Any]:
    return [terms[0] if len(terms) == 1 else terms for terms in alternatives(clause)]


def rates(price: genai.ModelPrice, left_out: set[str]) -> dict[str, Any]:
    """Field of `Rates` -> dollars per million tokens, per thousand calls, per hour, or `[base, [[above, rate], …]]`."""
    kept: dict[str, Any] = {}
    for key, name in KEYS.items():
        value = None if key in left_out else getattr(price, key)
        if isinstance(value, genai.TieredPrices):
            kept[name] = [f"{value.base:f}", [[tier.start, f"{tier.price:f}"] for tier in value.tiers]]
        elif value is not None:
            kept[name] = f"{value:f}"
    return kept


def period(constraint: Any, price: genai.ModelPrice, left_out: set[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if isinstance(constraint, genai.StartDateConstraint):
        result["start"] = constraint.start_date.isoformat()
    elif isinstance(constraint, genai.TimeOfDateConstraint):
        if constraint.start_time.tzinfo is not UTC or constraint.end_time.tzinfo is not UTC:
            raise ValueError(f"hours in another zone than UTC: {constraint}")
        result["hours"] = [f"{constraint.start_time:%H:%M:%S}", f"{constraint.end_time:%H:%M:%S}"]
    return result | {"rates": rates(price, left_out)}


def model(provider: str, info: genai.ModelInfo) -> dict[str, Any]:
    left_out = {key for seller, maker, key in FREE_AT_FIRST if seller == provider and info.id.startswith(maker)}
    prices = info.prices if isinstance(info.prices, list) else [genai.ConditionalPrice(prices=info.prices)]
    periods = [period(condition.constraint, condition.prices, left_out) for condition in prices]
    variants = []
    for variant in info.price_variants or ():
        (context,) = variant.when.items()
        if (tier := TIERS.get(context)) and (entry := period(variant.constraint, variant.prices, left_out))["rates"]:
            variants.append({"tier": tier} | entry)
    result: dict[str, Any] = {"id": info.id, "match": match(info.match), "periods": periods}
    if variants:
        result["variants"] = variants
    if info.context_window:
        result["context"] = info.context_window
    return result


def document(read: str) -> str:
    """The whole artefact: JSON, one model a line. Models that no token prices stay, so that a name still ends here."""
    parts = []
    for provider in sorted(providers, key=lambda p: p.id):
        lines = ",\n".join(json.dumps(model(provider.id, info), separators=(",", ":")) for info in provider.models)
        fallback = json.dumps(provider.fallback_model_providers or [])
        parts.append(f'{json.dumps(provider.id)}:{{"fallback":{fallback},"models":[\n{lines}\n]}}')
    sellers = {provider.id: match(provider.provider_match) for provider in providers if provider.provider_match}
    head = {"source": f"genai-prices {version('genai-prices')}", "read": read, "sellers": sellers}
    body = ",\n".join(parts)
    return f'{json.dumps(head)[:-1]}, "providers":{{\n{body}\n}}}}\n'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        old = ARTEFACT.read_text()
        return int(document(json.loads(old)["read"]) != old)
    ARTEFACT.write_text(document(date.today().isoformat()))
    print(f"{ARTEFACT.name}: {ARTEFACT.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
