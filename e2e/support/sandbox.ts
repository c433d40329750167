// The provider sandbox's `/__control`: accounts, keys and faults. The curl examples stand in server/src/sandbox/mod.rs.

/** What a fault does to a request. */
export type Effect =
  | { kind: "status"; status: number; message?: string; retryAfter?: string }
  | { kind: "hang" | "cut_body" | "not_json" | "wrong_shape" }
  | { kind: "delay"; ms: number }
  | { kind: "echo_key"; style?: "plain" | "masked" | "percent_encoded" | "base64" };

/** Which requests go wrong, how often, and how. */
export interface Fault {
  key?: string;
  method?: string;
  /** Path with the provider's prefix, such as `/vapi/assistant`; `*` stands for anything. */
  path?: string;
  /** So many pass first. */
  after?: number;
  /** How often it strikes; absent: until it is cleared. */
  times?: number;
  effect: Effect;
}

export class Sandbox {
  constructor(private readonly url: string) {}

  private async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/__control${path}`, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} /__control${path}: ${response.status} ${answer}`);
    return JSON.parse(answer) as T;
  }

  /** An account behind a key of one's own. */
  async addAccount(key: string, assistants: number, phoneNumbers = 0, provider = "vapi"): Promise<void> {
    await this.send("POST", "/accounts", { provider, key, agents: assistants, phoneNumbers });
  }

  /** Another key of an account. */
  async addKey(key: string, sameAccountAs: string, visibleAgents?: number): Promise<void> {
    await this.send("POST", "/keys", { key, sameAccountAs, visibleAgents });
  }

  /** From now on the provider does not know this key. */
  async revoke(key: string): Promise<void> {
    await this.send("DELETE", "/keys", { key });
  }

  async addAssistants(key: string, count: number, namePrefix: string): Promise<void> {
    await this.send("POST", "/agents", { key, count, namePrefix });
  }

  /** Removes the newest assistants of the account. */
  async removeAssistants(key: string, count: number): Promise<void> {
    await this.send("DELETE", "/agents", { key, count });
  }

  async renameAssistant(key: string, id: string, name: string): Promise<void> {
    await this.send("PATCH", "/agents", { key, id, name });
  }

  /** Puts a fault in force; the returned function ends it. */
  async inject(fault: Fault): Promise<() => Promise<void>> {
    const { id } = await this.send<{ id: number }>("POST", "/faults", fault);
    return async () => {
      await this.send("DELETE", `/faults/${id}`);
    };
  }

  /** How long each page of a list takes. */
  async setPageDelay(pageDelayMs: number): Promise<void> {
    await this.send("PUT", "/settings", { pageDelayMs });
  }

  /** How long each step of a call takes; 0: calls go on only when they are told to. */
  async setCallSteps(stepMs: number): Promise<void> {
    await this.send("PUT", "/calls/settings", { stepMs });
  }

  /** The calls of all accounts, the newest first. */
  async calls(): Promise<{ id: string; to: string; step: string }[]> {
    return (await this.send<{ id: string; to: string; step: string }[]>("GET", "/calls"));
  }

  /** Takes the call to a number so many steps on. */
  async advanceCall(to: string, steps = 1): Promise<void> {
    const call = (await this.calls()).find((call) => call.to === to);
    if (!call) throw new Error(`nobody called ${to}`);
    await this.send("POST", `/calls/${call.id}/advance`, { steps });
  }

  /** How often a number was really dialled. */
  async dialled(number: string): Promise<number> {
    const { [number]: count = 0 } = await this.send<Record<string, number>>("GET", "/dialled");
    return count;
  }

  /** How many requests there were for a method and path, such as `GET /vapi/assistant`. */
  async requests(): Promise<{ method: string; path: string }[]> {
    return (await this.send<{ requests: { method: string; path: string }[] }>("GET", "/requests")).requests;
  }
}
