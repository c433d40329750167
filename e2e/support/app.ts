// The demo's people and keys, and the pages as people find them: by role and label.

import { type APIRequestContext, type Locator, type Page, expect, request } from "@playwright/test";
import type { Demo } from "./server";

export interface Person {
  email: string;
  password: string;
  name: string;
}

/** As `ringfence demo` prints them. */
export const PEOPLE = {
  owner: { email: "owner@demo.test", password: "demo-owner-password", name: "Olivia Hart" },
  admin: { email: "admin@demo.test", password: "demo-admin-password", name: "Amir Haddad" },
  staff: { email: "staff@demo.test", password: "demo-staff-password", name: "Sam Okafor" },
} as const satisfies Record<string, Person>;

/** The sandbox's sample keys, by what it answers to them. */
export const KEYS = {
  good: "sandbox-vapi-good-agency-k7Qd",
  second: "sandbox-vapi-good-second-x4Rm",
  limited: "sandbox-vapi-no-numbers-b3Ht",
  noFunds: "sandbox-vapi-no-funds-t8Ly",
  revoked: "sandbox-vapi-revoked-p9Wn",
  throttled: "sandbox-vapi-throttled-m2Vc",
  down: "sandbox-vapi-down-z6Kp",
} as const;

export const AGENCY = "northside-voice";
export const PAGES = {
  overview: `/a/${AGENCY}`,
  agents: `/a/${AGENCY}/agents`,
  numbers: `/a/${AGENCY}/numbers`,
  calls: `/a/${AGENCY}/calls`,
  charts: `/a/${AGENCY}/calls/charts`,
  clients: `/a/${AGENCY}/clients`,
  keys: `/a/${AGENCY}/settings/api-keys`,
  history: `/a/${AGENCY}/settings/sync-history`,
  audit: `/a/${AGENCY}/settings/audit`,
  api: `/a/${AGENCY}/integrations/api`,
  webhooks: `/a/${AGENCY}/integrations/webhooks`,
  alerts: `/a/${AGENCY}/alerts`,
} as const;

/** Fills the form on the log-in page, wherever it was shown. */
export async function fillLogIn(page: Page, person: Person, password: string = person.password): Promise<void> {
  await page.getByLabel("Email").fill(person.email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}

/** Logs in by the form and goes to a page. */
export async function logIn(page: Page, person: Person, path: string = PAGES.overview): Promise<void> {
  await page.goto(`/log-in?next=${encodeURIComponent(path)}`);
  await fillLogIn(page, person);
  await expect(page).toHaveURL(path);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}

/** The card of a provider on the API keys page. */
export class Card {
  readonly root: Locator;

  constructor(
    readonly page: Page,
    readonly name = "Vapi",
  ) {
    this.root = page.getByRole("region", { name, exact: true });
  }

  get field(): Locator {
    return this.root.getByLabel(`${this.name} key`, { exact: true });
  }

  get error(): Locator {
    return this.root.getByRole("alert");
  }

  get mask(): Locator {
    return this.root.locator(".key-line code.masked");
  }

  get progress(): Locator {
    return this.root.getByRole("progressbar");
  }

  button(name: string): Locator {
    return this.root.getByRole("button", { name, exact: true });
  }

  /** The state at the card's right, such as `Working`. */
  badge(word: string): Locator {
    return this.root.locator(".card-head").getByText(word, { exact: true });
  }

  /** What the key can do. */
  get capabilities(): Locator {
    return this.root.getByRole("list", { name: "What this key can do" }).getByRole("listitem");
  }

  /** Types a key into the empty card and saves it. */
  async save(key: string): Promise<void> {
    await this.field.fill(key);
    await this.button("Save key").click();
  }

  /** Waits for the end of the sync. */
  async synced(): Promise<void> {
    await expect(this.root.getByText(/^Synced/)).toBeVisible({ timeout: 20_000 });
  }
}

/** What a progress bar went through, each state once. */
export interface Progress {
  text: string;
  /** From 0 to 1; -1 while the total is unknown. */
  value: number;
}

/** Writes down each state of the page's progress bars from now on; a bar can move faster than a test looks. */
export async function recordProgress(page: Page): Promise<() => Promise<Progress[]>> {
  await page.evaluate(() => {
    const seen: { text: string; value: number }[] = [];
    (window as unknown as { seenProgress: typeof seen }).seenProgress = seen;
    const look = () => {
      const bar = document.querySelector("progress");
      if (!bar) return;
      const state = { text: bar.getAttribute("aria-label") ?? "", value: bar.position };
      const last = seen.at(-1);
      if (last?.text !== state.text || last.value !== state.value) seen.push(state);
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  return () => page.evaluate(() => (window as unknown as { seenProgress: Progress[] }).seenProgress);
}

/** Writes down what the page's live regions say from now on, until the next load. */
export async function recordSpoken(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const spoken: string[] = [];
    (window as unknown as { spoken: string[] }).spoken = spoken;
    const listen = () => {
      for (const region of document.querySelectorAll("[role=status]")) {
        const text = region.textContent?.trim();
        if (text && !spoken.includes(text)) spoken.push(text);
      }
    };
    new MutationObserver(listen).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return () => page.evaluate(() => (window as unknown as { spoken: string[] }).spoken);
}

/** The panel beside a list. */
export function sidePanel(page: Page): Locator {
  return page.getByRole("complementary").filter({ has: page.getByRole("button", { name: "Close panel" }) });
}

/** The dialog that is open. */
export function openDialog(page: Page): Locator {
  return page.locator("dialog[open]");
}

/** The toast; it says what has just happened. */
export function toast(page: Page): Locator {
  return page.locator(".toast");
}

/** GraphQL as a script speaks it, for what a test needs beforehand and does not prove. */
export class Script {
  private constructor(private readonly context: APIRequestContext) {}

  static async as(demo: Demo, person: Person): Promise<Script> {
    const context = await request.newContext({ baseURL: demo.url, extraHTTPHeaders: { "Ringfence-Agency": AGENCY } });
    const script = new Script(context);
    await script.send("mutation($input: LogInInput!) { logIn(input: $input) { viewer { person { id } } } }", {
      input: { email: person.email, password: person.password },
    });
    return script;
  }

  async send<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
    const response = await this.context.post("/graphql", { data: { query, variables } });
    const answer = (await response.json()) as { data?: T; errors?: { message: string }[] };
    if (answer.errors?.length || answer.data === undefined) throw new Error(JSON.stringify(answer.errors));
    return answer.data;
  }

  /** Saves a Vapi key, over the one that is stored. */
  async saveKey(apiKey: string): Promise<void> {
    const { providerKeys } = await this.send<{ providerKeys: { nodes: { version: number }[] } }>(
      "{ providerKeys(first: 1) { nodes { version } } }",
    );
    const expectedVersion = providerKeys.nodes[0]?.version;
    await this.send("mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { providerKey { version } } }", {
      input: { provider: "VAPI", apiKey, expectedVersion },
    });
  }

  /** A client without agents. */
  async makeEmptyClient(name: string): Promise<string> {
    const { createClient } = await this.send<{ createClient: { client: { id: string } } }>(
      "mutation($input: CreateClientInput!) { createClient(input: $input) { client { id } } }",
      { input: { name } },
    );
    return createClient.client.id;
  }

  /** A client, with the first so many agents that work for nobody else, by name. */
  async makeClient(name: string, agentCount: number): Promise<{ id: string; agents: string[] }> {
    const id = await this.makeEmptyClient(name);
    const { agents } = await this.send<{ agents: { nodes: { id: string }[] } }>(
      "query($first: Int!) { agents(filter: { isAssigned: false }, first: $first) { nodes { id } } }",
      { first: agentCount },
    );
    const agentIds = agents.nodes.map((agent) => agent.id);
    await this.send("mutation($input: AssignAgentsInput!) { assignAgents(input: $input) { assignedCount } }", {
      input: { clientId: id, agentIds },
    });
    return { id, agents: agentIds };
  }

  /** Saves a client's first own Vapi key. */
  async saveClientKey(clientId: string, apiKey: string): Promise<void> {
    await this.send("mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { providerKey { version } } }", {
      input: { provider: "VAPI", clientId, apiKey },
    });
  }

  /** A client's stored Vapi key. */
  async clientKey(clientId: string): Promise<{ id: string; version: number; clearImpact: { acknowledgement: string } }> {
    const { providerKeys } = await this.send<{
      providerKeys: { nodes: { id: string; version: number; clearImpact: { acknowledgement: string } }[] };
    }>("query($clientId: ID!) { providerKeys(clientId: $clientId, provider: [VAPI]) { nodes { id version clearImpact { acknowledgement } } } }", {
      clientId,
    });
    const key = providerKeys.nodes[0];
    if (!key) throw new Error("the client has no key of its own");
    return key;
  }

  /** Ids and names of agents that calls can be placed with, those of a client or of nobody, by name. */
  async callers(count: number): Promise<{ id: string; name: string }[]> {
    const { phoneNumbers } = await this.send<{ phoneNumbers: { nodes: { agent: { id: string; name: string } | null }[] } }>(
      "{ phoneNumbers(filter: { hasAgent: true, status: [ACTIVE] }, first: 50) { nodes { agent { id name } } } }",
    );
    const agents = new Map(phoneNumbers.nodes.flatMap(({ agent }) => (agent ? [[agent.id, agent.name] as const] : [])));
    const callers = [...agents].map(([id, name]) => ({ id, name })).slice(0, count);
    if (callers.length < count) throw new Error(`only ${callers.length} agents have a number`);
    return callers;
  }

  /** Places a call and answers its id; a refused one too, which is listed as failed. */
  async call(agentId: string, phoneNumber: string, isTest = false): Promise<string | undefined> {
    const answer = await this.send<{ triggerCall: { callId: string } }>(
      "mutation($input: TriggerCallInput!) { triggerCall(input: $input) { callId } }",
      { input: { agentId, phoneNumber, isTest } },
    ).catch(() => undefined);
    return answer?.triggerCall.callId;
  }

  /** Waits until so many calls stand so. */
  async callsAre(count: number, ...status: string[]): Promise<void> {
    const asked = "query($status: [CallStatus!]) { calls(filter: { status: $status }, first: 1) { totalCount } }";
    const total = async () => (await this.send<{ calls: { totalCount: number } }>(asked, { status })).calls.totalCount;
    await expect.poll(total, { intervals: [100, 250], timeout: 30_000 }).toBe(count);
  }

  /** State of the latest sync. */
  async syncState(): Promise<string | undefined> {
    const { syncRuns } = await this.send<{ syncRuns: { nodes: { state: string }[] } }>("{ syncRuns(first: 1) { nodes { state } } }");
    return syncRuns.nodes[0]?.state;
  }

  async startSync(): Promise<void> {
    await this.send("mutation($input: StartSyncInput!) { startSync(input: $input) { hasJoined } }", { input: { provider: "VAPI" } });
  }

  /** Waits until the latest sync has ended or asks. */
  async syncEnded(state = "SUCCEEDED"): Promise<void> {
    await expect.poll(() => this.syncState(), { intervals: [50, 100, 200], timeout: 20_000 }).toBe(state);
  }

  async close(): Promise<void> {
    await this.context.dispose();
  }
}

/** A demo whose key is saved and whose agents are imported. */
export async function connect(demo: Demo, key: string = KEYS.good): Promise<void> {
  const script = await Script.as(demo, PEOPLE.admin);
  await script.saveKey(key);
  await script.syncEnded();
  await script.close();
}
