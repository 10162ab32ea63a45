"""OpenAI's chat/completions."""

from dd0c_route.wire.neutral.chat import answer, errors, request, stream, writing
from dd0c_route.wire.neutral.dialect import Dialect

CHAT = Dialect(
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
    words={"shape": "response_format", "reasoning": "reasoning_effort", "max_output": "max_completion_tokens"},
)
