// What Pinecone's TypeScript SDK does against a local assistant. The environment alone points it there, as in its own docs.
//
// `node --test checks.mjs`; SDK names the package. The evaluation is not here: the SDK asks Pinecone's own host for it.
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const { Pinecone } = await import(process.env.SDK);
const FACT = "The red pine can grow up to 25 meters high.";
const QUESTION = { messages: [{ role: "user", content: "How high can a red pine grow?" }] };
const name = `Ts-${process.env.SDK}`;
const pinecone = new Pinecone();
const assistant = pinecone.assistant({ name });
const folder = await mkdtemp(join(tmpdir(), "typescript-"));

async function statusOf(promise) {
  const error = await promise.then(() => assert.fail("it did not fail"), (caught) => caught);
  return `${error.name} ${error.message}`;
}

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

async function upload(fileName, text, options = {}) {
  const operation = await assistant.uploadFile({ file: Buffer.from(text), fileName, ...options });
  assert.equal((await assistant.describeOperation(operation.id ?? operation.operationId)).status, "Completed");
  return operation.fileId;
}

test("an assistant is created in mixed case, described, listed and updated", async () => {
  const created = await pinecone.createAssistant({ name, instructions: "Be kind.", metadata: { team: "docs" }, region: "us" });
  assert.equal(created.name, name);
  const described = await pinecone.describeAssistant(name);
  assert.equal(described.status, "Ready");
  assert.equal(described.instructions, "Be kind.");
  assert.ok((await pinecone.listAssistants()).assistants.some((one) => one.name === name));
  await pinecone.updateAssistant({ name, instructions: "Be short." });
  assert.equal((await pinecone.describeAssistant(name)).instructions, "Be short.");
});

test("an empty name is an invalid assistant name", async () => {
  assert.match(await statusOf(pinecone.createAssistant({ name: "" })), /Invalid assistant name/);
});

test("files from a path, a buffer, a blob and a stream keep their metadata, and filters find them", async () => {
  const path = join(folder, "pine.md");
  await writeFile(path, FACT);
  await assistant.uploadFile({ path, metadata: { topic: "trees", year: 2024 } });
  await upload("whale.md", "Blue whales reach a length of 30 meters.", { metadata: { topic: "sea" } });
  await assistant.uploadFile({ file: new Blob(["Bees fly."], { type: "text/markdown" }), fileName: "bee.md", metadata: { topic: "air" } });
  const { Readable } = await import("node:stream");
  await assistant.uploadFile({ file: Readable.from([Buffer.from("Moles "), Buffer.from("dig.")]), fileName: "mole.txt", metadata: { topic: "soil" } });
  const { files } = await assistant.listFiles();
  assert.deepEqual(files.map((one) => one.name).sort(), ["bee.md", "mole.txt", "pine.md", "whale.md"]);
  const [pine] = (await assistant.listFiles({ filter: { topic: "trees" } })).files;
  assert.deepEqual([pine.name, pine.status, pine.metadata, Number(pine.size)], ["pine.md", "Available", { topic: "trees", year: 2024 }, FACT.length]);
  const described = await assistant.describeFile(pine.id, true);
  assert.equal(await (await fetch(described.signedUrl)).text(), FACT);
});

test("an upsert keeps its identifier and replaces the content", async () => {
  for (const text of ["Foxes are grey.", "Foxes are red."]) {
    const operation = await assistant.upsertFile({ assistantFileId: "fox_1", file: Buffer.from(text), fileName: "fox.md" });
    assert.equal(operation.fileId, "fox_1");
  }
  const { snippets } = await assistant.context({ query: "Which colour is a fox?", topK: 1 });
  assert.equal(snippets[0].content, "Foxes are red.");
  const kinds = (await assistant.listOperations({ operationType: "upsert_file" })).operations.map((one) => one.operationType);
  assert.deepEqual(kinds, ["upsert_file", "upsert_file"]);
});

test("a chat has its citation where it belongs, whole and streamed", async () => {
  const answer = await assistant.chat({ ...QUESTION, filter: { topic: "trees" }, includeHighlights: true });
  assert.equal(answer.message.content, FACT);
  assert.equal(answer.citations[0].position, FACT.length - 1);
  assert.equal(answer.citations[0].references[0].file.name, "pine.md");
  const chunks = await all(await assistant.chatStream({ ...QUESTION, filter: { topic: "trees" } }));
  assert.equal(chunks.filter((one) => one.type === "content_chunk").map((one) => one.delta.content).join(""), FACT);
  assert.equal(chunks.filter((one) => one.type === "citation").length, 1);
  assert.equal(chunks.at(-1).type, "message_end");
});

test("completions have their citations in the text, whole and streamed", async () => {
  const answer = await assistant.chatCompletion({ ...QUESTION, filter: { topic: "trees" } });
  assert.ok(answer.choices[0].message.content.startsWith("The red pine can grow up to 25 meters high  [1]."));
  const chunks = await all(await assistant.chatCompletionStream({ ...QUESTION, filter: { topic: "trees" } }));
  const text = chunks.flatMap((one) => one.choices).map((one) => one.delta?.content ?? "").join("");
  assert.ok(text.startsWith("The red pine can grow up to 25 meters high  [1]."));
});

test("context takes messages as well as a query", async () => {
  const { snippets, usage } = await assistant.context({ ...QUESTION, topK: 2, snippetSize: 512 });
  assert.equal(snippets[0].reference.file.name, "pine.md");
  assert.ok(usage.promptTokens > 0);
});

test("a broken file fails with the reason and can be deleted", async () => {
  const operation = await assistant.uploadFile({ file: Buffer.from("{"), fileName: "broken.json" });
  const ended = await assistant.describeOperation(operation.id ?? operation.operationId);
  assert.equal(ended.status, "Failed");
  assert.match(ended.errorMessage ?? ended.error, /not valid JSON/);
  // The service answers 204 to this deletion, and the SDK reads JSON from its empty body.
  await assistant.deleteFile(operation.fileId).catch((error) => assert.equal(error.name, "SyntaxError"));
  assert.ok(!(await assistant.listFiles()).files.some((one) => one.id === operation.fileId));
});

test("a deleted file is gone", async () => {
  const id = await upload("gone.md", "Gone.");
  await assistant.deleteFile(id);
  assert.match(await statusOf(assistant.describeFile(id)), /NotFound|404/);
});

test("a wrong key and an unknown assistant are told", async () => {
  assert.match(await statusOf(new Pinecone({ apiKey: "wrong", controllerHostUrl: process.env.PINECONE_CONTROLLER_HOST }).listAssistants()), /Authorization|401|Invalid API key/);
  assert.match(await statusOf(pinecone.describeAssistant("nobody")), /NotFound|404/);
});

test("an assistant is deleted", async () => {
  await pinecone.deleteAssistant(name);
  assert.ok(!(await pinecone.listAssistants()).assistants.some((one) => one.name === name));
});

after(() => pinecone.deleteAssistant(name).catch(() => undefined));
