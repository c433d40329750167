// Each voice provider in the browser, from its key to the agents and numbers of its account: what the three have in common is
// played the same way, and what a provider does not tell is shown as such.

import { Card, PAGES, PEOPLE, logIn, recordProgress, sidePanel, toast } from "../support/app";
import { expect, test } from "../support/test";

interface Story {
  provider: string;
  key: string;
  /** As the sandbox's account is called; the provider's id of it where it has no name. */
  account: RegExp;
  /** What the bar says that the sync reads. */
  phases: string[];
  contents: string;
  agent: { name: string; model: string; voice: string; language: string; prompt: RegExp };
  number: { shown: string; answeredBy: string; status: string; carrier: string };
}

const STORIES: Story[] = [
  {
    provider: "Vapi",
    key: "sandbox-vapi-good-agency-k7Qd",
    account: /^Account [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    phases: ["Agents", "Numbers"],
    contents: "40 agents, 12 numbers",
    agent: { name: "Northside Dental – Reception", model: "openai gpt-4.1", voice: "11labs", language: "en", prompt: /^You are Maya/ },
    number: { shown: "+1 503 555 0142", answeredBy: "Northside Dental – Reception", status: "Active", carrier: "Vapi" },
  },
  {
    provider: "Retell",
    key: "sandbox-retell-good-agency-h5Tn",
    account: /^Account Northside Voice$/,
    phases: ["Agents", "Reading details:", "Numbers", "Voices"],
    contents: "36 agents, 10 numbers, 10 voices",
    agent: { name: "Northside Dental – Reception", model: "openai gpt-4.1", voice: "11labs 11labs-Myra", language: "en-US", prompt: /^You are Maya/ },
    number: { shown: "+1 503 555 0162", answeredBy: "Northside Dental – Reception", status: "Active", carrier: "Twilio, by Retell" },
  },
  {
    provider: "Bland",
    key: "sandbox-bland-good-agency-h5Tg",
    account: /^Account [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    phases: ["Agents", "Reading details:", "Numbers", "Voices"],
    contents: "37 agents, 11 numbers, 8 voices",
    agent: { name: "Northside Dental – Recepción", model: "not told", voice: "bland paola", language: "es", prompt: /^Eres Sofía/ },
    number: { shown: "+1 503 555 0143", answeredBy: "Northside Dental – Recepción", status: "Active", carrier: "not told" },
  },
];

for (const { provider, key, account, phases, contents, agent, number } of STORIES) {
  test.describe(provider, () => {
    test.use({ pageDelayMs: 400 });

    test("its key is saved, its sync is watched, its agents and numbers are opened", async ({ page }) => {
      // K3, K5, S1, S2, X4; checklist 2, 3, 11, 14, 16, 17.
      await logIn(page, PEOPLE.admin, PAGES.keys);
      const card = new Card(page, provider);
      const seen = await recordProgress(page);

      await test.step("save the key; the card names the account", async () => {
        await expect(card.badge("Not connected")).toBeVisible();
        await card.save(key);
        await expect(toast(page)).toHaveText(new RegExp(`^${provider} key saved and tested\\.`));
        await expect(card.badge("Working")).toBeVisible();
        await expect(card.mask).toHaveText(new RegExp(`${key.slice(-4)}$`));
        await expect(card.root.locator(".key-line").getByText(account)).toBeVisible();
        for (const ability of ["Can list agents", "Can list numbers"]) {
          await expect(card.capabilities.filter({ hasText: ability })).toBeVisible();
        }
      });

      await test.step("the bar goes through its phases", async () => {
        await card.synced();
        const read = (await seen()).map(({ text }) => text.replace(/ [\d,]+( of [\d,]+)?$/, ""));
        expect([...new Set(read)]).toEqual(expect.arrayContaining(phases));
        await expect(card.root.getByText(contents)).toBeVisible();
      });

      const main = page.getByRole("navigation", { name: "Main" });
      const panel = sidePanel(page);
      const fact = (name: string) =>
        panel.locator(".facts > div").filter({ has: page.getByRole("term").filter({ hasText: new RegExp(`^${name}$`) }) }).getByRole("definition");

      await test.step("an agent with its prompt, voice, language and model", async () => {
        await main.getByRole("link", { name: "Agents" }).click();
        await expect(page.locator(".count")).toHaveText(`${contents.split(",")[0]}`);
        await page.getByRole("rowheader").getByRole("link", { name: agent.name, exact: true }).click();
        await expect(panel.getByRole("heading", { level: 2 })).toHaveText(agent.name);
        await expect(fact("Model")).toHaveText(agent.model);
        await expect(fact("Voice")).toContainText(agent.voice);
        await expect(fact("Language")).toContainText(agent.language);
        await expect(panel.locator("section", { has: page.getByRole("heading", { name: "Prompt" }) }).locator(".prose")).toHaveText(agent.prompt);
        await expect(panel.locator(".number-list")).toContainText(number.shown);
        await expect(fact("Provider")).toContainText(provider);
      });

      await test.step("a number with who answers it", async () => {
        await main.getByRole("link", { name: "Numbers" }).click();
        await page.getByRole("rowheader").getByRole("link", { name: number.shown, exact: true }).click();
        await expect(panel.getByRole("heading", { level: 2 })).toHaveText(number.shown);
        await expect(panel.locator(".panel-status")).toContainText(number.status);
        await expect(fact("Carrier")).toHaveText(number.carrier);
        await expect(panel.locator(".panel-agent").getByRole("link")).toHaveText(number.answeredBy);
      });
    });
  });
}
