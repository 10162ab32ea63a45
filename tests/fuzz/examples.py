"""Requests and answers of every dialect, written by hand: small, with one of each kind of part."""

from __future__ import annotations

from typing import Any

from tests.wire.examples import ANTHROPIC, CHAT, CHAT_USAGE, chunk

_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
_PIXEL = "iVBORw0KGgo="

REQUESTS: dict[str, list[dict[str, Any]]] = {
    "openai.chat": [
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "be brief"},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "hi é😀"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PIXEL}", "detail": "low"}},
                        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                        {
                            "type": "file",
                            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
                        },
                    ],
                },
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "done"},
            ],
            "tools": [{"type": "function", "function": {"name": "look", "description": "d", "parameters": _SCHEMA}}],
            "tool_choice": {"type": "function", "function": {"name": "look"}},
            "parallel_tool_calls": False,
        },
        {
            "model": "m",
            "messages": [{"role": "developer", "content": "x"}, {"role": "user", "content": "y", "name": "n"}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": _SCHEMA, "strict": True}},
            "temperature": 0.5,
            "top_p": 1,
            "max_completion_tokens": 9,
            "stop": ["a"],
            "seed": 1,
            "n": 2,
            "user": "u",
            "stream": True,
            "stream_options": {"include_usage": True},
            "reasoning_effort": "low",
            "logprobs": True,
        },
    ],
    "openai.responses": [
        {
            "model": "m",
            "instructions": "be brief",
            "input": [
                {
                    "role": "user",
                    "content": [{"type": "input_text", "text": "hi"}, {"type": "input_image", "image_url": "u"}],
                },
                {
                    "type": "reasoning",
                    "id": "r1",
                    "summary": [{"type": "summary_text", "text": "hm"}],
                    "encrypted_content": "e",
                },
                {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "done"},
                {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "x"},
                {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "ok"}]},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "so"}]},
            ],
            "tools": [
                {"type": "function", "name": "look", "parameters": _SCHEMA, "strict": True},
                {"type": "custom", "name": "patch", "format": {"type": "text"}},
                {"type": "local_shell"},
            ],
            "tool_choice": "auto",
            "text": {"format": {"type": "json_object"}},
            "reasoning": {"effort": "high", "summary": "auto"},
            "max_output_tokens": 9,
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "truncation": "auto",
        },
        {"model": "m", "input": "hi", "stream": True},
    ],
    "anthropic.messages": [
        {
            "model": "m",
            "max_tokens": 2000,
            "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "hi"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PIXEL}},
                        {
                            "type": "document",
                            "source": {"type": "text", "media_type": "text/plain", "data": "d"},
                            "title": "t",
                        },
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "s"},
                        {"type": "redacted_thinking", "data": "x"},
                        {"type": "tool_use", "id": "c1", "name": "look", "input": {"a": 1}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "c1",
                            "is_error": True,
                            "content": [{"type": "text", "text": "no"}],
                        }
                    ],
                },
            ],
            "tools": [
                {"name": "look", "description": "d", "input_schema": _SCHEMA},
                {"type": "bash_20250124", "name": "bash"},
            ],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "stop_sequences": ["a"],
            "top_k": 3,
            "stream": True,
            "metadata": {"user_id": "u"},
        }
    ],
    "gemini.generate": [
        {
            "systemInstruction": {"parts": [{"text": "be brief"}]},
            "contents": [
                {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": _PIXEL}}]},
                {
                    "role": "model",
                    "parts": [{"functionCall": {"name": "look", "args": {"a": 1}}, "thoughtSignature": "cw=="}],
                },
                {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"result": "done"}}}]},
                {"role": "user", "parts": [{"fileData": {"fileUri": "u", "mimeType": "application/pdf"}}]},
            ],
            "tools": [{"functionDeclarations": [{"name": "look", "parameters": _SCHEMA}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
            "generationConfig": {
                "temperature": 1,
                "topP": 0.5,
                "topK": 3,
                "maxOutputTokens": 9,
                "stopSequences": ["a"],
                "seed": 1,
                "responseMimeType": "application/json",
                "responseSchema": _SCHEMA,
                "candidateCount": 1,
                "thinkingConfig": {"thinkingBudget": 100, "includeThoughts": True},
            },
        }
    ],
    "bedrock.converse": [
        {
            "system": [{"text": "be brief"}, {"cachePoint": {"type": "default"}}],
            "messages": [
                {
                    "role": "user",
                    "content": [{"text": "hi"}, {"image": {"format": "png", "source": {"bytes": _PIXEL}}}],
                },
                {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "look", "input": {"a": 1}}}]},
                {
                    "role": "user",
                    "content": [
                        {"toolResult": {"toolUseId": "c1", "status": "error", "content": [{"json": {"b": 2}}]}}
                    ],
                },
            ],
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": _SCHEMA}}}],
                "toolChoice": {"tool": {"name": "look"}},
            },
            "inferenceConfig": {"maxTokens": 9, "temperature": 0, "topP": 1, "stopSequences": ["a"]},
            "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        }
    ],
}

_CHAT_ANSWER = {
    "id": "a1",
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": "é😀",
                "reasoning_content": "hm",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
            },
        }
    ],
    "usage": {
        **CHAT_USAGE,
        "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 1, "accepted_prediction_tokens": 1},
    },
    "service_tier": "default",
}
_RESPONSES_ANSWER = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "m",
    "output": [
        {"type": "reasoning", "id": "r1", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "so", "annotations": []}]},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "web_search_call", "id": "w1", "status": "completed"},
    ],
    "usage": {
        "input_tokens": 7,
        "output_tokens": 3,
        "total_tokens": 10,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens_details": {"reasoning_tokens": 1},
    },
}
_MESSAGES_ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "so"},
        {"type": "tool_use", "id": "c1", "name": "look", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": {
        "input_tokens": 7,
        "output_tokens": 3,
        "cache_read_input_tokens": 2,
        "cache_creation_input_tokens": 4,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 1},
        "server_tool_use": {"web_search_requests": 1},
    },
}
_GEMINI_ANSWER = {
    "responseId": "g1",
    "modelVersion": "m",
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True},
                    {"text": "so"},
                    {"functionCall": {"name": "look", "args": {"a": 1}}},
                    {"inlineData": {"mimeType": "image/png", "data": _PIXEL}},
                ],
            },
            "finishReason": "STOP",
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 7,
        "candidatesTokenCount": 3,
        "totalTokenCount": 12,
        "thoughtsTokenCount": 2,
        "cachedContentTokenCount": 2,
        "toolUsePromptTokenCount": 1,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 6}, {"modality": "AUDIO", "tokenCount": 1}],
    },
}
_CONVERSE_ANSWER = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
                {"text": "so"},
                {"toolUse": {"toolUseId": "c1", "name": "look", "input": {"a": 1}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 12, "cacheReadInputTokens": 2},
}

ANSWERS: dict[str, list[dict[str, Any]]] = {
    "openai.chat": [_CHAT_ANSWER, {"error": {"message": "no", "type": "invalid_request_error", "code": 400}}],
    "openai.responses": [_RESPONSES_ANSWER, {"type": "response.completed", "response": _RESPONSES_ANSWER}],
    "anthropic.messages": [_MESSAGES_ANSWER, {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}],
    "gemini.generate": [_GEMINI_ANSWER, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "no"}}],
    "bedrock.converse": [_CONVERSE_ANSWER, {"message": "no", "__type": "ThrottlingException"}],
    "openai.completions": [{"id": "t", "model": "m", "choices": [{"text": "so"}], "usage": CHAT_USAGE}],
    "openai.embeddings": [{"model": "m", "data": [], "usage": {"prompt_tokens": 5, "total_tokens": 5}}],
    "anthropic.count_tokens": [{"input_tokens": 5}],
    "gemini.count_tokens": [{"totalTokens": 5, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}]}],
    "bedrock.invoke": [
        _MESSAGES_ANSWER,
        {"generation": "so", "prompt_token_count": 3, "generation_token_count": 2, "stop_reason": "stop"},
        {"inputTextTokenCount": 3, "results": [{"tokenCount": 2, "outputText": "so"}]},
    ],
    "cohere.chat": [
        {
            "message": {"content": [{"type": "text", "text": "so"}]},
            "usage": {
                "tokens": {"input_tokens": 3, "output_tokens": 2},
                "billed_units": {"input_tokens": 1, "search_units": 1},
            },
        }
    ],
    "ollama": [{"model": "m", "message": {"content": "so"}, "done": True, "prompt_eval_count": 3, "eval_count": 2}],
    "unknown": [_CHAT_ANSWER],
}
STREAMS: dict[str, list[bytes]] = {
    "openai.chat": [CHAT, chunk("so", usage=CHAT_USAGE)],
    "anthropic.messages": [ANTHROPIC],
}
