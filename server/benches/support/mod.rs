//! What the benches share: the binary as processes of its own, an installation in a folder, and its administrator.

use std::{
    error::Error,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use reqwest::{Method, header};
use serde_json::{Value, json};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

const AGENCY: &str = "northside-voice";
const EMAIL: &str = "admin@example.com";
const PASSWORD: &str = "a password for the bench";
/// A process that is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Process {
    /// Starts a command of the binary that says where it listens.
    pub(crate) fn start(command: &mut Command) -> Outcome<Self> {
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
    pub(crate) fn memory_mib(&self, field: &str) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with(field));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kib.ok_or("no such figure")?.parse::<f64>()? / 1024.0)
    }
}

pub(crate) fn ringfence(folder: &Path) -> Command {
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
pub(crate) struct Admin<'a> {
    http: &'a reqwest::Client,
    address: &'a str,
    cookie: String,
}

impl<'a> Admin<'a> {
    pub(crate) async fn log_in(http: &'a reqwest::Client, address: &'a str) -> Outcome<Self> {
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

    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Outcome<Value> {
        let answer: Value = self.send(query, &variables).await?.json().await?;
        if answer["errors"].is_null() {
            Ok(answer["data"].clone())
        } else {
            Err(answer["errors"].to_string().into())
        }
    }

    /// Saves the agency's Vapi key, which starts its import.
    pub(crate) async fn save_key(&self, key: &str) -> Outcome<()> {
        let query = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { syncRun { id } } }";
        let input = json!({ "provider": "VAPI", "apiKey": key });
        self.ask(query, json!({ "input": input })).await?;
        Ok(())
    }
}

/// Makes the keys, an agency and its administrator in a folder.
pub(crate) fn set_up(folder: &Path) -> Outcome<()> {
    let kit = folder.join("kit.txt");
    run(
        ringfence(folder).arg("init").arg("--recovery-kit").arg(kit),
        "",
    )?;
    run(
        ringfence(folder).args(["admin", "create-agency", "Northside Voice"]),
        "",
    )?;
    run(
        ringfence(folder).args(["admin", "set-plan", AGENCY, "agency"]),
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
    run(ringfence(folder).args(person), &format!("{PASSWORD}\n"))
}

/// A setting of a bench, from the environment.
pub(crate) fn setting(name: &str, usual: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "a setting of the bench")]
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}
