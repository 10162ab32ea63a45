"""Requests whose tokens are known: which texts the model reads, and what an API puts around them.

Only what is known is read here: a request with anything else in it (images, schemas, state on the provider's side) has
no frame, and is estimated. The tests say how often a frame holds to the token on recorded requests.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import structs

from dd0c_route.tokens.frames import claude, gemini, hosts, openai
from dd0c_route.tokens.frames.reading import Fields, Frame, Unknown, decode, given, string

__all__ = ["Frame", "answer_end", "frame_of"]

_HOSTED = re.compile(r"(?:^|(?<=/))openai[.-](?=gpt-\d)")  # hosts put its maker before a model's name
_HOSTED_TOOLS = (8, 16)  # by how much such hosts were seen to differ
# Other embeddings mark the beginning and the end of each text (Mistral's do), and cut some words finer than chats.
_MARKS, _CHARS_A_PIECE = 2, 10
_COMPLETES = re.compile(r"(?:^|[/:])(?:gpt-|davinci|babbage|curie|ada|text-|code-)")  # OpenAI's models


def frame_of(api: str, fields: Fields, model: str, provider: str = "") -> Frame | None:
    """The frame of a request to *model* (lower case) at *provider* (empty: its maker); None where it is not known."""
    model, hosted = _HOSTED.subn("", model)
    try:
        if "claude" in model:
            return claude.frame(api, fields, model)
        match api:
            case "openai.completions" if not _COMPLETES.search(model):
                return None  # many hosts put a chat's template around the prompt
            case "openai.completions" | "openai.embeddings" | "embeddings":
                return _texts(fields, model)
            case "openai.chat" if openai.MODELS.search(model):
                return openai.chat(fields, model, provider)
            case "openai.responses" | "openai.input_tokens" if openai.MODELS.search(model):
                frame = openai.responses(fields, model)
                return _wider(frame, _HOSTED_TOOLS) if hosted and given(fields, "tools") else frame
            case "gemini.generate":
                return gemini.generate(fields, model, provider)
            case "gemini.count_tokens":
                return gemini.count_tokens(fields, model, provider)
            case "openai.chat" | "ollama" | "bedrock.converse":
                return hosts.chat(api, fields, model, provider)
    except (Unknown, msgspec.DecodeError, RecursionError):
        pass
    except TypeError:  # a list or an object where a name is expected, looked up in a table
        pass
    return None


def answer_end(model: str, api: str = "", provider: str = "") -> Frame:
    """What a whole answer of *model* (lower case) costs beside its text."""
    model = _HOSTED.sub("", model)
    if openai.MODELS.search(model):
        return Frame((), *openai.answer_end(model, api, provider))
    if "claude" in model:
        return Frame((), *claude.answer_end(model, provider))
    for models, end in (*gemini.ANSWER_ENDS, *hosts.ANSWER_ENDS):
        if models.search(model):
            return Frame((), *end)
    return Frame(())


def _wider(frame: Frame, band: tuple[int, int]) -> Frame:
    return structs.replace(frame, below=frame.below + band[0], above=frame.above + band[1])


def _texts(fields: Fields, model: str) -> Frame:
    value = decode(fields, "prompt" if "prompt" in fields else "input")
    texts = [string(item) for item in value] if isinstance(value, list) else [string(value)]
    if _COMPLETES.search(model):
        return Frame(tuple(texts))
    most = _MARKS * len(texts)
    marks = most if "stral" in model else 0
    return Frame(tuple(texts), marks, most, most + sum(map(len, texts)) // _CHARS_A_PIECE)
