// Phone numbers: who answers which, how each stands, and the way between a number and its agent.

import { PAGES, PEOPLE, Script, connect, logIn, sidePanel } from "../support/app";
import { expect, test } from "../support/test";

test("numbers are searched, narrowed and opened, and lead to the agent that answers", async ({ page, context, demo }) => {
  // S1; look.md: table, words; checklist 39.
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await connect(demo);
  await logIn(page, PEOPLE.staff);
  await page.getByRole("link", { name: "Phone numbers: 12" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Numbers" })).toBeFocused();
  const count = page.locator(".count");
  const names = page.getByRole("rowheader");
  await expect(count).toHaveText("12 numbers");
  await expect(names).toHaveCount(12);

  await test.step("chips narrow the list, and stand in the address", async () => {
    await page.getByRole("button", { name: "Not answered" }).click();
    await expect(page).toHaveURL(`${PAGES.numbers}?answered=no`);
    await expect(count).toHaveText(/^\d+ numbers? found$/);
    const unanswered = Number.parseInt(await count.innerText(), 10);
    await expect(page.getByRole("cell", { name: "Nobody" })).toHaveCount(unanswered);
    await page.getByRole("button", { name: "Answered", exact: true }).click();
    await expect(count).toHaveText(`${12 - unanswered} numbers found`);
    await expect(page).toHaveURL(`${PAGES.numbers}?answered=yes`);
    await page.getByRole("button", { name: "Blocked" }).click();
    await expect(page).toHaveURL(`${PAGES.numbers}?answered=yes&status=blocked`);
    await page.goBack();
    await page.goBack();
    await page.goBack();
    await expect(count).toHaveText("12 numbers");
  });

  await test.step("search by a part of the number, and sort", async () => {
    const last = (await names.last().innerText()).trim();
    await page.getByRole("columnheader", { name: "Number" }).getByRole("link").click();
    await expect(names.first()).toHaveText(last);
    await page.keyboard.press("/");
    const digits = (await names.nth(3).innerText()).replaceAll(/[^\d]/g, "");
    await page.keyboard.type(digits.slice(-7));
    await expect(count).toHaveText("1 number found");
    await page.goto(PAGES.numbers);
  });

  await test.step("the panel: formatted, copied as E.164, status in words, closed by Escape", async () => {
    const answered = page.getByRole("row").filter({ hasText: "Active" }).filter({ hasNotText: "Nobody" }).first();
    const link = answered.getByRole("rowheader").getByRole("link");
    const shown = (await link.innerText()).trim();
    expect(shown).toMatch(/^\+\d{1,3} \d/);
    await answered.getByRole("cell").last().click();
    const panel = sidePanel(page);
    await expect(panel.getByRole("heading", { level: 2 })).toHaveText(shown);
    await expect(panel.getByRole("heading", { level: 2 })).toBeFocused();
    await expect(panel.getByText("In service: calls get through.")).toBeVisible();
    await panel.getByRole("button", { name: `Copy number ${shown}` }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(shown.replaceAll(" ", ""));
    await expect(names).toHaveCount(12);
    await page.reload();
    await expect(panel.getByRole("heading", { level: 2 })).toHaveText(shown);
    await page.keyboard.press("Escape");
    await expect(panel).toHaveCount(0);
    await page.goBack();
    await expect(panel.getByRole("heading", { level: 2 })).toHaveText(shown);

    const agent = panel.locator(".panel-agent").getByRole("link");
    const name = await agent.innerText();
    await agent.click();
    await expect(page).toHaveURL(/\/agents\?agent=/);
    await expect(sidePanel(page).getByRole("heading", { level: 2 })).toHaveText(name);
    await sidePanel(page).getByRole("link", { name: /in Numbers$/ }).click();
    await expect(page).toHaveURL(/\/numbers\?agent=/);
    await expect(page.getByRole("link", { name: `Answered by ${name}. Show all numbers` })).toBeVisible();
    await expect(names.filter({ hasText: shown })).toHaveCount(1);
    await page.getByRole("link", { name: /Show all numbers$/ }).click();
    await expect(count).toHaveText("12 numbers");
  });
});

test("a link to a number that is not here says so", async ({ page, demo }) => {
  // A5; look.md: errors.
  await connect(demo);
  await logIn(page, PEOPLE.staff, `${PAGES.numbers}?number=01a1ff0a-168a-73f1-be84-1b68058b55d9`);
  await expect(sidePanel(page).getByText("This number is not here")).toBeVisible();
  await expect(page.getByRole("rowheader")).toHaveCount(12);
  await page.keyboard.press("Escape");
  await expect(sidePanel(page)).toHaveCount(0);
});

test("many numbers are paged by the server, and a link opens one of another page", async ({ page, demo }) => {
  // S7.
  const key = "key-of-many-numbers-0001";
  await demo.sandbox.addAccount(key, 30, 1_200);
  const script = await Script.as(demo, PEOPLE.admin);
  await script.saveKey(key);
  await script.syncEnded();
  await script.close();
  await logIn(page, PEOPLE.staff, PAGES.numbers);
  const pages = page.getByRole("navigation", { name: "Pages of numbers" });
  await expect(pages).toContainText("1–50 of 1,200");
  const first = await page.getByRole("rowheader").first().innerText();
  await pages.getByRole("link", { name: "Next" }).click();
  await expect(pages).toContainText("51–100 of 1,200");
  await expect(page.getByRole("rowheader").first()).not.toHaveText(first);
  await page.getByRole("rowheader").first().getByRole("link").click();
  await expect(pages).toContainText("51–100 of 1,200");
  await expect(sidePanel(page).getByRole("heading", { name: "Answered by" })).toBeVisible();
  const shown = await sidePanel(page).getByRole("heading", { level: 2 }).innerText();
  const id = new URL(page.url()).searchParams.get("number");
  await pages.getByRole("link", { name: "Previous" }).click();
  await expect(page.getByRole("rowheader").first()).toHaveText(first);

  await page.goto(`${PAGES.numbers}?number=${id}`);
  await expect(pages).toContainText("1–50 of 1,200");
  await expect(page.getByRole("rowheader").filter({ hasText: shown })).toHaveCount(0);
  await expect(sidePanel(page).getByRole("heading", { level: 2 })).toHaveText(shown);
  await expect(sidePanel(page).getByText("In service: calls get through.")).toBeVisible();
});
