// Calls as people see them: the list that moves by itself, the panel of one call, the charts with their tables, today on the
// overview, a call that is placed by hand with its price, and the same rooms for a client's people.

import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { KEYS, PAGES, PEOPLE, Script, connect, logIn, openDialog, recordSpoken, sidePanel, toast } from "../support/app";
import { NUMBERS, answerLargeList, answerMonthOfFigures, written } from "../support/calls";
import { tabTo } from "../support/keyboard";
import { look } from "../support/look";
import { AGENCY_NAME, Answers, CLIENT, Client, ROOMS, enter } from "../support/portal";
import type { Demo } from "../support/server";
import { expect, test } from "../support/test";
import { cutOff, hold } from "../support/traffic";

test.describe.configure({ timeout: 180_000 });

const rows = (page: Page) => page.locator("tbody").getByRole("row");
const row = (page: Page, number: string) => rows(page).filter({ hasText: written(number) });
/** Calls are looked at each few seconds while they go on. */
const MOVES = { timeout: 30_000 };

/** An agency with agents that can call. */
async function start(demo: Demo, count = 1): Promise<{ script: Script; agents: { id: string; name: string }[] }> {
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  return { script, agents: await script.callers(count) };
}

/** Opens the dialog of an agent from its panel. */
async function openTestCall(page: Page, agent: { id: string }): Promise<void> {
  await page.goto(`${PAGES.agents}?agent=${agent.id}`);
  await sidePanel(page).getByRole("button", { name: "Test call · costs money" }).click();
  await expect(openDialog(page)).toBeVisible();
}

test("calls appear by themselves, move, and end with why and what they cost", async ({ page, demo }) => {
  // C5; look.md: table, empty.
  const { script, agents } = await start(demo);
  const [agent] = agents;
  if (!agent) throw new Error("no agent");
  await logIn(page, PEOPLE.staff);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Calls" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Calls" })).toBeFocused();
  await expect(page.getByRole("heading", { name: "No calls yet" })).toBeVisible();
  await look(page, "calls-empty");

  await script.call(agent.id, NUMBERS.answered);
  const answered = row(page, NUMBERS.answered);
  await expect(answered).toBeVisible();
  await expect(page.locator(".count")).toHaveText("1 call");
  await expect(answered).toContainText(agent.name);
  await expect(answered).toContainText("Agency");
  await script.call(agent.id, NUMBERS.busy);
  await expect(rows(page)).toHaveCount(2);
  await expect(rows(page).first()).toContainText(written(NUMBERS.busy));
  await expect(answered).toContainText("Answered", MOVES);
  await expect(row(page, NUMBERS.busy)).toContainText("Busy", MOVES);
  await expect(answered.locator(".cell-cost")).toHaveText(/^(< )?\$\d+\.\d\d$/, MOVES);

  await answered.getByRole("rowheader").getByRole("link").press("Enter");
  const panel = sidePanel(page);
  await expect(panel.getByRole("heading", { level: 2, name: written(NUMBERS.answered) })).toBeFocused();
  const way = panel.getByRole("list", { name: "Timeline of this call" });
  await expect(way).toContainText("Asked for");
  await expect(way).toContainText("hung up");
  await expect(panel.getByRole("heading", { name: "Whose account" })).toBeVisible();
  await expect(panel).toContainText("The agency's Vapi key was used, and its account paid.");
  await expect(panel.getByRole("heading", { name: "In Vapi's own words" })).toBeVisible();
  await expect(panel.getByRole("button", { name: /^Copy call id/ })).toBeVisible();
  await expect(panel).not.toContainText("version");
  await page.keyboard.press("Escape");
  await expect(answered.getByRole("rowheader").getByRole("link")).toBeFocused();
  await script.close();
});

test("a call of each kind, with its panel", async ({ page, demo }) => {
  // C5; checklist 18, 40. The key's version and the account are for those who may see them.
  const { script, agents } = await start(demo);
  const [agent] = agents;
  if (!agent) throw new Error("no agent");
  for (const number of Object.values(NUMBERS)) await script.call(agent.id, number);
  const lost = await demo.sandbox.inject({ method: "POST", path: "/vapi/call", times: 1, effect: { kind: "cut_body" } });
  await script.call(agent.id, "+14155550199");
  await lost();
  await script.callsAre(3, "COMPLETED");
  await script.callsAre(1, "BUSY");
  await script.callsAre(1, "NO_ANSWER");
  await script.callsAre(2, "FAILED");
  await logIn(page, PEOPLE.admin, PAGES.calls);
  await expect(rows(page)).toHaveCount(8);
  await expect(row(page, NUMBERS.neverEnds)).toContainText("In progress");
  await look(page, "calls-full");

  const panel = sidePanel(page);
  await row(page, NUMBERS.answered).getByRole("rowheader").getByRole("link").click();
  await expect(panel).toContainText("version 1");
  await expect(panel).toContainText(PEOPLE.admin.name);
  await look(page, "call");
  await panel.getByRole("button", { name: "Close panel" }).click();
  await row(page, NUMBERS.noFunds).getByRole("rowheader").getByRole("link").click();
  await expect(panel.getByText("The account had no funds").first()).toBeVisible();
  await look(page, "call-failed");
  await panel.getByRole("button", { name: "Close panel" }).click();

  await page.getByRole("combobox", { name: "Result" }).selectOption("Failed");
  await expect(page).toHaveURL(/result=failed/);
  await expect(page.locator(".count")).toHaveText("2 calls found");
  await page.getByRole("combobox", { name: "Result" }).selectOption("Not answered");
  await expect(page.locator(".count")).toHaveText("2 calls found");
  await page.getByRole("combobox", { name: "Result" }).selectOption("Any result");
  await page.getByRole("combobox", { name: "Who pays" }).selectOption("Client pays");
  await expect(page.getByRole("heading", { name: "No call matches" })).toBeVisible();
  await look(page, "calls-filtered-empty");
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(rows(page)).toHaveCount(8);
  await page.getByRole("button", { name: "Agent", exact: true }).click();
  await openDialog(page).getByRole("searchbox", { name: "Search agents" }).fill(agent.name);
  await look(page, "calls-agent");
  await openDialog(page).getByRole("link", { name: agent.name, exact: true }).first().click();
  await expect(page).toHaveURL(/agent=/);
  await expect(page.getByRole("link", { name: `Agent: ${agent.name}. Show all calls` })).toBeVisible();
  await expect(page.locator(".count")).toHaveText("8 calls found");
  await page.goBack();
  await expect(page.locator(".count")).toHaveText("8 calls");
  await page.getByRole("combobox", { name: "Days" }).selectOption("Custom days");
  await page.getByLabel("To", { exact: true }).fill("2020-01-31");
  await expect(page).toHaveURL(/when=custom&to=2020-01-31/);
  await expect(page.getByRole("heading", { name: "No call matches" })).toBeVisible();
  await look(page, "calls-custom-days");
  await page.getByRole("combobox", { name: "Days" }).selectOption("Today");
  await expect(page).toHaveURL(`${PAGES.calls}?when=today`);
  await expect(page.locator(".count")).toHaveText("8 calls found");

  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export CSV" }).click();
  const text = await readFile(await (await downloading).path(), "utf8");
  const lines = text.trim().split("\r\n");
  expect(lines[0]).toContain("id,asked for,answered,ended,direction,from,to,agent,client,provider,paid by,status,reason");
  expect(lines).toHaveLength(9);
  // A number begins with a plus sign, which a spreadsheet would take for a formula.
  expect(lines.find((line) => line.includes(NUMBERS.busy))).toContain(`"'${NUMBERS.busy}"`);
  await expect(toast(page)).toContainText("8 calls written to calls.csv.");

  await page.getByRole("link", { name: "Charts" }).click();
  await expect(page).toHaveURL(`${PAGES.charts}?when=today`);
  const day = page.getByRole("group", { name: /^Calls per day/ }).getByRole("img");
  await expect(day).toHaveCount(1);
  await expect(day).toHaveAccessibleName(/: 8 calls, 3 answered, 2 not answered, 2 failed/);
  await look(page, "charts-one-day");
  await page.goto(PAGES.overview);
  const today = page.getByRole("region", { name: "Calls today" });
  await expect(today.getByRole("link", { name: "Calls: 8" })).toBeVisible();
  await look(page, "overview-calls");
  await today.getByRole("link", { name: "Failed: 2" }).click();
  await expect(page).toHaveURL(`${PAGES.calls}?when=today&result=failed`);
  await expect(rows(page)).toHaveCount(2);
  await script.close();
});

test("what nobody knows is said to be so, and that it is never dialled again", async ({ page, demo }) => {
  // C4.
  const { script, agents } = await start(demo);
  const [agent] = agents;
  if (!agent) throw new Error("no agent");
  // The answer is lost, and so is what would be found.
  await demo.sandbox.inject({ method: "POST", path: "/vapi/call", effect: { kind: "cut_body" } });
  await demo.sandbox.inject({ method: "GET", path: "/vapi/call*", effect: { kind: "status", status: 500 } });
  await script.call(agent.id, NUMBERS.answered);
  await logIn(page, PEOPLE.staff, PAGES.calls);
  await expect(row(page, NUMBERS.answered)).toContainText("Unknown");
  await row(page, NUMBERS.answered).getByRole("rowheader").getByRole("link").click();
  await expect(sidePanel(page)).toContainText("Nobody knows yet whether it was dialled");
  await expect(sidePanel(page)).toContainText("It is never dialled again by itself");
  await look(page, "call-unknown");
  await script.close();
});

test("calls: loading, failed, and two hundred with long names", async ({ page, demo, watch }) => {
  // checklist 24, 40; look.md: loading, errors, narrow screens.
  watch.expect(/net::ERR_FAILED/);
  await connect(demo);
  await logIn(page, PEOPLE.admin);
  const answer = await hold(page, "ListCalls");
  await page.goto(PAGES.calls);
  await expect(page.locator("main .skeleton").first()).toBeVisible();
  await look(page, "calls-loading");
  answer();
  await expect(page.getByRole("heading", { name: "No calls yet" })).toBeVisible();
  await page.unrouteAll({ behavior: "wait" });
  await cutOff(page, "ListCalls");
  await page.goto(PAGES.calls);
  await expect(page.getByRole("alert")).toContainText("Ringfence did not answer");
  await look(page, "calls-failed");
  await page.unrouteAll({ behavior: "wait" });

  await answerLargeList(page);
  await page.goto(PAGES.calls);
  await expect(rows(page)).toHaveCount(50);
  await expect(page.locator(".count")).toHaveText("200 calls");
  await expect(page.getByRole("navigation", { name: "Pages of calls" })).toContainText("1–50 of 200");
  await look(page, "calls-large");
});

test("the charts, each with its table, and by the keyboard alone", async ({ page, demo, watch }) => {
  // look.md: charts; checklist 39, 40.
  watch.expect(/net::ERR_FAILED/);
  await connect(demo);
  await logIn(page, PEOPLE.admin);
  const answer = await hold(page, "GetCallStats");
  await page.goto(PAGES.charts);
  await expect(page.locator("main .skeleton").first()).toBeVisible();
  await look(page, "charts-loading");
  answer();
  await expect(page.getByRole("heading", { name: "No calls in these days" })).toBeVisible();
  await look(page, "charts-empty");
  await page.unrouteAll({ behavior: "wait" });
  await cutOff(page, "GetCallStats");
  await page.goto(PAGES.charts);
  await expect(page.getByRole("alert")).toContainText("Ringfence did not answer");
  await page.unrouteAll({ behavior: "wait" });

  await answerMonthOfFigures(page);
  await page.goto(PAGES.charts);
  const days = page.getByRole("group", { name: /^Calls per day/ }).getByRole("img");
  await expect(days).toHaveCount(30);
  await look(page, "charts");
  await tabTo(page, days.last());
  await page.keyboard.press("Home");
  await expect(days.first()).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(days.nth(1)).toBeFocused();
  await expect(page.locator(".chart-told")).toHaveText((await days.nth(1).getAttribute("aria-label")) ?? "");
  await page.keyboard.press("End");
  await expect(days.last()).toBeFocused();
  for (const name of ["Calls per day", "Talk time and cost, by who pays", "Why calls did not get through"]) {
    const card = page.getByRole("region", { name, exact: true });
    await card.getByRole("button", { name: "Table", exact: true }).click();
    await expect(card.getByRole("table")).toBeVisible();
  }
  // The days without calls stand in the table, too.
  await expect(page.getByRole("region", { name: "Calls per day" }).getByRole("row")).toHaveCount(31);
  await look(page, "charts-tables");
});

test("a test call says what it costs and who pays, and is followed to its end", async ({ page, demo }) => {
  // C1, C2; look.md: words, dialog.
  const { script, agents } = await start(demo);
  const [agent] = agents;
  if (!agent) throw new Error("no agent");
  await logIn(page, PEOPLE.staff, PAGES.agents);
  await openTestCall(page, agent);
  const dialog = openDialog(page);
  await expect(dialog).toContainText("The agency pays, over its Vapi account.");
  await expect(dialog).toContainText(/Calls from\s*\+/);
  await expect(dialog.getByRole("button", { name: "Place call · costs money" })).toBeVisible();
  const field = dialog.getByLabel("Number to call");
  await expect(field).toBeFocused();
  await look(page, "test-call");
  await field.fill("555 0100");
  await page.keyboard.press("Enter");
  await expect(field).toBeFocused();
  await expect(field).toHaveAccessibleDescription(/with its country code/);
  await look(page, "test-call-wrong-number");
  expect(await demo.sandbox.dialled(NUMBERS.answered)).toBe(0);

  const spoken = await recordSpoken(page);
  await field.fill("+1 (415) 555-0100");
  await page.keyboard.press("Enter");
  const way = dialog.getByRole("list", { name: "Timeline of this call" });
  await expect(way).toContainText("Asked for");
  await look(page, "test-call-underway");
  await expect(way).toContainText("hung up", MOVES);
  await expect(dialog.locator(".badge")).toHaveText("Answered");
  await look(page, "test-call-over");
  expect(await spoken()).toEqual(expect.arrayContaining([expect.stringMatching(/^Answered: .* hung up\.$/)]));
  expect(await demo.sandbox.dialled(NUMBERS.answered)).toBe(1);
  await dialog.getByRole("link", { name: "Open in Calls" }).click();
  await expect(page).toHaveURL(/\/calls\?call=/);
  await expect(sidePanel(page)).toContainText("Test call");

  await answerMonthOfFigures(page);
  await openTestCall(page, agent);
  await expect(dialog.getByRole("button", { name: "Place call · about $0.12 a minute" })).toBeVisible();
  await look(page, "test-call-priced");
  await script.close();
});

test("an answer that was lost dials nobody twice", async ({ page, demo, watch }) => {
  // C3.
  watch.expect(/net::ERR_FAILED/);
  const { script, agents } = await start(demo);
  const [agent] = agents;
  if (!agent) throw new Error("no agent");
  await logIn(page, PEOPLE.staff, PAGES.agents);
  await openTestCall(page, agent);
  const dialog = openDialog(page);
  await dialog.getByLabel("Number to call").fill(NUMBERS.answered);
  let isFirst = true;
  await page.route("**/graphql", async (route) => {
    const body = route.request().postDataJSON() as { operationName?: string };
    if (body.operationName !== "TriggerCall" || !isFirst) return route.fallback();
    isFirst = false;
    // The server has done it, and the page does not hear of it.
    await route.fetch();
    await route.abort();
  });
  await page.keyboard.press("Enter");
  await expect(dialog.getByRole("alert")).toContainText("never dialled twice");
  await look(page, "test-call-lost");
  await dialog.getByRole("button", { name: /^Place call/ }).click();
  await expect(dialog.getByRole("list", { name: "Timeline of this call" })).toBeVisible();
  expect(await demo.sandbox.dialled(NUMBERS.answered)).toBe(1);
  await script.close();
});

test("what blocks a test call stands in the place of a dead button", async ({ page, demo }) => {
  // R6; look.md: say what next.
  const { script, agents } = await start(demo);
  const [agent] = agents;
  if (!agent) throw new Error("no agent");
  await logIn(page, PEOPLE.admin, PAGES.agents);
  await demo.sandbox.addAccount("key-of-an-other-account-0009", 3, 1);
  const { agents: all } = await script.send<{ agents: { nodes: { id: string }[] } }>("{ agents(first: 100) { nodes { id } } }");
  const callers = new Set((await script.callers(5)).map(({ id }) => id));
  const mute = all.nodes.find(({ id }) => !callers.has(id));
  if (!mute) throw new Error("each agent has a number");
  await openTestCall(page, mute);
  await expect(openDialog(page)).toContainText("There is no number to call from");
  await expect(openDialog(page).getByRole("button", { name: /^Place call/ })).toHaveCount(0);
  await look(page, "test-call-no-number");
  await page.keyboard.press("Escape");

  await script.saveKey(KEYS.noFunds);
  await openTestCall(page, agent);
  await expect(openDialog(page)).toContainText(/Nothing would be dialled|likely to refuse/);
  await look(page, "test-call-blocked");
  await script.close();
});

test("a client's people see their client's calls without cost, and place one", async ({ page, demo }) => {
  // P1, P2, P3.
  const client = await Client.make(demo, 0);
  const [own, other] = await client.script.callers(2);
  if (!own || !other) throw new Error("two agents are needed");
  await client.script.send("mutation($input: AssignAgentsInput!) { assignAgents(input: $input) { assignedCount } }", {
    input: { clientId: client.id, agentIds: [own.id] },
  });
  await client.script.call(other.id, NUMBERS.busy);
  await client.script.call(own.id, NUMBERS.answered);
  await client.script.callsAre(1, "COMPLETED");
  const answers = new Answers(page);
  await enter(page, await client.invite(["VIEW_AGENTS", "VIEW_CALLS", "TRIGGER_CALLS"]));
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Calls" }).click();
  await expect(page).toHaveURL(ROOMS.calls);
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page).first()).toContainText(AGENCY_NAME);
  await expect(page.getByRole("columnheader", { name: "Cost" })).toHaveCount(0);
  await look(page, "portal-calls");
  await rows(page).first().getByRole("rowheader").getByRole("link").click();
  await expect(sidePanel(page).getByRole("heading", { name: "Whose account" })).toBeVisible();
  await expect(sidePanel(page)).not.toContainText("Cost");
  await look(page, "portal-call");
  await page.getByRole("link", { name: "Charts" }).click();
  await expect(page.getByRole("group", { name: /^Calls per day/ })).toBeVisible();
  await look(page, "portal-charts");

  await page.goto(`${ROOMS.agents}?agent=${own.id}`);
  await sidePanel(page).getByRole("button", { name: "Place a call · costs money" }).click();
  await expect(openDialog(page)).toContainText(`It is paid as ${AGENCY_NAME} has arranged for ${CLIENT}.`);
  await openDialog(page).getByLabel("Number to call").fill(NUMBERS.voicemail);
  await look(page, "portal-test-call");
  await page.keyboard.press("Enter");
  await expect(openDialog(page).getByRole("list", { name: "Timeline of this call" })).toContainText("machine answered", MOVES);
  expect(await answers.errors()).toEqual([]);
  const told = await answers.text();
  expect(told).not.toContain("amount");
  expect(told).not.toContain("keyVersion");
  expect(told).not.toContain(written(NUMBERS.busy).replaceAll(" ", ""));

  await client.permit(["VIEW_AGENTS", "TRIGGER_CALLS"]);
  await page.goto(ROOMS.agents);
  await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Calls" })).toHaveCount(0);
  await page.goto(`${ROOMS.agents}?agent=${own.id}`);
  await sidePanel(page).getByRole("button", { name: "Place a call · costs money" }).click();
  await openDialog(page).getByLabel("Number to call").fill(NUMBERS.busy);
  await page.keyboard.press("Enter");
  await expect(openDialog(page)).toContainText("The call was placed");
  await client.permit(["VIEW_AGENTS"]);
  await page.goto(`${ROOMS.agents}?agent=${own.id}`);
  await expect(sidePanel(page)).toBeVisible();
  await expect(sidePanel(page).getByRole("button", { name: /costs money/ })).toHaveCount(0);
});
