"""Providers that host a dialect at addresses of their own: the same bodies, or nearly, elsewhere.

Sources: Azure's deployments (https://learn.microsoft.com/azure/ai-foundry/openai/reference), Claude on Vertex AI
(https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude), both read 2026-11-24.
"""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Raw

from dd0c_route.config import Provider

VERTEX_VERSION = "vertex-2023-10-16"  # the only one there is
_WITHOUT_DEPLOYMENT = ("/responses", "/models")
_COUNT = "/messages/count_tokens"


def hosted_path(provider: Provider, path: str, model: str, *, stream: bool) -> str:
    """The dialect's own *path* (`/chat/completions`) as *provider* has it."""
    name = quote(model, safe="@._-~")
    if provider.address == "azure-deployments":
        return f"/openai{path}" if path.startswith(_WITHOUT_DEPLOYMENT) else f"/openai/deployments/{name}{path}"
    if path == _COUNT:
        return "/publishers/anthropic/models/count-tokens:rawPredict"
    if path == "/messages":
        return f"/publishers/anthropic/models/{name}:{'streamRawPredict' if stream else 'rawPredict'}"
    return path


def hosted_fields(path: str, fields: dict[str, Raw]) -> dict[str, Raw]:
    """The fields of a body for Vertex AI: the model stands in the path, and the version here."""
    kept = fields if path == _COUNT else {name: raw for name, raw in fields.items() if name != "model"}
    return {"anthropic_version": Raw(f'"{VERTEX_VERSION}"'.encode()), **kept}


def with_query(provider: Provider, query: str) -> str:
    """*query* with what each call to *provider* carries; what the caller names itself stays the caller's."""
    if not provider.query:  # nearly all
        return query
    named = {pair.partition("=")[0] for pair in query.split("&")}
    ours = [pair for pair in provider.query.split("&") if pair and pair.partition("=")[0] not in named]
    return "&".join([*([query] if query else ()), *ours])
