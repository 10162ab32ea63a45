"""Which provider keys the environment holds, by the names that the providers' own tools use."""

from __future__ import annotations

from collections.abc import Mapping

# Provider -> its usual variables, the first one set counts. Source: each provider's quick-start page, 2026-11.
KEY_VARIABLES = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "openrouter": ("OPENROUTER_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "groq": ("GROQ_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "together": ("TOGETHER_API_KEY",),
    "fireworks": ("FIREWORKS_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cohere": ("CO_API_KEY", "COHERE_API_KEY"),
}


def keys_found(environ: Mapping[str, str]) -> dict[str, str]:
    """Provider -> the variable that holds its key."""
    found = {}
    for provider, variables in KEY_VARIABLES.items():
        for variable in variables:
            if environ.get(variable, "").strip():
                found[provider] = variable
                break
    return found
