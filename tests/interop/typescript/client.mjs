// The official TypeScript client uses every feature of a server and prints what it saw, as one JSON object.
// node client.mjs stdio COMMAND ARGS... | sse URL | http URL
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as schemas from "@modelcontextprotocol/sdk/types.js";

const [kind, target, ...args] = process.argv.slice(2);
const transport =
  kind === "stdio"
    ? new StdioClientTransport({ command: target, args })
    : kind === "sse"
      ? new SSEClientTransport(new URL(target))
      : new StreamableHTTPClientTransport(new URL(target));

const client = new Client(
  { name: "typescript", version: "1" },
  { capabilities: { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } } },
);
const logged = [];
const updated = [];
client.setNotificationHandler(schemas.LoggingMessageNotificationSchema, (n) => void logged.push(n.params.data));
client.setNotificationHandler(schemas.ResourceUpdatedNotificationSchema, (n) => void updated.push(n.params.uri));
client.setRequestHandler(schemas.CreateMessageRequestSchema, (r) => ({
  role: "assistant",
  model: "stub",
  content: { type: "text", text: `sampled: ${r.params.messages[0].content.text}` },
}));
client.setRequestHandler(schemas.ElicitRequestSchema, (r) =>
  r.params.mode === "url" ? { action: "accept" } : { action: "accept", content: { color: "blue" } },
);
client.setRequestHandler(schemas.ListRootsRequestSchema, () => ({ roots: [{ uri: "file:///home" }] }));

await client.connect(transport);
const text = (result) => result.content.map((block) => block.text).join("|");
const seen = { server: client.getServerVersion().name, instructions: client.getInstructions() };
const attempt = async (name, work) => {
  try {
    seen[name] = await work();
  } catch (error) {
    seen[name] = `error ${error.code}: ${error.message}`;
  }
};

await attempt("ping", async () => Object.keys(await client.ping()).length);
await attempt("tools", async () => (await client.listTools()).tools.map((tool) => tool.name).sort());
await attempt("add", async () => (await client.callTool({ name: "add", arguments: { a: 1, b: 2 } })).structuredContent);
await attempt(
  "describe",
  async () => (await client.callTool({ name: "describe", arguments: { person: { name: "Ada" } } })).structuredContent,
);
await attempt("fail", async () => {
  const result = await client.callTool({ name: "fail", arguments: {} });
  return [result.isError, text(result)];
});
await attempt("level", async () => Object.keys(await client.setLoggingLevel("info")).length);
const progress = [];
await attempt("count", async () =>
  text(
    await client.callTool({ name: "count", arguments: { steps: 3 } }, undefined, {
      onprogress: (p) => progress.push([p.progress, p.total, p.message]),
    }),
  ),
);
seen.progress = progress;
seen.logged = logged;
await attempt("resources", async () => (await client.listResources()).resources.map((r) => r.uri).sort());
await attempt("text", async () => (await client.readResource({ uri: "talk://text" })).contents[0].text);
await attempt("bytes", async () =>
  Buffer.from((await client.readResource({ uri: "talk://bytes" })).contents[0].blob, "base64").length,
);
await attempt("templates", async () =>
  (await client.listResourceTemplates()).resourceTemplates.map((t) => t.uriTemplate),
);
await attempt("person", async () => (await client.readResource({ uri: "talk://people/bob" })).contents[0].text);
await attempt("unknown resource", async () => client.readResource({ uri: "talk://nowhere" }));
await attempt("prompts", async () => (await client.listPrompts()).prompts.map((p) => p.name));
await attempt(
  "prompt",
  async () => (await client.getPrompt({ name: "greet", arguments: { name: "Bob" } })).messages[0].content.text,
);
await attempt(
  "complete",
  async () =>
    (
      await client.complete({ ref: { type: "ref/prompt", name: "greet" }, argument: { name: "style", value: "fo" } })
    ).completion.values,
);
await attempt("sample", async () => text(await client.callTool({ name: "sample", arguments: { prompt: "hi" } })));
await attempt("ask", async () => text(await client.callTool({ name: "ask", arguments: {} })));
await attempt("visit", async () => text(await client.callTool({ name: "visit", arguments: {} })));
await attempt("roots", async () => (await client.callTool({ name: "roots", arguments: {} })).structuredContent ?? "none");
await attempt("cancel", async () => {
  const abort = new AbortController();
  const call = client.callTool({ name: "wait_for_ever", arguments: {} }, undefined, { signal: abort.signal });
  setTimeout(() => abort.abort("enough"), 200);
  try {
    await call;
  } catch {
    // The wanted end.
  }
  for (let tries = 0; tries < 40; tries++) {
    const result = await client.callTool({ name: "was_interrupted", arguments: {} });
    if (result.structuredContent.result) return "interrupted";
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return "still running";
});
await attempt("subscribe", async () => {
  await client.subscribeResource({ uri: "talk://text" });
  for (let tries = 0; tries < 40 && updated.length === 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return updated;
});
console.log(JSON.stringify(seen));
if (kind === "http") await transport.terminateSession().catch(() => {});
await client.close();
process.exit(0);
