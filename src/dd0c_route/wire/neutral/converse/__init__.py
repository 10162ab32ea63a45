"""Bedrock's Converse and ConverseStream."""

from dd0c_route.wire.neutral.converse import answer, errors, request, stream, writing
from dd0c_route.wire.neutral.dialect import Dialect

CONVERSE = Dialect(
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
        "shape": "outputConfig.textFormat",
        "reasoning": "additionalModelRequestFields.thinking",
        "max_output": "inferenceConfig.maxTokens",
        "stop": "inferenceConfig.stopSequences",
        "temperature": "inferenceConfig.temperature",
        "top_p": "inferenceConfig.topP",
        "top_k": "additionalModelRequestFields.top_k",
        "tool_choice": "toolConfig.toolChoice",
    },
    events=stream.TYPE,
)
