"""What applications do with `boto3`'s Converse."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
from botocore.config import Config
from serving import serve

MODEL = "claude-haiku-4-5"  # the simulated provider does not speak Converse: another one answers
ASKED = [{"role": "user", "content": [{"text": "Say something."}]}]
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}}
TOOLS = {"tools": [{"toolSpec": {"name": "look_up", "inputSchema": {"json": SCHEMA}}}]}
SENT: dict[str, str] = {}  # headers of the call that is being made

Json = dict[str, Any]

CLIENT = boto3.client(
    "bedrock-runtime",
    region_name="us-east-1",
    endpoint_url=os.environ["ROUTER"],
    aws_access_key_id=os.environ["ROUTER_KEY"],
    aws_secret_access_key="any",
    config=Config(retries={"total_max_attempts": 1}),
)


def _add_headers(request: Any, **_: Any) -> None:
    for name, value in SENT.items():
        request.headers[name] = value


CLIENT.meta.events.register("before-sign.bedrock-runtime.*", _add_headers)


def converse(headers: Json, tools: bool = False) -> Json:
    """A whole answer."""
    SENT.clear()
    SENT.update(headers)
    answer = CLIENT.converse(modelId=MODEL, messages=ASKED, **({"toolConfig": TOOLS} if tools else {}))
    blocks, used = answer["output"]["message"]["content"], answer["usage"]
    calls = [
        {"name": block["toolUse"]["name"], "arguments": json.dumps(block["toolUse"]["input"])}
        for block in blocks
        if "toolUse" in block
    ]
    text = "".join(block.get("text", "") for block in blocks)
    return {"text": text, "calls": calls, "input": used["inputTokens"], "output": used["outputTokens"]}


def converse_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream, read to its end or left."""
    SENT.clear()
    SENT.update(headers)
    said: Json = {"text": "", "pieces": 0, "output": None}
    stream = CLIENT.converse_stream(modelId=MODEL, messages=ASKED)["stream"]
    for event in stream:
        if text := event.get("contentBlockDelta", {}).get("delta", {}).get("text"):
            said["text"] += text
            said["pieces"] += 1
        if "metadata" in event:
            said["output"] = event["metadata"]["usage"]["outputTokens"]
        if said["pieces"] == leave_after:
            stream.close()
            break
    return said


serve([converse, converse_stream])
