// What applications do with the AI SDK: `ai`, `@ai-sdk/openai` (by responses, its default, and by chat), `@ai-sdk/anthropic`.

import { load, serve } from "./serving.mjs";

const { generateText, jsonSchema, streamText, tool } = load("ai");
const settings = { baseURL: `${process.env.ROUTER}/v1`, apiKey: process.env.ROUTER_KEY };
const openai = load("@ai-sdk/openai").createOpenAI(settings);
const anthropic = load("@ai-sdk/anthropic").createAnthropic(settings);
const inputSchema = jsonSchema({ type: "object", properties: { query: { type: "string" } } });
const look_up = tool({ description: "Looks something up.", inputSchema });

const whole = (model) =>
  async function ({ headers, tools }) {
    const more = tools ? { tools: { look_up } } : {};
    const answer = await generateText({ model, prompt: "Say something.", headers, maxRetries: 0, ...more });
    return {
      text: answer.text,
      calls: answer.toolCalls.map((call) => ({ name: call.toolName, arguments: JSON.stringify(call.input) })),
      input: answer.usage.inputTokens,
      output: answer.usage.outputTokens,
    };
  };

const streamed = (model) =>
  async function ({ headers, leave_after }) {
    const abort = new AbortController();
    let raised;
    const answer = streamText({
      model, prompt: "Say something.", headers, maxRetries: 0, abortSignal: abort.signal,
      onError: ({ error }) => { raised = error; },
    });
    const said = { text: "", pieces: 0, output: null };
    for await (const piece of answer.textStream) {
      (said.text += piece), (said.pieces += 1);
      if (said.pieces === leave_after) {
        abort.abort();
        return said;
      }
    }
    if (raised) throw raised;
    said.output = (await answer.usage).outputTokens;
    return said;
  };

await serve({
  openai: whole(openai("gpt-4o-mini")),
  openai_stream: streamed(openai("gpt-4o-mini")),
  openai_chat: whole(openai.chat("gpt-4o-mini")),
  openai_chat_stream: streamed(openai.chat("gpt-4o-mini")),
  anthropic: whole(anthropic("claude-haiku-4-5")),
  anthropic_stream: streamed(anthropic("claude-haiku-4-5")),
});
