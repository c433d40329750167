//! How long a large import takes against merely fetching the same pages, and how much memory it needs (S7). The server
//! and the provider sandbox run as processes of their own, as they would in earnest; the fetching is done here, by the
//! same provider client. `make bench` runs it; `RINGFENCE_BENCH_AGENTS` chooses other sizes than the usual three, and
//! `RINGFENCE_BENCH_PAGE_MS` how long the provider takes for a page.

use std::{
    error::Error,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Method, header};
use ringfence::providers::{ProviderKind, Target, http::HttpClient, voice_provider};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

type Outcome<T> = Result<T, Box<dyn Error>>;

const AGENCY: &str = "northside-voice";
const EMAIL: &str = "admin@example.com";
const PASSWORD: &str = "a password for the bench";
const SIZES: &str = "1000,10000,100000";
/// What a page of a thousand agents is assumed to take at a provider beyond the sandbox's own work.
const PAGE_MS: &str = "0,250";

/// A process that is killed when it is dropped.
struct Process {
    child: Child,
    address: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Process {
    /// Starts a command of the binary that says where it listens.
    fn start(command: &mut Command) -> Outcome<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(output).lines();
        let address = loop {
            let line = lines.next().ok_or("the process ended")??;
            if let Some((_, rest)) = line.split_once("listens on ") {
                let address = rest.split_whitespace().next().unwrap_or_default();
                break address.to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address })
    }

    /// A figure of the kernel about the process's memory, in MiB.
    fn memory_mib(&self, field: &str) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with(field));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kib.ok_or("no such figure")?.parse::<f64>()? / 1024.0)
    }
}

fn ringfence(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command
        .env_clear()
        .env("RINGFENCE_DATA_DIR", folder)
        .env("RINGFENCE_LISTEN", "127.0.0.1:0")
        .env("RINGFENCE_LOG", "warn")
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command, input: &str) -> Outcome<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no input")?;
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    if child.wait()?.success() {
        Ok(())
    } else {
        Err("a command of the server failed".into())
    }
}

/// An administrator in front of a running server.
struct Admin<'a> {
    http: &'a reqwest::Client,
    address: &'a str,
    cookie: String,
}

impl<'a> Admin<'a> {
    async fn log_in(http: &'a reqwest::Client, address: &'a str) -> Outcome<Self> {
        let mut admin = Self {
            http,
            address,
            cookie: String::new(),
        };
        let query =
            "mutation($input: LogInInput!) { logIn(input: $input) { viewer { person { id } } } }";
        let input = json!({ "input": { "email": EMAIL, "password": PASSWORD } });
        let answer = admin.send(query, &input).await?;
        let cookie = answer
            .headers()
            .get(header::SET_COOKIE)
            .ok_or("no cookie")?;
        let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
        cookie.clone_into(&mut admin.cookie);
        Ok(admin)
    }

    async fn send(&self, query: &str, variables: &Value) -> Outcome<reqwest::Response> {
        let request = self
            .http
            .request(Method::POST, format!("{}/graphql", self.address))
            .header(header::COOKIE, &self.cookie)
            .header("ringfence-agency", AGENCY)
            .json(&json!({ "query": query, "variables": variables }));
        Ok(request.send().await?)
    }

    async fn ask(&self, query: &str, variables: Value) -> Outcome<Value> {
        let answer: Value = self.send(query, &variables).await?.json().await?;
        if answer["errors"].is_null() {
            Ok(answer["data"].clone())
        } else {
            Err(answer["errors"].to_string().into())
        }
    }

    /// The newest run once it has ended, and how long it took.
    async fn ended(&self) -> Outcome<(Value, Duration)> {
        let query = "{ syncRuns(first: 1) { nodes { state agentCount phoneNumberCount startedAt finishedAt } } }";
        loop {
            let run = self.ask(query, json!({})).await?["syncRuns"]["nodes"][0].clone();
            if let (Some(from), Some(to)) = (run["startedAt"].as_str(), run["finishedAt"].as_str())
            {
                let parse = |text: &str| {
                    time::OffsetDateTime::parse(
                        text,
                        &time::format_description::well_known::Rfc3339,
                    )
                };
                let took = Duration::try_from(parse(to)? - parse(from)?)?;
                return Ok((run, took));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Fetches every page of agents and numbers and keeps none.
async fn fetch(base_url: &Url, key: &str) -> Outcome<(usize, Duration)> {
    let client = voice_provider(ProviderKind::Vapi).ok_or("no client")?;
    let http = HttpClient::new()?;
    let key = SecretString::from(key);
    let target = || Target {
        http: &http,
        base_url,
        key: &key,
        deadline: tokio::time::Instant::now() + Duration::from_mins(1),
    };
    let started = Instant::now();
    let mut count = 0;
    let mut cursor = None;
    loop {
        let page = client.list_agents(&target(), cursor.as_deref()).await?;
        count += page.items.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    loop {
        let page = client.list_numbers(&target(), cursor.as_deref()).await?;
        count += page.items.len();
        cursor = page.next;
        if cursor.is_none() {
            return Ok((count, started.elapsed()));
        }
    }
}

struct Figures {
    fetch: Duration,
    first: Duration,
    second: Duration,
    idle_mib: f64,
    peak_mib: f64,
}

async fn measure(http: &reqwest::Client, agents: usize, page_ms: u64) -> Outcome<Figures> {
    let folder = TempDir::new()?;
    let kit = folder.path().join("kit.txt");
    run(
        ringfence(folder.path())
            .arg("init")
            .arg("--recovery-kit")
            .arg(kit),
        "",
    )?;
    run(
        ringfence(folder.path()).args(["admin", "create-agency", "Northside Voice"]),
        "",
    )?;
    let person = [
        "admin",
        "create-user",
        "--agency",
        AGENCY,
        "--email",
        EMAIL,
        "--name",
        "Ada",
        "--role",
        "admin",
    ];
    run(
        ringfence(folder.path()).args(person),
        &format!("{PASSWORD}\n"),
    )?;

    let sandbox =
        Process::start(ringfence(folder.path()).args(["sandbox", "--listen", "127.0.0.1:0"]))?;
    let key = "bench-key-of-a-large-account-Lq2x";
    let control = format!("{}/__control", sandbox.address);
    let account = json!({ "key": key, "agents": agents, "phoneNumbers": agents });
    http.post(format!("{control}/accounts"))
        .json(&account)
        .send()
        .await?
        .error_for_status()?;
    let settings = json!({ "pageDelayMs": page_ms });
    http.put(format!("{control}/settings"))
        .json(&settings)
        .send()
        .await?
        .error_for_status()?;
    let base_url: Url = format!("{}/vapi", sandbox.address).parse()?;
    // Once to warm the sandbox up, once to measure.
    fetch(&base_url, key).await?;
    let (count, fetch) = fetch(&base_url, key).await?;
    if count != 2 * agents {
        return Err(format!("{count} items were fetched instead of {}", 2 * agents).into());
    }

    let mut command = ringfence(folder.path());
    let server = Process::start(command.env("VAPI_BASE_URL", base_url.as_str()).arg("serve"))?;
    let admin = Admin::log_in(http, &server.address).await?;
    let idle_mib = server.memory_mib("VmRSS:")?;
    let save = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { syncRun { id } } }";
    admin
        .ask(
            save,
            json!({ "input": { "provider": "VAPI", "apiKey": key } }),
        )
        .await?;
    let (run, first) = admin.ended().await?;
    if run["state"] != "SUCCEEDED"
        || run["agentCount"] != agents
        || run["phoneNumberCount"] != agents
    {
        return Err(format!("the import ended otherwise: {run}").into());
    }
    admin
        .ask(
            "mutation { startSync(input: { provider: VAPI }) { hasJoined } }",
            json!({}),
        )
        .await?;
    let (_, second) = admin.ended().await?;
    Ok(Figures {
        fetch,
        first,
        second,
        idle_mib,
        peak_mib: server.memory_mib("VmHWM:")?,
    })
}

fn setting(name: &str, usual: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "a setting of the bench")]
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    #[expect(clippy::disallowed_methods, reason = "the bench's own client")]
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "agents   page ms   fetching s   first import s   ratio   unchanged s   idle MiB   peak MiB"
    )?;
    for page_ms in setting("RINGFENCE_BENCH_PAGE_MS", PAGE_MS).split(',') {
        for agents in setting("RINGFENCE_BENCH_AGENTS", SIZES).split(',') {
            let agents: usize = agents.trim().parse()?;
            let figures = runtime.block_on(measure(&http, agents, page_ms.trim().parse()?))?;
            let (fetch, first) = (figures.fetch.as_secs_f64(), figures.first.as_secs_f64());
            writeln!(
                out,
                "{agents:>6}   {page_ms:>7}   {fetch:>10.2}   {first:>14.2}   {:>5.2}   {:>11.2}   {:>8.0}   {:>8.0}",
                first / fetch,
                figures.second.as_secs_f64(),
                figures.idle_mib,
                figures.peak_mib,
            )?;
        }
    }
    Ok(())
}
