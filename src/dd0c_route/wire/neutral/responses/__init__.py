"""OpenAI's Responses API."""

from dd0c_route.wire.neutral.chat.errors import read, status, write
from dd0c_route.wire.neutral.dialect import Dialect
from dd0c_route.wire.neutral.responses import answer, errors, request, writing
from dd0c_route.wire.neutral.responses.reader import Reader
from dd0c_route.wire.neutral.responses.thoughts import DIALECT
from dd0c_route.wire.neutral.responses.writer import Writer

RESPONSES = Dialect(
    name=DIALECT,
    read_request=request.read,
    write_request=writing.write,
    read_answer=answer.read,
    write_answer=answer.write,
    reader=Reader,
    writer=Writer,
    read_error=read,
    write_error=write,
    write_fault=errors.write_fault,
    status=status,
    words={
        "shape": "text.format",
        "max_output": "max_output_tokens",
        "parallel_tools": "parallel_tool_calls",
        "turns": "input",
    },
)
