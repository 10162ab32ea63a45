"""Anthropic's Messages."""

from dd0c_route.wire.neutral.dialect import Dialect
from dd0c_route.wire.neutral.messages import answer, errors, request, stream, writing

MESSAGES = Dialect(
    name=request.DIALECT,
    read_request=request.read,
    write_request=writing.write,
    read_answer=answer.read,
    write_answer=answer.write,
    reader=stream.Reader,
    writer=stream.Writer,
    read_error=errors.read,
    write_error=errors.write,
    write_fault=errors.write_fault,
    status=errors.status,
    words={
        "shape": "output_config.format",
        "reasoning": "thinking",
        "max_output": "max_tokens",
        "stop": "stop_sequences",
        "user": "metadata.user_id",
        "parallel_tools": "tool_choice.disable_parallel_tool_use",
    },
)
