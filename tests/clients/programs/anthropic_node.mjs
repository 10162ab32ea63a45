// What applications do with the `@anthropic-ai/sdk` package.

import { load, serve } from "./serving.mjs";

const { Anthropic } = load("@anthropic-ai/sdk");
const client = new Anthropic({ baseURL: process.env.ROUTER, apiKey: process.env.ROUTER_KEY, maxRetries: 0 });
const asked = { model: "claude-haiku-4-5", max_tokens: 1000, messages: [{ role: "user", content: "Say something." }] };
const input_schema = { type: "object", properties: { query: { type: "string" } } };

async function messages({ headers, tools }) {
  const more = tools ? { tools: [{ name: "look_up", input_schema }] } : {};
  const answer = await client.messages.create({ ...asked, ...more }, { headers });
  const texts = answer.content.filter((block) => block.type === "text").map((block) => block.text);
  const calls = answer.content.filter((block) => block.type === "tool_use");
  return {
    text: texts.join(""),
    calls: calls.map((block) => ({ name: block.name, arguments: JSON.stringify(block.input) })),
    input: answer.usage.input_tokens,
    output: answer.usage.output_tokens,
  };
}

async function messages_stream({ headers, leave_after }) {
  const said = { text: "", pieces: 0, output: null };
  const answer = client.messages.stream(asked, { headers });
  for await (const event of answer) {
    if (event.type === "content_block_delta") (said.text += event.delta.text), (said.pieces += 1);
    if (event.type === "message_delta") said.output = event.usage.output_tokens;
    if (said.pieces === leave_after) {
      answer.abort();
      break;
    }
  }
  return said;
}

await serve({ messages, messages_stream });
