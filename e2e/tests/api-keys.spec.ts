// The agency's own API keys: made, stored, used, rotated, revoked, switched off; each state as people see it, and nothing for
// those who may not.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Locator, Page } from "@playwright/test";
import { AGENCY, PAGES, PEOPLE, Script, connect, logIn, openDialog, toast } from "../support/app";
import { tabTo } from "../support/keyboard";
import { look } from "../support/look";
import type { Demo } from "../support/server";
import { expect, test } from "../support/test";
import { cutOff, route } from "../support/traffic";

test.describe.configure({ timeout: 120_000 });

const FORM = /^bvai_sk_[0-9A-Za-z]{38}$/;
const DAY = 86_400_000;

/** Status of a script's request with a key. */
async function ask(demo: Demo, key: string, query = "{ agents(first: 1) { totalCount } }"): Promise<number> {
  const answer = await fetch(`${demo.url}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  await answer.text();
  return answer.status;
}

function apiCard(page: Page): Locator {
  return page.getByRole("region", { name: "Ringfence API" });
}

/** The row of a key in use, the newest of its name first. */
function keyRow(page: Page, name: string): Locator {
  return page.getByRole("table", { name: "API keys in use" }).locator("tbody").getByRole("row").filter({ hasText: name });
}

/** Reads the key that the open dialog shows this once, says that it is stored, and closes the dialog. */
async function store(page: Page): Promise<string> {
  const dialog = openDialog(page);
  const key = await dialog.getByLabel("API key", { exact: true }).inputValue();
  expect(key).toMatch(FORM);
  await dialog.getByRole("checkbox", { name: /I have stored the key/ }).check();
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(openDialog(page)).toHaveCount(0);
  return key;
}

test("a key is made, copied, used, rotated and revoked", async ({ page, demo, context }) => {
  // A1, A3, A8; checklist 34 to 37.
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await connect(demo);
  await logIn(page, PEOPLE.owner, PAGES.overview);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "API & Webhooks" }).click();
  await expect(page).toHaveURL(PAGES.api);
  await expect(page.getByRole("heading", { level: 1, name: "API & Webhooks" })).toBeFocused();
  await expect(page).toHaveTitle("API · Ringfence");
  const card = apiCard(page);
  await expect(card.getByText("Not connected", { exact: true })).toBeVisible();
  await look(page, "api-empty");

  await card.getByRole("button", { name: "Connect" }).click();
  const dialog = openDialog(page);
  await look(page, "api-connect");
  await dialog.getByRole("button", { name: "Generate API Key" }).click();

  // Shown this once, hidden until it is asked for, and not lost by a slip.
  await expect(dialog.getByRole("button", { name: "Copy key" })).toBeFocused();
  await expect(dialog.getByText(/You will not see it again/)).toBeVisible();
  const field = dialog.getByLabel("API key", { exact: true });
  await expect(field).toHaveAttribute("type", "password");
  const done = dialog.getByRole("button", { name: "Done" });
  await expect(done).toBeDisabled();
  await look(page, "api-copy-once");
  for (let time = 0; time < 3; time += 1) await page.keyboard.press("Escape");
  await expect(dialog.getByText("The API key is not shown again. Is it copied?")).toBeVisible();
  await dialog.getByRole("button", { name: "Keep it open" }).click();
  await dialog.getByRole("button", { name: "Show API key" }).click();
  await expect(field).toHaveAttribute("type", "text");
  await dialog.getByText("Try it in a terminal").click();
  await look(page, "api-copy-once-shown");
  await dialog.getByRole("button", { name: "Copy key" }).click();
  await expect(dialog.getByRole("button", { name: "Copied" })).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toMatch(FORM);

  // The example runs as it stands there.
  const example = await dialog.locator(".code-block .code").last().textContent();
  const { stdout } = await promisify(execFile)("bash", ["-c", `${example} --silent`], {
    env: { ...process.env, RINGFENCE_API_KEY: copied },
  });
  expect((JSON.parse(stdout) as { data: { agents: { nodes: unknown[] } } }).data.agents.nodes).toHaveLength(5);
  const first = await store(page);
  expect(first).toBe(copied);
  await expect(page.getByText(first)).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 2, name: "API", exact: true })).toBeFocused();

  await expect(card.getByText("On", { exact: true })).toBeVisible();
  const row = keyRow(page, "Default");
  await expect(row).toContainText(`bvai_sk_…${first.slice(-4)}`);
  await expect(row).toContainText(`by ${PEOPLE.owner.name}`);
  await expect(row.getByRole("list", { name: "Scopes of Default" }).getByRole("listitem")).toHaveText(["read", "calls:trigger"]);
  expect(await ask(demo, first)).toBe(200);
  expect(await ask(demo, first, "mutation { nothing }")).toBe(400);

  // The card's button asks before it takes the place of a key in use.
  await card.getByRole("button", { name: "Generate API Key" }).click();
  await expect(dialog.getByText(`…${first.slice(-4)} is refused the moment the new key is made.`, { exact: false })).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await look(page, "api-replace");
  expect(await ask(demo, first)).toBe(200);
  await dialog.getByRole("button", { name: "Replace key" }).click();
  const second = await store(page);
  expect(second).not.toBe(first);
  expect(await ask(demo, first)).toBe(401);
  expect(await ask(demo, second)).toBe(200);

  // With an overlap both work, and the row of the old one counts down.
  await row.getByRole("button", { name: "Rotate" }).click();
  await dialog.getByRole("radio", { name: "72 hours" }).check();
  await expect(dialog.getByText(/both work until/)).toBeVisible();
  await look(page, "api-rotate");
  await dialog.getByRole("button", { name: "Rotate key" }).click();
  await expect(dialog.getByText(/The key before works beside it until/)).toBeVisible();
  const third = await store(page);
  await expect(row).toHaveCount(2);
  await expect(row.nth(1)).toContainText("Ends in 72 h");
  await expect(row.nth(1).getByRole("button", { name: "Rotate" })).toHaveCount(0);
  expect([await ask(demo, second), await ask(demo, third)]).toEqual([200, 200]);
  await look(page, "api-overlap");

  // At once the old one is refused, and what overlapped with it.
  await row.nth(0).getByRole("button", { name: "Rotate" }).click();
  await expect(dialog.getByText(`…${second.slice(-4)}, which still overlaps with it, is refused at once.`)).toBeVisible();
  await dialog.getByRole("radio", { name: "At once" }).check();
  await dialog.getByRole("button", { name: "Rotate key" }).click();
  const fourth = await store(page);
  await expect(row).toHaveCount(1);
  expect([await ask(demo, second), await ask(demo, third), await ask(demo, fourth)]).toEqual([401, 401, 200]);

  await row.getByRole("button", { name: "Revoke" }).click();
  await expect(dialog.getByText(/is answered 401 from this moment on/)).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await look(page, "api-revoke");
  await dialog.getByRole("button", { name: "Revoke key" }).click();
  await expect(toast(page)).toContainText("is revoked and refused everywhere");
  await expect(card.getByText("Not connected", { exact: true })).toBeVisible();
  expect(await ask(demo, fourth)).toBe(401);
  await page.getByText("4 keys that ended").click();
  await expect(page.getByRole("list", { name: "Keys that ended" }).getByRole("listitem")).toHaveCount(4);
  await look(page, "api-ended");
});

test("a key with a name of its own, by keyboard alone", async ({ page, demo }) => {
  // A3; checklist 34, 38, 39.
  const script = await Script.as(demo, PEOPLE.admin);
  const expiresAt = new Date(Date.now() + 200 * DAY).toISOString();
  await script.send("mutation($input: GenerateApiKeyInput!) { generateApiKey(input: $input) { secret } }", {
    input: { name: "Default", scopes: ["READ", "AGENTS_MANAGE"], expiresAt },
  });
  await logIn(page, PEOPLE.admin, PAGES.api);
  await tabTo(page, page.getByRole("button", { name: "New key" }));
  await page.keyboard.press("Enter");
  const dialog = openDialog(page);
  const name = dialog.getByLabel("Name");
  await expect(name).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await expect(name).toBeFocused();
  await look(page, "api-new-refused");
  // A name that is taken says what happens before it does.
  await name.fill("default");
  await expect(dialog.getByText("Default is in use")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Replace key" })).toBeVisible();
  await look(page, "api-new-taken");
  await name.fill("Reporting");
  await tabTo(page, dialog.getByRole("checkbox", { name: /keys:manage/ }));
  await page.keyboard.press("Space");
  await expect(dialog.getByText(/It also starts placements/)).toBeVisible();
  await tabTo(page, dialog.getByLabel("Expires"));
  await dialog.getByLabel("Expires").selectOption({ label: "On a date" });
  await tabTo(page, dialog.getByRole("button", { name: "Make key" }));
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("Choose the last day on which it works.")).toBeVisible();
  await expect(dialog.getByLabel("Last day")).toBeFocused();
  const last = new Date(Date.now() + 5 * DAY).toISOString().slice(0, 10);
  await dialog.getByLabel("Last day").fill(last);
  await look(page, "api-new");
  await page.keyboard.press("Escape");
  await expect(dialog.getByText("Discard what you typed?")).toBeVisible();
  await dialog.getByRole("button", { name: "Keep editing" }).press("Enter");
  await tabTo(page, dialog.getByRole("button", { name: "Make key" }));
  await page.keyboard.press("Enter");
  await expect(dialog.getByRole("button", { name: "Copy key" })).toBeFocused();
  const key = await store(page);
  const row = keyRow(page, "Reporting");
  await expect(row).toContainText(/Expires in [56] days/);
  await expect(row.getByRole("list", { name: "Scopes of Reporting" }).getByRole("listitem")).toHaveText(["read", "keys:manage"]);
  expect(await ask(demo, key)).toBe(200);

  // The card's key passes on its scopes and its expiry.
  await apiCard(page).getByRole("button", { name: "Generate API Key" }).click();
  await expect(dialog.getByText(/takes over the scopes read and agents:manage, and its expiry/)).toBeVisible();
  await dialog.getByRole("button", { name: "Replace key" }).click();
  await store(page);
  const { apiKeys } = await script.send<{ apiKeys: { name: string; state: string; scopes: string[]; expiresAt: string }[] }>(
    "{ apiKeys { name state scopes expiresAt } }",
  );
  const now = apiKeys.find((key) => key.name === "Default" && key.state === "ACTIVE");
  expect(now?.scopes).toEqual(["READ", "AGENTS_MANAGE"]);
  expect(Date.parse(now?.expiresAt ?? "")).toBe(Date.parse(expiresAt));

  // From the confirmation there is a way without a gap.
  await apiCard(page).getByRole("button", { name: "Generate API Key" }).click();
  await dialog.getByRole("button", { name: "rotate it with an overlap" }).click();
  await expect(dialog.getByRole("heading", { name: "Rotate Default" })).toBeVisible();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(openDialog(page)).toHaveCount(0);
  await script.close();
});

test("API access is switched off and on, and keeps its keys", async ({ page, demo, watch }) => {
  // A7, A4; checklist 29.
  watch.expect(/net::ERR_FAILED/);
  await connect(demo);
  await logIn(page, PEOPLE.admin, PAGES.api);
  const card = apiCard(page);
  await card.getByRole("button", { name: "Connect" }).click();
  await openDialog(page).getByRole("button", { name: "Generate API Key" }).click();
  const key = await store(page);
  await card.getByRole("button", { name: "Manage" }).click();
  await expect(card.getByRole("button", { name: "Copy GraphQL address" })).toBeVisible();
  await expect(card.getByText(`${demo.url}/graphql`, { exact: true })).toBeVisible();
  await look(page, "api-manage");
  const access = card.getByRole("switch", { name: "API access" });
  await cutOff(page, "UpdateApiAccess");
  await access.uncheck({ force: true }).catch(() => undefined);
  await expect(card.getByRole("alert")).toContainText("Ringfence did not answer");
  await expect(access).toBeChecked();
  await page.unrouteAll({ behavior: "wait" });
  await access.uncheck();
  await expect(toast(page)).toContainText("Every key is answered 403, and kept.");
  await expect(card.getByText("API access is off", { exact: true })).toBeVisible();
  await expect(keyRow(page, "Default")).toContainText("On hold");
  expect(await ask(demo, key)).toBe(403);
  await look(page, "api-off");
  await card.getByRole("button", { name: "Switch on" }).click();
  await expect(card.getByText("On", { exact: true })).toBeVisible();
  expect(await ask(demo, key)).toBe(200);
});

/** A key as the server lists it. */
function listed(name: string, more: Record<string, unknown> = {}) {
  const at = (days: number) => new Date(Date.now() + days * DAY).toISOString();
  return {
    id: name,
    name,
    hint: "4f2A",
    scopes: ["READ", "CALLS_TRIGGER"],
    state: "ACTIVE",
    createdAt: at(-20),
    expiresAt: null as string | null,
    endsAt: null as string | null,
    revokedAt: null as string | null,
    lastUsedAt: at(-0.01),
    isDueForRotation: false,
    createdBy: { name: PEOPLE.admin.name } as { name: string } | null,
    usage: Array.from({ length: 26 }, (_, back) => ({
      date: at(-back).slice(0, 10),
      requestCount: 40 + ((back * 37) % 90),
      errorCount: back % 6 === 0 ? 3 + back : 0,
    })),
    ...more,
  };
}

/** Has the page read these keys, which would take the server months. */
async function show(page: Page, apiKeys: unknown[], isInPlan = true): Promise<void> {
  const apiAccess = { isOn: true, isInPlan, requestsPerMinutePerKey: 100, requestsPerMinutePerAgency: 500 };
  await route(page, "ListApiKeys", (route) => route.fulfill({ json: { data: { apiKeys, apiAccess } } }));
}

test("each state of a key says what it is and what to do", async ({ page }) => {
  // A3; checklist 18, 19, 37.
  const at = (days: number) => new Date(Date.now() + days * DAY).toISOString();
  await logIn(page, PEOPLE.owner, PAGES.overview);
  await show(page, [
    listed("Default"),
    listed("Default", { id: "before", hint: "9xYz", state: "ENDING", endsAt: at(0.95) }),
    listed("Nightly export", { isDueForRotation: true, createdAt: at(-94), scopes: ["READ"], expiresAt: at(120) }),
    listed("Call centre", { expiresAt: at(4.5), lastUsedAt: null, usage: [], scopes: ["CALLS_TRIGGER"] }),
    listed("Provisioning", { createdBy: null, state: "SUSPENDED", scopes: ["READ", "CALLS_TRIGGER", "AGENTS_MANAGE", "KEYS_MANAGE"] }),
    listed("Old script", { state: "REVOKED", revokedAt: at(-3) }),
    listed("Leaked in a repository", { state: "EXPOSED", revokedAt: at(-12) }),
    listed("Trial", { state: "EXPIRED", expiresAt: at(-40) }),
  ]);
  await page.goto(PAGES.api);
  const table = page.getByRole("table", { name: "API keys in use" });
  await expect(table.locator("tbody").getByRole("row")).toHaveCount(5);
  await expect(page.getByText("5 of 20 in use")).toBeVisible();
  await expect(keyRow(page, "Default").nth(1)).toContainText("Ends in 23 h");
  await expect(keyRow(page, "Nightly export")).toContainText("Due for rotation");
  await expect(keyRow(page, "Nightly export")).toContainText("Older than 90 days");
  await expect(keyRow(page, "Call centre")).toContainText("Expires in 5 days");
  await expect(keyRow(page, "Call centre")).toContainText("Never used");
  await expect(keyRow(page, "Provisioning")).toContainText("Suspended");
  await expect(keyRow(page, "Provisioning")).toContainText("Its maker is suspended or left");
  await page.getByText("3 keys that ended").click();
  await page.evaluate(() => window.scrollTo(0, 0));
  await look(page, "api-states");

  await keyRow(page, "Nightly export").getByRole("button", { name: /show the use of Nightly export day by day/ }).click();
  const byDay = openDialog(page).getByRole("table", { name: "Requests by day" });
  await expect(byDay.locator("tbody").getByRole("row")).toHaveCount(26);
  await look(page, "api-use");
  await page.keyboard.press("Escape");
  await expect(openDialog(page)).toHaveCount(0);
});

test("twenty keys with long names fit, and another is not offered", async ({ page }) => {
  // A3; look.md: narrow screens.
  await logIn(page, PEOPLE.admin, PAGES.overview);
  const long = "Synchronisation of the appointment calendar with the practice management system of Northside Dental";
  await show(
    page,
    Array.from({ length: 20 }, (_, number) => listed(number === 3 ? long : number === 4 ? "W".repeat(100) : `Worker ${number + 1}`, { id: `${number}` })),
  );
  await page.goto(PAGES.api);
  await expect(page.getByText("20 of 20 in use. Revoke one that is not needed before you make another.")).toBeVisible();
  await expect(page.getByRole("button", { name: /New key|Generate/ })).toHaveCount(0);
  await look(page, "api-twenty");
});

test("a plan without the API says what it is, and has no dead buttons", async ({ page }) => {
  // A4.
  await logIn(page, PEOPLE.owner, PAGES.overview);
  await show(page, [listed("Default")], false);
  await page.goto(PAGES.api);
  const card = apiCard(page);
  await expect(card.getByText("Not in your plan", { exact: true })).toBeVisible();
  await expect(card.getByText("The plan of this agency has no API")).toBeVisible();
  await expect(card.getByText(`ringfence admin set-plan ${AGENCY} agency`)).toBeVisible();
  await expect(page.getByRole("button", { name: /Connect|Generate|Manage|New key|Rotate/ })).toHaveCount(0);
  await expect(keyRow(page, "Default").getByRole("button", { name: "Revoke" })).toBeVisible();
  await look(page, "api-no-plan");
});

test("a key that somebody found is revoked, and its alert leads to the keys", async ({ page, demo }) => {
  // A9, R8.
  const script = await Script.as(demo, PEOPLE.admin);
  const { generateApiKey } = await script.send<{ generateApiKey: { secret: string } }>(
    "mutation($input: GenerateApiKeyInput!) { generateApiKey(input: $input) { secret } }",
    { input: { name: "Default" } },
  );
  await fetch(`${demo.url}/api/v1/keys/exposed`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ key: generateApiKey.secret }),
  });
  await logIn(page, PEOPLE.admin, PAGES.alerts);
  const alert = page.getByRole("list", { name: "Alerts" }).getByRole("listitem");
  await expect(alert).toContainText("API key exposed");
  await alert.getByRole("link", { name: "Open the API's keys" }).click();
  await expect(page).toHaveURL(PAGES.api);
  await page.getByText("1 key that ended").click();
  await expect(page.getByRole("list", { name: "Keys that ended" }).getByRole("listitem")).toContainText("Exposed");
  await script.close();
});

test("webhooks are the other tab, and their former address leads there", async ({ page }) => {
  // look.md: deep links, Back; checklist 40.
  await logIn(page, PEOPLE.admin, PAGES.api);
  await expect(apiCard(page)).toBeVisible();
  const tabs = page.getByRole("navigation", { name: "API & Webhooks", exact: true });
  await tabs.getByRole("link", { name: "Webhooks" }).click();
  await expect(page).toHaveURL(PAGES.webhooks);
  await expect(page).toHaveTitle("Webhooks · Ringfence");
  await expect(tabs.getByRole("link", { name: "Webhooks" })).toHaveAttribute("aria-current", "page");
  await expect(page.getByRole("heading", { name: "No endpoints yet" })).toBeVisible();
  await page.goBack();
  await expect(apiCard(page)).toBeVisible();
  await page.goto(`/a/${AGENCY}/settings/webhooks`);
  await expect(page).toHaveURL(PAGES.webhooks);
  await expect(page.getByRole("heading", { name: "No endpoints yet" })).toBeVisible();
});

test("staff find no API keys", async ({ page }) => {
  // P1.
  await logIn(page, PEOPLE.staff);
  const main = page.getByRole("navigation", { name: "Main" });
  await expect(main.getByRole("link", { name: /^Alerts/ })).toBeVisible();
  await expect(main.getByRole("link", { name: "API & Webhooks" })).toHaveCount(0);
  await page.goto(PAGES.api);
  await expect(page.getByRole("alert")).toContainText("Your role does not allow this");
  await expect(apiCard(page)).toHaveCount(0);
});
