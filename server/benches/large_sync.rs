//! How long a large import takes against merely fetching the same pages, and how much memory it needs (S7). The server
//! and the provider sandbox run as processes of their own, as they would in earnest; the fetching is done here, by the
//! same provider client. `make bench` runs it; `RINGFENCE_BENCH_AGENTS` chooses other sizes than the usual three, and
//! `RINGFENCE_BENCH_PAGE_MS` how long the provider takes for a page.

#[path = "support/mod.rs"]
mod support;

use std::{
    io::Write,
    time::{Duration, Instant},
};

use ringfence::providers::{ProviderKind, Target, http::HttpClient, voice_provider};
use secrecy::SecretString;
use serde_json::{Value, json};
use support::{Admin, Outcome, Process, ringfence, set_up, setting};
use tempfile::TempDir;
use url::Url;

const SIZES: &str = "1000,10000,100000";
/// What a page of a thousand agents is assumed to take at a provider beyond the sandbox's own work.
const PAGE_MS: &str = "0,250";

/// The newest run once it has ended, and how long it took.
async fn ended(admin: &Admin<'_>) -> Outcome<(Value, Duration)> {
    let query = "{ syncRuns(first: 1) { nodes { state agentCount phoneNumberCount startedAt finishedAt } } }";
    loop {
        let run = admin.ask(query, json!({})).await?["syncRuns"]["nodes"][0].clone();
        if let (Some(from), Some(to)) = (run["startedAt"].as_str(), run["finishedAt"].as_str()) {
            let parse = |text: &str| {
                time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
            };
            let took = Duration::try_from(parse(to)? - parse(from)?)?;
            return Ok((run, took));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
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
    set_up(folder.path())?;

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
    admin.save_key(key).await?;
    let (run, first) = ended(&admin).await?;
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
    let (_, second) = ended(&admin).await?;
    Ok(Figures {
        fetch,
        first,
        second,
        idle_mib,
        peak_mib: server.memory_mib("VmHWM:")?,
    })
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
