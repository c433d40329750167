// A person of an agency's client: made by an admin over GraphQL, logged in by their link; and what their browser is told.

import { type Page, expect } from "@playwright/test";
import { AGENCY, PEOPLE, type Person, Script, connect } from "./app";
import type { Demo } from "./server";

export type PortalPermission = "VIEW_AGENTS" | "VIEW_CALLS" | "TRIGGER_CALLS" | "MANAGE_INTEGRATIONS";

export const CLIENT = "Northside Dental";
export const AGENCY_NAME = "Northside Voice";
export const DENTIST: Person = { email: "pia@dental.test", password: "three words in a row", name: "Pia Moreno" };

/** The pages of a client's people. */
export const ROOMS = { home: `/a/${AGENCY}`, agents: `/a/${AGENCY}/agents`, calls: `/a/${AGENCY}/calls`, keys: `/a/${AGENCY}/settings/api-keys` } as const;

/** A client with agents, and what an admin does about its people and keys. */
export class Client {
  private constructor(
    readonly script: Script,
    readonly id: string,
    readonly agents: string[],
    private person = "",
  ) {}

  /** In an agency whose key is saved and whose agents are imported. */
  static async make(demo: Demo, agentCount = 4): Promise<Client> {
    await connect(demo);
    const script = await Script.as(demo, PEOPLE.admin);
    if (agentCount > 0) {
      const { id, agents } = await script.makeClient(CLIENT, agentCount);
      return new Client(script, id, agents);
    }
    return new Client(script, await script.makeEmptyClient(CLIENT), []);
  }

  /** Adds the dentist and answers with the path of their log-in link. */
  async invite(permissions: PortalPermission[]): Promise<string> {
    const { createPortalUser } = await this.script.send<{ createPortalUser: { portalUser: { id: string }; logInLink: { url: string } } }>(
      "mutation($input: CreatePortalUserInput!) { createPortalUser(input: $input) { portalUser { id } logInLink { url } } }",
      { input: { clientId: this.id, name: DENTIST.name, email: DENTIST.email, permissions } },
    );
    this.person = createPortalUser.portalUser.id;
    return pathOf(createPortalUser.logInLink.url);
  }

  /** Another link for the dentist; the one before is dead. */
  async renewLink(): Promise<string> {
    const { createLogInLink } = await this.script.send<{ createLogInLink: { logInLink: { url: string } } }>(
      "mutation($input: CreateLogInLinkInput!) { createLogInLink(input: $input) { logInLink { url } } }",
      { input: { clientId: this.id, userId: this.person } },
    );
    return pathOf(createLogInLink.logInLink.url);
  }

  async permit(permissions: PortalPermission[]): Promise<void> {
    await this.script.send("mutation($input: UpdatePortalUserInput!) { updatePortalUser(input: $input) { portalUser { id } } }", {
      input: { clientId: this.id, userId: this.person, permissions },
    });
  }

  /** The key that waits. */
  async waiting(): Promise<{ id: string; maskedKey: string; accountName: string | null }> {
    const { keyHandIns } = await this.script.send<{
      keyHandIns: { id: string; state: string; maskedKey: string; accountName: string | null }[];
    }>("query($clientId: ID!) { keyHandIns(clientId: $clientId) { id state maskedKey accountName } }", { clientId: this.id });
    const waiting = keyHandIns.filter((handIn) => handIn.state === "WAITING");
    if (waiting.length !== 1 || !waiting[0]) throw new Error(`${waiting.length} keys wait`);
    return waiting[0];
  }

  async accept(expectedVersion?: number): Promise<void> {
    const { id } = await this.waiting();
    await this.script.send("mutation($input: AcceptKeyHandInInput!) { acceptKeyHandIn(input: $input) { providerKey { version } } }", {
      input: { keyHandInId: id, expectedVersion },
    });
  }

  async decline(): Promise<void> {
    const { id } = await this.waiting();
    await this.script.send("mutation($input: DeclineKeyHandInInput!) { declineKeyHandIn(input: $input) { keyHandIn { state } } }", {
      input: { keyHandInId: id },
    });
  }

  async switchHandIns(isOpen: boolean): Promise<void> {
    await this.script.send("mutation($input: UpdateHandInsInput!) { updateHandIns(input: $input) { agency { allowsHandIns } } }", {
      input: { isOpen },
    });
  }
}

function pathOf(link: string): string {
  const { pathname, hash } = new URL(link);
  return `${pathname}${hash}`;
}

/** Opens a log-in link and chooses the password, which ends on a page of the agency's. */
export async function enter(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel("Password", { exact: true }).fill(DENTIST.password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/a/${AGENCY}`));
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}

/** All that the server tells a page from now on. */
export class Answers {
  private readonly bodies: Promise<string>[] = [];
  private sockets = 0;

  constructor(page: Page) {
    page.on("response", (response) => {
      // An answer that a navigation cut off told the page nothing.
      if (response.url().endsWith("/graphql")) this.bodies.push(response.text().catch(() => ""));
    });
    page.on("websocket", () => (this.sockets += 1));
  }

  /** How many live connections were opened. */
  get socketCount(): number {
    return this.sockets;
  }

  /** Without the sandbox's keys, which a demo tells everyone. */
  async text(): Promise<string> {
    const all = (await Promise.all(this.bodies)).join("\n");
    return all.replaceAll(/sandbox-(?:vapi|retell|bland)-[\w-]+/g, "");
  }

  /** The codes of all errors. */
  async errors(): Promise<string[]> {
    const codes: string[] = [];
    for (const body of await Promise.all(this.bodies)) {
      if (body === "") continue;
      const { errors } = JSON.parse(body) as { errors?: { extensions?: { code?: string } }[] };
      for (const error of errors ?? []) codes.push(error.extensions?.code ?? "none");
    }
    return codes;
  }
}
