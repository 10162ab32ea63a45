// The other side of the conversation with `sdk.py`, for programs in Node (`serving.py` says what the lines are).

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

/** Loads a package of the environment, which lies elsewhere than this file. */
export const load = createRequire(`${process.env.CLIENTS}/`);

export async function serve(actions) {
  for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    let outcome;
    try {
      outcome = { value: await actions[asked.do](asked.with) };
    } catch (error) {
      outcome = { raised: described(error) };
    }
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
  }
}

function described(error) {
  const classes = [];
  for (let kind = error; kind && kind.constructor !== Object; kind = Object.getPrototypeOf(kind)) {
    if (classes.at(-1) !== kind.constructor.name) classes.push(kind.constructor.name);
  }
  const headers = error.headers ?? error.responseHeaders ?? {};
  return {
    classes: [error.name, ...classes],
    status: error.status ?? error.statusCode ?? null,
    message: String(error.message),
    body: error.error ?? error.responseBody ?? null,
    request_id: error.request_id ?? error.requestID ?? null,
    headers: typeof headers.entries === "function" ? Object.fromEntries(headers.entries()) : headers,
  };
}
