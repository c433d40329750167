// Starts the real binary and ends it again: `ringfence demo` with its provider sandbox, or `ringfence serve` on an empty
// data folder. Each server has a data folder and ports of its own, so that tests know nothing of each other.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Sandbox } from "./sandbox";

const BINARY = process.env.RINGFENCE_BIN ?? fileURLToPath(new URL("../../target/debug/ringfence", import.meta.url));
const START_TIME_MS = 20_000;
/** After SIGTERM the server may end its requests and jobs this long; then it is killed: nobody needs its data any more. */
const STOP_TIME_MS = 2_000;

/** A process with all that it wrote. */
class Process {
  private output = "";
  private errors = "";
  private exit: string | undefined;

  constructor(private readonly child: ChildProcess) {
    child.stdout?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.errors += chunk.toString()));
    child.on("error", (error) => (this.exit = error.message));
    child.on("exit", (code, signal) => (this.exit = `it ended with ${signal ?? code}`));
  }

  /** Waits until the output holds the pattern and returns its groups. */
  async find(pattern: RegExp): Promise<RegExpMatchArray> {
    const deadline = Date.now() + START_TIME_MS;
    while (Date.now() < deadline) {
      const found = this.output.match(pattern);
      if (found) return found;
      if (this.exit !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${BINARY} did not print ${pattern}: ${this.exit ?? "it took too long"}\n${this.log()}`);
  }

  log(): string {
    return `--- standard output\n${this.output}\n--- standard error\n${this.errors}`;
  }

  async stop(): Promise<void> {
    if (this.exit !== undefined) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGTERM");
    const killer = setTimeout(() => this.child.kill("SIGKILL"), STOP_TIME_MS);
    await ended;
    clearTimeout(killer);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    if (this.exit !== undefined) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}

/** Settings of the surroundings that would change what is tested. */
function environment(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith("RINGFENCE_") && !name.endsWith("_BASE_URL"));
  return { ...Object.fromEntries(ours), RINGFENCE_LOG: process.env.RINGFENCE_LOG ?? "info" };
}

function start(command: string[]): Process {
  return new Process(spawn(BINARY, command, { env: environment(), stdio: ["ignore", "pipe", "pipe"] }));
}

/** A port that was free a moment ago; for what has to know its own address beforehand. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A running server in a data folder of its own. */
export class Server {
  protected constructor(
    private readonly process: Process,
    private readonly folder: string,
    /** Where people reach it. */
    readonly url: string,
  ) {}

  log(): string {
    return this.process.log();
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** `ringfence demo`: the demo agency, three people, and a provider sandbox. */
export class Demo extends Server {
  private constructor(
    process: Process,
    folder: string,
    url: string,
    readonly sandbox: Sandbox,
  ) {
    super(process, folder, url);
  }

  static async start(pageDelayMs = 50): Promise<Demo> {
    const folder = await mkdtemp(join(tmpdir(), "ringfence-e2e-"));
    const address = "127.0.0.1:0";
    const running = start([
      "demo",
      ...["--data-dir", join(folder, "data"), "--listen", address],
      ...["--sandbox-listen", address, "--sandbox-delay", String(pageDelayMs)],
    ]);
    try {
      const [, sandbox = ""] = await running.find(/Provider sandbox: (http:\S+)/);
      const [, url = ""] = await running.find(/Ringfence is ready at (http:\S+)/);
      return new Demo(running, folder, url, new Sandbox(sandbox));
    } catch (error) {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

/** `ringfence init` and `ringfence serve`: a new installation where nobody is yet. */
export class FreshServer extends Server {
  private constructor(
    process: Process,
    folder: string,
    url: string,
    /** The address of the set-up page that the server printed. */
    readonly setUpLink: string,
  ) {
    super(process, folder, url);
  }

  static async start(): Promise<FreshServer> {
    const folder = await mkdtemp(join(tmpdir(), "ringfence-e2e-"));
    const data = ["--data-dir", join(folder, "data")];
    const kit = ["--recovery-kit", join(folder, "recovery-kit.txt")];
    await promisify(execFile)(BINARY, ["init", ...data, ...kit], { env: environment() });
    const running = start(["serve", ...data, "--listen", `127.0.0.1:${await freePort()}`]);
    try {
      const [setUpLink] = await running.find(/http:\S+\/set-up\?token=\S+/);
      await running.find(/Ringfence listens on/);
      return new FreshServer(running, folder, new URL(setUpLink).origin, setUpLink);
    } catch (error) {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}
