"""Google's generateContent, as Gemini's API and Vertex AI speak it."""

from dd0c_route.wire.neutral.dialect import Dialect
from dd0c_route.wire.neutral.gemini import answer, errors, parts, request, stream, writing

GEMINI = Dialect(
    name=parts.DIALECT,
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
        "shape": "generationConfig.responseMimeType",
        "reasoning": "generationConfig.thinkingConfig",
        "max_output": "generationConfig.maxOutputTokens",
        "stop": "generationConfig.stopSequences",
        "temperature": "generationConfig.temperature",
        "top_p": "generationConfig.topP",
        "top_k": "generationConfig.topK",
        "seed": "generationConfig.seed",
        "frequency_penalty": "generationConfig.frequencyPenalty",
        "presence_penalty": "generationConfig.presencePenalty",
        "tool_choice": "toolConfig.functionCallingConfig",
    },
)
