// Webhooks: an endpoint is added, tried, watched, switched off and deleted; a receiver checks signatures with the very code that
// the documentation shows.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type IncomingHttpHeaders, createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { PAGES, PEOPLE, Script, connect, logIn, openDialog, toast } from "../support/app";
import { look } from "../support/look";
import { expect, test } from "../support/test";

test.describe.configure({ timeout: 120_000 });

type Check = (secret: string, headers: IncomingHttpHeaders, body: string) => boolean;

/** The function that docs/WEBHOOKS.md shows, as it stands there. */
async function documentedCheck(): Promise<Check> {
  const path = fileURLToPath(new URL("../../docs/WEBHOOKS.md", import.meta.url));
  const code = /```js\n([\s\S]*?)```/.exec(await readFile(path, "utf8"))?.[1];
  if (code === undefined) throw new Error("docs/WEBHOOKS.md shows no code");
  const module = (await import(`data:text/javascript;base64,${Buffer.from(code).toString("base64")}`)) as { isFromRingfence: Check };
  return module.isFromRingfence;
}

/** A program that is told, on this machine. */
async function receiver() {
  const seen: { headers: IncomingHttpHeaders; body: string }[] = [];
  const state = { status: 204 };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      seen.push({ headers: request.headers, body });
      response.writeHead(state.status).end("an answer that nobody shows");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}/hook`, seen, state, close: () => server.close() };
}

test("an endpoint is added, tried and deleted, and its receiver checks who sends", async ({ page, demo }) => {
  // H5; docs/WEBHOOKS.md.
  const isFromRingfence = await documentedCheck();
  const there = await receiver();
  await connect(demo);
  await logIn(page, PEOPLE.owner, PAGES.webhooks);
  await expect(page.getByRole("heading", { name: "No endpoints yet" })).toBeVisible();
  await look(page, "webhooks-empty");

  await page.getByRole("button", { name: "Add endpoint" }).press("Enter");
  const dialog = openDialog(page);
  await dialog.getByLabel("Address").fill("https://10.0.0.1/hook");
  await dialog.getByRole("button", { name: "Add endpoint" }).click();
  await expect(dialog.getByText(/Webhooks go to public addresses only/)).toBeVisible();
  await expect(dialog.getByLabel("Address")).toHaveValue("https://10.0.0.1/hook");
  await look(page, "webhooks-form-refused");
  await dialog.getByLabel("Address").fill(there.url);
  await dialog.getByLabel("Description (optional)").fill("On call");
  await dialog.getByRole("button", { name: "Add endpoint" }).click();
  const secret = (await dialog.locator(".shown-once .code").textContent()) ?? "";
  expect(secret).toMatch(/^whsec_/);
  await look(page, "webhooks-secret");
  for (let time = 0; time < 3; time += 1) await page.keyboard.press("Escape");
  await expect(dialog.getByText("The signing secret is not shown again. Is it copied?")).toBeVisible();
  await expect(dialog.getByText(secret)).toBeVisible();
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page.locator("dialog[open]")).toHaveCount(0);
  await expect(page.getByText(secret)).toHaveCount(0);

  const card = page.getByRole("region", { name: "On call" });
  await expect(card.getByText("On", { exact: true })).toBeVisible();
  await card.getByRole("button", { name: "Send a test" }).click();
  await expect(card.getByText("The test arrived")).toBeVisible();
  await expect(card.getByText(/answered 204 within \d+ ms/)).toBeVisible();
  const first = there.seen[0];
  if (!first) throw new Error("nothing arrived");
  expect(isFromRingfence(secret, first.headers, first.body)).toBe(true);
  expect(isFromRingfence(secret, first.headers, `${first.body} `)).toBe(false);
  expect(isFromRingfence(`whsec_${"A".repeat(43)}=`, first.headers, first.body)).toBe(false);
  expect(isFromRingfence(secret, { ...first.headers, "webhook-timestamp": "1700000000" }, first.body)).toBe(false);
  expect(JSON.parse(first.body)).toMatchObject({ type: "webhook.test", data: { agency: "northside-voice" } });

  there.state.status = 500;
  await card.getByRole("button", { name: "Send a test" }).click();
  await expect(card.getByText("The test did not arrive")).toBeVisible();
  await card.getByRole("button", { name: "Show log" }).click();
  const lines = card.locator("tbody").getByRole("row");
  await expect(lines).toHaveCount(2);
  await expect(lines.nth(0)).toContainText("Failed");
  await expect(lines.nth(1)).toContainText("Delivered");
  await expect(card.getByText("an answer that nobody shows")).toHaveCount(0);
  await look(page, "webhooks-log");
  there.state.status = 200;
  await lines.nth(0).getByRole("button", { name: "Send again" }).click();
  await expect(lines).toHaveCount(3);
  await expect(lines.nth(0)).toContainText("Delivered", { timeout: 15_000 });

  await card.getByRole("button", { name: "Delete" }).click();
  await expect(openDialog(page).getByText(/is not told of anything any more/)).toBeVisible();
  await look(page, "webhooks-delete");
  await openDialog(page).getByRole("button", { name: "Delete endpoint" }).click();
  await expect(toast(page)).toContainText("Deleted.");
  await expect(page.getByRole("heading", { name: "No endpoints yet" })).toBeVisible();
  there.close();
});

test("a failed sync is told, and what an endpoint listens to and its secret can change", async ({ page, demo }) => {
  // H5.
  const isFromRingfence = await documentedCheck();
  const there = await receiver();
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { createWebhookEndpoint } = await script.send<{ createWebhookEndpoint: { signingSecret: string } }>(
    "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { signingSecret } }",
    { input: { url: there.url, events: ["SYNC_FAILED"] } },
  );
  await demo.sandbox.inject({ path: "/vapi/assistant", effect: { kind: "status", status: 403 } });
  await script.startSync();
  await script.syncEnded("FAILED");
  await expect.poll(() => there.seen.length, { timeout: 10_000 }).toBe(1);
  const told = there.seen[0];
  if (!told) throw new Error("nothing arrived");
  expect(isFromRingfence(createWebhookEndpoint.signingSecret, told.headers, told.body)).toBe(true);
  expect(JSON.parse(told.body)).toMatchObject({ type: "sync.failed", data: { provider: "vapi", scope: "agency", agentCount: 40 } });

  await logIn(page, PEOPLE.admin, PAGES.webhooks);
  let card = page.getByRole("region", { name: /^127\.0\.0\.1/ });
  await card.getByRole("button", { name: "Edit" }).click();
  await openDialog(page).getByRole("checkbox", { name: /provider_key\.invalid/ }).check();
  await openDialog(page).getByRole("button", { name: "Save endpoint" }).click();
  await expect(card.getByRole("list", { name: "Listens to" }).getByRole("listitem")).toHaveCount(2);
  // The next edit begins with what was saved, and asks before it is lost.
  await card.getByRole("button", { name: "Edit" }).click();
  await expect(openDialog(page).getByRole("checkbox", { name: /provider_key\.invalid/ })).toBeChecked();
  await openDialog(page).getByLabel("Description (optional)").fill("On call");
  await page.keyboard.press("Escape");
  await expect(openDialog(page).getByText("Discard what you typed?")).toBeVisible();
  await openDialog(page).getByRole("button", { name: "Keep editing" }).click();
  await openDialog(page).getByRole("button", { name: "Save endpoint" }).click();
  card = page.getByRole("region", { name: "On call" });
  await expect(card.getByRole("list", { name: "Listens to" }).getByRole("listitem")).toHaveCount(2);
  await card.getByRole("button", { name: "New secret" }).click();
  await openDialog(page).getByRole("button", { name: "Make new secret" }).press("Enter");
  await expect(openDialog(page).getByRole("button", { name: "Done" })).toBeFocused();
  const secret = (await openDialog(page).locator(".shown-once .code").textContent()) ?? "";
  await openDialog(page).getByRole("button", { name: "Done" }).click();
  await card.getByRole("button", { name: "Send a test" }).click();
  await expect(card.getByText("The test arrived")).toBeVisible();
  const test = there.seen.at(-1);
  if (!test) throw new Error("nothing arrived");
  expect(isFromRingfence(secret, test.headers, test.body)).toBe(true);
  expect(isFromRingfence(createWebhookEndpoint.signingSecret, test.headers, test.body)).toBe(false);
  await card.getByRole("button", { name: "Switch off" }).click();
  await expect(card.getByText("Off", { exact: true })).toBeVisible();
  await card.getByRole("button", { name: "Switch on" }).click();
  await expect(card.getByText("On", { exact: true })).toBeVisible();
  await script.close();
  there.close();
});

test("staff find no webhooks", async ({ page }) => {
  // P1.
  await logIn(page, PEOPLE.staff);
  const main = page.getByRole("navigation", { name: "Main" });
  await expect(main.getByRole("link", { name: /^Alerts/ })).toBeVisible();
  await expect(main.getByRole("link", { name: "Webhooks" })).toHaveCount(0);
});
