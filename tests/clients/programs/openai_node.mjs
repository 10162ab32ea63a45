// What applications do with the `openai` package in Node, by chat and by responses.

import { load, serve } from "./serving.mjs";

const { OpenAI } = load("openai");
const client = new OpenAI({ baseURL: `${process.env.ROUTER}/v1`, apiKey: process.env.ROUTER_KEY, maxRetries: 0 });
const model = "gpt-4o-mini";
const messages = [{ role: "user", content: "Say something." }];
const parameters = { type: "object", properties: { query: { type: "string" } } };

async function chat({ headers, tools }) {
  const asked = tools ? { tools: [{ type: "function", function: { name: "look_up", parameters } }] } : {};
  const answer = await client.chat.completions.create({ model, messages, ...asked }, { headers });
  const { message } = answer.choices[0];
  const calls = (message.tool_calls ?? []).map((call) => ({ name: call.function.name, arguments: call.function.arguments }));
  return { text: message.content ?? "", calls, input: answer.usage.prompt_tokens, output: answer.usage.completion_tokens };
}

async function chat_stream({ headers, leave_after }) {
  const abort = new AbortController();
  const body = { model, messages, stream: true, stream_options: { include_usage: true } };
  const answer = await client.chat.completions.create(body, { headers, signal: abort.signal });
  const said = { text: "", pieces: 0, output: null };
  for await (const chunk of answer) {
    const piece = chunk.choices[0]?.delta?.content;
    if (piece) (said.text += piece), (said.pieces += 1);
    if (chunk.usage) said.output = chunk.usage.completion_tokens;
    if (said.pieces === leave_after) abort.abort();
  }
  return said;
}

async function responses({ headers, tools }) {
  const asked = tools ? { tools: [{ type: "function", name: "look_up", parameters, strict: false }] } : {};
  const answer = await client.responses.create({ model, input: "Say something.", ...asked }, { headers });
  const calls = answer.output.filter((item) => item.type === "function_call");
  return {
    text: answer.output_text,
    calls: calls.map((call) => ({ name: call.name, arguments: call.arguments })),
    input: answer.usage.input_tokens,
    output: answer.usage.output_tokens,
  };
}

async function responses_stream({ headers, leave_after }) {
  const abort = new AbortController();
  const body = { model, input: "Say something.", stream: true };
  const answer = await client.responses.create(body, { headers, signal: abort.signal });
  const said = { text: "", pieces: 0, output: null };
  for await (const event of answer) {
    if (event.type === "response.output_text.delta") (said.text += event.delta), (said.pieces += 1);
    if (event.type === "response.completed") said.output = event.response.usage.output_tokens;
    if (said.pieces === leave_after) abort.abort();
  }
  return said;
}

await serve({ chat, chat_stream, responses, responses_stream });
