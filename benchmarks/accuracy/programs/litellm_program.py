"""What users of litellm get: JSON lines in, numbers out, null where it raises. For the interpreter of `.venv-litellm`.

in   {"prompt": {"model", "messages", "tools", "tool_choice"}}, {"text", "model"}, {"claude_2": text} or
     {"usage": {…}, "models", "provider"}
out  tokens; dollars for usage
"""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HF_HUB_OFFLINE": "1", "LITELLM_LOG": "ERROR"}

import litellm
from litellm.types.utils import PromptTokensDetailsWrapper, Usage
from tokenizers import Tokenizer

CLAUDE_2 = Path(litellm.__file__).parent / "litellm_core_utils" / "tokenizers" / "anthropic_tokenizer.json"
claude_2 = Tokenizer.from_file(str(CLAUDE_2))


def answer(question: dict[str, Any]) -> float:
    if "prompt" in question:
        # Images by address would be fetched: litellm's default for an image stands for them.
        return float(litellm.token_counter(**question["prompt"], use_default_image_token_count=True))
    if "claude_2" in question:
        return len(claude_2.encode(question["claude_2"], add_special_tokens=False).ids)
    if "usage" in question:
        return cost(question)
    return float(litellm.token_counter(model=question["model"], text=question["text"]))


def cost(question: dict[str, Any]) -> float:
    """By the first of the model's names that litellm's map knows; some unknown ones cost nothing there."""
    for model in question["models"]:
        with suppress(Exception):  # it has no class of its own for an unknown model
            if dollars := float(sum(litellm.cost_per_token(model, **priced(question)))):
                return dollars
    raise LookupError(question["models"])


def priced(question: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `cost_per_token`, in the shape that litellm brings every provider's usage into."""
    norm = question["usage"]
    read, write = norm.get("cache_read") or 0, (norm.get("cache_write_5m") or 0) + (norm.get("cache_write_1h") or 0)
    usage = Usage(
        prompt_tokens=norm["input_total"],
        completion_tokens=norm["output_total"] or 0,
        total_tokens=norm["input_total"] + (norm["output_total"] or 0),
        reasoning_tokens=norm.get("reasoning") or 0,
        prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=read, cache_creation_tokens=write),
        cache_read_input_tokens=read,
        cache_creation_input_tokens=write,
    )
    return {"custom_llm_provider": question["provider"], "usage_object": usage}


def main() -> None:
    logging.disable(logging.CRITICAL)
    litellm.suppress_debug_info = True
    out, sys.stdout = sys.stdout, sys.stderr  # it prints, too
    for line in sys.stdin:
        try:
            value: float | None = answer(json.loads(line))
        except Exception:  # anything that a user would see raised is no count
            value = None
        out.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    main()
