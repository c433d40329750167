//! The real binary as a process of its own, over a data folder and a database of its own and a provider sandbox in the test: what a
//! stop, a kill and a start mean (S5, X2), and where a key goes (K1, K14).

use std::{path::Path, process::Stdio, time::Duration};

use ringfence::{
    providers::ProviderKind,
    sandbox::{Effect, Fault, NewAccount, Sandbox},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    time::{Instant, timeout},
};

use crate::{
    harness::{Database, PASSWORD, TestClient, block_on, keys as sample},
    keys::save,
    sync::{newest, until},
};

const EMAIL: &str = "admin@example.com";
const AGENCY: &str = "northside-voice";

/// An installation with one agency and one admin, and the provider that it talks to.
pub(crate) struct Installation {
    pub(crate) folder: TempDir,
    pub(crate) database: Database,
    pub(crate) sandbox: Sandbox,
    /// Further environment of the server.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    pub(crate) admin: TestClient,
}

async fn command(folder: &Path) -> Command {
    let database = Database::of(folder).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command
        .env_clear()
        .env("RINGFENCE_DATA_DIR", folder)
        .envs(database.url().map(|url| ("RINGFENCE_DATABASE_URL", url)))
        .env("RINGFENCE_LISTEN", "127.0.0.1:0")
        .env("RINGFENCE_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    command
}

/// Runs a command of the binary to its end.
async fn run(folder: &Path, arguments: &[&str], input: &str) {
    let mut child = command(folder)
        .await
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}");
}

impl Installation {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let kit = folder.path().join("kit.txt");
        let kit = kit.to_str().unwrap();
        run(folder.path(), &["init", "--recovery-kit", kit], "").await;
        let agency = ["admin", "create-agency", "Northside Voice"];
        run(folder.path(), &agency, "").await;
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
        run(folder.path(), &person, &format!("{PASSWORD}\n")).await;
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = sandbox.base_url(ProviderKind::Vapi).to_string();
        Self {
            database: Database::of(folder.path()).await,
            folder,
            sandbox,
            environment: vec![("VAPI_BASE_URL", url)],
        }
    }

    /// Starts the server and logs the admin in.
    pub(crate) async fn start(&self) -> Server {
        let server = self.spawn().await;
        server.log_in().await;
        server
    }

    /// Starts the server, with nobody logged in: its jobs begin when it says where it listens.
    pub(crate) async fn spawn(&self) -> Server {
        let mut child = command(self.folder.path())
            .await
            .arg("serve")
            .envs(self.environment.iter().map(|(name, value)| (*name, value)))
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = timeout(Duration::from_secs(20), async {
            loop {
                let line = lines.next_line().await.unwrap().expect("the server ended");
                if let Some(rest) = line.strip_prefix("Ringfence listens on ") {
                    return rest.split(' ').next().unwrap().to_owned();
                }
            }
        })
        .await
        .expect("the server did not say where it listens");
        Server {
            child,
            admin: TestClient::at(address, Some(AGENCY)),
        }
    }

    /// The single number that a query of the database answers with.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.database.sql(sql).await[0].get(0)
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let database = self.database.clone();
        block_on(async move { database.remove().await });
    }
}

impl Server {
    /// Logs the admin in.
    pub(crate) async fn log_in(&self) {
        self.admin.log_in(EMAIL, PASSWORD).await;
    }

    /// Ends the process in the middle of whatever it does, as a power cut would.
    pub(crate) async fn kill_nine(mut self) {
        self.child.start_kill().unwrap();
        let status = self.child.wait().await.unwrap();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(9)
        );
    }

    /// Asks the process to stop, and says how long it took.
    pub(crate) async fn stop(mut self) -> Duration {
        let pid = self.child.id().unwrap().to_string();
        let began = Instant::now();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(sent.unwrap().success());
        let status = timeout(Duration::from_secs(30), self.child.wait()).await;
        let status = status.expect("the server did not stop").unwrap();
        assert!(status.success(), "{status}");
        began.elapsed()
    }
}

/// S5, X2: a server that is asked to stop in the middle of a sync ends after its page, well within its grace, and goes on
/// with the same run at its next start.
#[tokio::test]
async fn a_stopped_server_goes_on_with_its_sync_at_the_next_start() {
    let key = "key-of-many-agents-5Tc8";
    let installation = Installation::new().await;
    let control = installation.sandbox.control().clone();
    control.add_account(&NewAccount::vapi(key, 2000)).unwrap();
    let server = installation.start().await;
    control.set_page_delay(Duration::from_millis(300));
    server.admin.save_key(key, None).await.ok();
    let run = newest(&server.admin).await["id"].clone();
    while control.request_counts().get("GET /vapi/assistant") < Some(&3) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = server.stop().await;
    assert!(took < Duration::from_secs(10), "{took:?}");
    let is_queued = "SELECT count(*) FROM jobs WHERE state = 'queued' AND locked_by IS NULL";
    assert_eq!(installation.number(is_queued).await, 1);
    let is_open = "SELECT count(*) FROM sync_runs WHERE finished_at IS NULL";
    assert_eq!(installation.number(is_open).await, 1);
    control.set_page_delay(Duration::ZERO);
    let server = installation.start().await;
    let ended = until(&server.admin, "SUCCEEDED").await;
    assert_eq!(ended["id"], run);
    assert_eq!(
        (&ended["agentCount"], &ended["addedCount"]),
        (&json!(2000), &json!(2000))
    );
    assert!(server.stop().await < Duration::from_secs(5));
}

/// S5: a provider that never answers does not keep the server up.
#[tokio::test]
async fn a_hanging_provider_does_not_hold_up_the_stop() {
    let installation = Installation::new().await;
    let server = installation.start().await;
    server.admin.save_key(sample::GOOD, None).await.ok();
    until(&server.admin, "SUCCEEDED").await;
    let control = installation.sandbox.control().clone();
    control.inject(Fault::new(Effect::Hang).on("/vapi/assistant"));
    control.clear_requests();
    server.admin.start_sync().await.ok();
    while control.request_counts().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = server.stop().await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    let is_queued = "SELECT count(*) FROM jobs WHERE state = 'queued' AND locked_by IS NULL";
    assert_eq!(installation.number(is_queued).await, 1);
}

/// K1, K14, K6: a region is one of the hosts that the operator configured; the key goes to the chosen one alone, and a new
/// region without a key is checked with the stored one.
#[tokio::test]
async fn a_key_goes_to_the_host_of_its_region_alone() {
    let mut installation = Installation::new().await;
    let europe = Sandbox::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let url = europe.base_url(ProviderKind::Vapi).to_string();
    installation.environment.push(("VAPI_EU_BASE_URL", url));
    let account = NewAccount::vapi("key-of-an-european-account-2Yp6", 3);
    europe.control().add_account(&account).unwrap();
    let server = installation.start().await;
    let admin = &server.admin;
    let regions = admin.query("{ providers { regions } }").await.ok();
    assert_eq!(regions["providers"][0]["regions"], json!(["DEFAULT", "EU"]));
    let input =
        json!({ "provider": "VAPI", "region": "EU", "apiKey": "key-of-an-european-account-2Yp6" });
    let saved = save(admin, input).await.ok()["saveProviderKey"].clone();
    assert_eq!(saved["providerKey"]["region"], "EU");
    let run = until(admin, "SUCCEEDED").await;
    assert_eq!(run["agentCount"], 3);
    let usual = installation.sandbox.control();
    assert!(usual.requests().is_empty());
    // The usual host does not know the key: the region stays as it was.
    let input = json!({ "provider": "VAPI", "region": "DEFAULT", "expectedVersion": 1 });
    let refused = save(admin, input.clone()).await;
    assert_eq!(refused.code(), "KEY_REJECTED");
    let key: Vec<_> = usual
        .requests()
        .into_iter()
        .filter_map(|request| request.key)
        .collect();
    assert_eq!(key, ["2Yp6"]);
    assert_eq!(admin.key().await["version"], 1);
    usual
        .add_account(&NewAccount::vapi("key-of-an-european-account-2Yp6", 3))
        .unwrap();
    let moved = save(admin, input).await.ok()["saveProviderKey"].clone();
    assert_eq!(
        (
            &moved["providerKey"]["region"],
            &moved["providerKey"]["version"]
        ),
        (&json!("DEFAULT"), &json!(2))
    );
    until(admin, "SUCCEEDED").await;
    server.stop().await;
}
