"""The clients that are libraries: what each is asked, by which program of `programs/`, in which environment."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from tests.environments import EARLIER, FRAMEWORKS, NODE_SDKS, SDKS, Environment, Packages


class Habit(NamedTuple):
    """One way of asking: an action of a program, and `ACTION_stream`, which is the same as a stream.

    Attributes:
        client: The package, as it is called where it is installed from.
        api: What the router calls it.
        limited: The class of the client's own error for 429.
        reads_on: A stream that the client left, the router reads to its end, since the provider bills the whole.
        ends_to_leave: The client has no way to leave a stream but the end of its process.
    """

    client: str
    program: str
    action: str
    api: str
    limited: str = "RateLimitError"
    where: Environment | Packages = SDKS
    reads_on: bool = False
    ends_to_leave: bool = False

    def version(self) -> str:
        """What the lock of its environment pins."""
        if isinstance(self.where, Environment):
            (found,) = re.findall(
                rf"^{re.escape(self.client)}==(\S+)", self.where.lock.read_text("utf-8"), re.MULTILINE
            )
            return str(found)
        wanted = json.loads((self.where.source / "package.json").read_text("utf-8"))["dependencies"]
        return str(wanted[self.client])


CHAT, RESPONSES, MESSAGES, GEMINI = "openai.chat", "openai.responses", "anthropic.messages", "gemini.generate"
CONVERSE = "bedrock.converse"
AI = "AI_APICallError"
HABITS = {
    "openai (Python), chat": Habit("openai", "openai_habits.py", "chat", CHAT),
    "openai (Python), Responses": Habit("openai", "openai_habits.py", "responses", RESPONSES),
    "anthropic (Python)": Habit("anthropic", "anthropic_habits.py", "messages", MESSAGES),
    "google-genai": Habit("google-genai", "gemini_program.py", "gemini", GEMINI, "ClientError", reads_on=True),
    "boto3": Habit("boto3", "boto3_program.py", "converse", CONVERSE, "ThrottlingException"),
    "openai (Node), chat": Habit("openai", "openai_node.mjs", "chat", CHAT, where=NODE_SDKS),
    "openai (Node), Responses": Habit("openai", "openai_node.mjs", "responses", RESPONSES, where=NODE_SDKS),
    "@anthropic-ai/sdk": Habit("@anthropic-ai/sdk", "anthropic_node.mjs", "messages", MESSAGES, where=NODE_SDKS),
    "@ai-sdk/openai, Responses": Habit("@ai-sdk/openai", "ai_sdk.mjs", "openai", RESPONSES, AI, NODE_SDKS),
    "@ai-sdk/openai, chat": Habit("@ai-sdk/openai", "ai_sdk.mjs", "openai_chat", CHAT, AI, NODE_SDKS),
    "@ai-sdk/anthropic": Habit("@ai-sdk/anthropic", "ai_sdk.mjs", "anthropic", MESSAGES, AI, NODE_SDKS),
    "langchain-openai": Habit("langchain-openai", "langchain_program.py", "openai", CHAT, where=FRAMEWORKS),
    "langchain-anthropic": Habit(
        "langchain-anthropic", "langchain_program.py", "anthropic", MESSAGES, where=FRAMEWORKS
    ),
    "pydantic-ai, Responses": Habit(
        "pydantic-ai-slim", "pydantic_ai_program.py", "responses", RESPONSES, "ModelHTTPError", FRAMEWORKS
    ),
    "pydantic-ai, chat": Habit(
        "pydantic-ai-slim", "pydantic_ai_program.py", "chat", CHAT, "ModelHTTPError", FRAMEWORKS
    ),
    "pydantic-ai, Messages": Habit(
        "pydantic-ai-slim", "pydantic_ai_program.py", "messages", MESSAGES, "ModelHTTPError", FRAMEWORKS
    ),
    "instructor": Habit("instructor", "instructor_program.py", "chat", CHAT, where=EARLIER),
    "openai-agents, Responses": Habit("openai-agents", "agents_program.py", "responses", RESPONSES, where=FRAMEWORKS),
    "openai-agents, chat": Habit("openai-agents", "agents_program.py", "chat", CHAT, where=FRAMEWORKS),
    "llm": Habit("llm", "llm_program.py", "chat", CHAT, where=FRAMEWORKS, ends_to_leave=True),
    "litellm, chat": Habit("litellm", "litellm_program.py", "openai", CHAT, where=EARLIER, ends_to_leave=True),
    "litellm, Messages": Habit(
        "litellm", "litellm_program.py", "anthropic", MESSAGES, where=EARLIER, ends_to_leave=True
    ),
}
MADE_WHERE_MISSING = (SDKS, NODE_SDKS)  # by whatever test needs them; the others by `make clients`
