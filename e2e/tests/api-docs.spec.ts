// The examples of docs/API.md, run as they stand against the sandbox: what a script author copies works.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { PEOPLE, Script, connect } from "../support/app";
import { expect, test } from "../support/test";

const run = promisify(execFile);
const DOCUMENT = new URL("../../docs/API.md", import.meta.url);

test.describe.configure({ timeout: 120_000 });

/** The examples in this language, in their order. */
async function examples(language: string): Promise<string[]> {
  const text = await readFile(DOCUMENT, "utf8");
  return [...text.matchAll(new RegExp("```" + language + "\\n([\\s\\S]*?)```", "g"))].map(([, code]) => code ?? "");
}

test("the documented examples run as they are written", async ({ demo }) => {
  // C1, A4.
  await connect(demo);
  const owner = await Script.as(demo, PEOPLE.owner);
  const made = await owner.send<{ generateApiKey: { secret: string } }>(
    'mutation { generateApiKey(input: { name: "Docs", scopes: [READ, CALLS_TRIGGER] }) { secret } }',
  );
  const { agents } = await owner.send<{ agents: { nodes: { id: string; status: string; phoneNumberCount: number }[] } }>(
    "{ agents(first: 100) { nodes { id status phoneNumberCount } } }",
  );
  const agent = agents.nodes.find(({ status, phoneNumberCount }) => status === "ACTIVE" && phoneNumberCount > 0);
  const env = {
    ...process.env,
    RINGFENCE_URL: demo.url,
    RINGFENCE_API_KEY: made.generateApiKey.secret,
    RINGFENCE_AGENT_ID: agent?.id ?? "",
  };
  const folder = await mkdtemp(path.join(tmpdir(), "ringfence-api-docs-"));

  const [trigger, stats, exposed, ...more] = await examples("sh");
  expect(more).toEqual([]);
  const placed = JSON.parse((await run("bash", ["-c", trigger ?? ""], { env })).stdout);
  expect(placed).toMatchObject({ success: true, status: "queued", provider: "vapi", paid_by: "agency", phone_number: "+15551230000" });
  const [answer, refusal] = (await examples("json")).map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(Object.keys(placed).sort()).toEqual(Object.keys(answer ?? {}).sort());
  expect(Object.keys(refusal ?? {})).toEqual(["success", "error", "code"]);

  const [python] = await examples("python");
  await writeFile(path.join(folder, "follow.py"), python ?? "");
  const followed = await run("python3", [path.join(folder, "follow.py")], { env });
  expect(followed.stdout).toMatch(/^placed [0-9a-f-]{36} paid by agency\nended COMPLETED \S/);

  const [typescript] = await examples("ts");
  const source = path.join(folder, "place.mts");
  await writeFile(source, typescript ?? "");
  const types = ["--types", "node", "--typeRoots", path.resolve("node_modules/@types")];
  const target = ["--target", "es2022", "--module", "nodenext", "--strict", "--outDir", folder];
  await run(path.resolve("node_modules/.bin/tsc"), ["--ignoreConfig", source, ...target, ...types]);
  const typed = await run("node", [path.join(folder, "place.mjs")], { env });
  expect(typed.stdout).toMatch(/^placed [0-9a-f-]{36}, paid by agency\nINVALID_INPUT: phone_number\n$/);

  const figures = JSON.parse((await run("bash", ["-c", stats ?? ""], { env })).stdout);
  expect(figures.data.callStats.count).toBe(3);
  const reported = JSON.parse((await run("bash", ["-c", exposed ?? ""], { env })).stdout);
  expect(reported.success).toBe(true);
});
