//! An application for one test: a database of its own, a clock that stands still until it is moved, fresh keys, and the
//! provider sandbox, all on free loopback ports. Dropping it fails the test when jobs remain.

mod client;
mod database;
mod socket;

pub(crate) use client::{Answer, TestClient};
pub(crate) use database::{Database, Row, block_on};
pub(crate) use socket::{Frame, TestSocket};

use std::{fmt::Write as _, net::SocketAddr, path::PathBuf, time::Duration};

use ringfence::{
    access::{Role, policy::Policy},
    accounts::admin::{self, NewUser, Plan},
    app::App,
    clock::{Clock, Timestamp},
    config::{Config, Options, Region},
    demo::{DEMO_LOG_INS, DemoInfo},
    graphql, http, jobs,
    providers::ProviderKind,
    sandbox::{Sandbox, sample_keys},
    vault::{MasterKey, SessionSecret},
};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Where the clocks of tests start: 2026-01-15T12:00:00Z.
pub(crate) const START: i64 = 1_768_478_400_000;
/// The password of every test person.
pub(crate) const PASSWORD: &str = "a password for tests";

/// The sandbox's keys, by what they do.
pub(crate) mod keys {
    /// Works: 40 assistants and 12 phone numbers.
    pub(crate) const GOOD: &str = "sandbox-vapi-good-agency-k7Qd";
    /// Works, and opens another account.
    pub(crate) const SECOND: &str = "sandbox-vapi-good-second-x4Rm";
    /// Works without permission for phone numbers.
    pub(crate) const LIMITED: &str = "sandbox-vapi-no-numbers-b3Ht";
    /// Accepted, but out of funds.
    pub(crate) const NO_FUNDS: &str = "sandbox-vapi-no-funds-t8Ly";
    /// Refused.
    pub(crate) const REVOKED: &str = "sandbox-vapi-revoked-p9Wn";
    /// Rate-limited: 24 seconds.
    pub(crate) const THROTTLED: &str = "sandbox-vapi-throttled-m2Vc";
    /// Answers 500.
    pub(crate) const DOWN: &str = "sandbox-vapi-down-z6Kp";
}

/// How a test's application differs from the usual one.
#[derive(Default)]
pub(crate) struct Settings {
    /// Another access table.
    pub(crate) policy: Option<Policy>,
    /// Without workers: jobs stay queued, and the test does not mind.
    pub(crate) is_without_jobs: bool,
    /// `aes-256-gcm` instead of the default.
    pub(crate) cipher: Option<&'static str>,
    /// An https public URL, as behind a proxy.
    pub(crate) public_url: Option<&'static str>,
    /// Proxies whose forwarded headers count.
    pub(crate) trusted_proxies: Option<&'static str>,
    /// Another time between checks of a key.
    pub(crate) health_check_interval_hours: Option<u32>,
    /// Another time between syncs of an account.
    pub(crate) sync_interval_hours: Option<u32>,
    /// Other limits of requests per API key, by plan.
    pub(crate) api_requests: Option<&'static str>,
    /// Other limits of requests of all API keys of an agency, by plan.
    pub(crate) api_requests_of_agency: Option<&'static str>,
    /// Another ceiling of calls under way of an agency, by plan.
    pub(crate) calls_per_agency: Option<&'static str>,
    /// A mail server, by its address.
    pub(crate) smtp_url: Option<String>,
    /// Without an agency: nobody is there yet.
    pub(crate) is_without_people: bool,
    /// The data folder of an application before.
    pub(crate) data_dir: Option<PathBuf>,
    /// Tells of log-ins and sample keys, as the demo does.
    pub(crate) is_demo: bool,
    /// The provider's address, when it is not the application's own sandbox.
    pub(crate) provider: Option<url::Url>,
}

/// An application under test.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) sandbox: Sandbox,
    pub(crate) address: SocketAddr,
    pub(crate) folder: PathBuf,
    pub(crate) database: Database,
    /// Slug of the first agency.
    pub(crate) agency: String,
    is_without_jobs: bool,
    temp: Option<TempDir>,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let temp = settings.data_dir.is_none().then(|| TempDir::new().unwrap());
        let folder = settings
            .data_dir
            .clone()
            .unwrap_or_else(|| temp.as_ref().unwrap().path().to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sandbox = Sandbox::start("127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let database = Database::of(&folder).await;
        let smtp_url_file = settings.smtp_url.as_ref().map(|url| {
            let file = folder.join("smtp.url");
            std::fs::write(&file, format!("{url}\n")).unwrap();
            file
        });
        let email_from = settings.smtp_url.as_ref();
        let mut config = Config::load(&Options {
            email_from: email_from.map(|_| "Ringfence <alerts@example.com>".to_owned()),
            smtp_url_file,
            data_dir: Some(folder.clone()),
            database_url: database.url(),
            listen: Some(address.to_string()),
            cipher: settings.cipher.map(str::to_owned),
            public_url: settings.public_url.map(str::to_owned),
            trusted_proxies: settings.trusted_proxies.map(str::to_owned),
            health_check_interval_hours: settings.health_check_interval_hours,
            sync_interval_hours: settings.sync_interval_hours,
            api_requests_per_key: settings.api_requests.map(str::to_owned),
            api_requests_per_agency: settings.api_requests_of_agency.map(str::to_owned),
            calls_per_agency: settings.calls_per_agency.map(str::to_owned),
            ..Options::default()
        })
        .unwrap();
        for &kind in ProviderKind::ALL {
            let host = sandbox.base_url(kind);
            config.hosts.set(kind, Region::Default, host);
        }
        if let Some(host) = settings.provider.clone() {
            let vapi = ProviderKind::Vapi;
            config.hosts.set(vapi, Region::Default, host);
        }
        let (master_key, session_secret) = if config.master_key_file.exists() {
            (
                MasterKey::read(&config.master_key_file).unwrap(),
                SessionSecret::read(&config.session_secret_file).unwrap(),
            )
        } else {
            (
                MasterKey::create(&config.master_key_file).unwrap(),
                SessionSecret::create(&config.session_secret_file).unwrap(),
            )
        };
        let clock = Clock::manual(Timestamp::from_millis(START));
        sandbox.control().set_call_clock(clock.clone());
        let demo = settings.is_demo.then(|| DemoInfo {
            log_ins: DEMO_LOG_INS.to_vec(),
            sample_keys: sample_keys(),
        });
        let app = App::build(config, clock, master_key, &session_secret, demo)
            .await
            .unwrap();
        let agency = if settings.data_dir.is_none() && !settings.is_without_people {
            admin::create_agency(&app, "Northside Voice", Plan::Agency)
                .await
                .unwrap()
        } else {
            "northside-voice".to_owned()
        };
        if !settings.is_without_jobs {
            jobs::start(&app).await.unwrap();
        }
        let router = match settings.policy {
            None => http::router(&app),
            Some(policy) => http::router_with(&app, graphql::schema_with(&app, policy)),
        };
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        app.tasks
            .spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            app,
            sandbox,
            address,
            folder,
            database,
            agency,
            is_without_jobs: settings.is_without_jobs,
            temp,
        }
    }

    /// Another server on the same data and with the same provider, with a clock and workers of its own.
    pub(crate) async fn replica(&self, is_without_jobs: bool) -> Self {
        let mut replica = Self::with(Settings {
            data_dir: Some(self.folder.clone()),
            provider: Some(self.sandbox.base_url(ProviderKind::Vapi)),
            is_without_jobs,
            ..Settings::default()
        })
        .await;
        replica.agency.clone_from(&self.agency);
        replica
    }

    /// The address of the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Somebody who is not logged in.
    pub(crate) fn nobody(&self) -> TestClient {
        TestClient::new(self, None)
    }

    /// A new person of this role in the first agency, logged in.
    pub(crate) async fn user(&self, role: Role) -> TestClient {
        let agency = self.agency.clone();
        self.user_of(&agency, role).await
    }

    /// A new person of this role in another agency, which is made when it is not there.
    pub(crate) async fn stranger(&self, role: Role) -> TestClient {
        let slug = admin::create_agency(&self.app, "Southside Calls", Plan::Agency)
            .await
            .unwrap();
        self.user_of(&slug, role).await
    }

    /// A new person of this role in the agency of this slug, logged in.
    pub(crate) async fn user_of(&self, agency: &str, role: Role) -> TestClient {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let email = format!("{}{number}@example.com", role.as_str());
        let user = NewUser {
            email: email.clone(),
            name: format!("{} {number}", role.as_str()),
            password: PASSWORD.into(),
            role,
        };
        let id = admin::create_user(&self.app, agency, user).await.unwrap();
        let mut client = TestClient::new(self, Some(agency));
        client.user_id = Some(id);
        client.log_in(&email, PASSWORD).await;
        client
    }

    /// Moves the clock and wakes whoever waits for it.
    pub(crate) fn advance(&self, by: Duration) {
        self.app.clock.advance(by);
        self.app.wake_jobs();
    }

    /// Sets the clock back, as somebody does whose machine was ahead.
    pub(crate) fn set_back(&self, by: Duration) {
        if let Clock::Manual(at) = &self.app.clock {
            let by = i64::try_from(by.as_millis()).unwrap();
            at.fetch_sub(by, std::sync::atomic::Ordering::SeqCst);
        }
    }

    /// Waits until no job is queued or running; jobs that wait for the clock make this panic after 20 seconds.
    pub(crate) async fn settle(&self) {
        for _ in 0..2000 {
            if self.app.live_jobs().await.unwrap() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let live = self
            .sql(
                "SELECT kind || ' ' || state || ', attempts: ' || attempts || ', last error: ' || COALESCE(last_error, 'none') \
                 FROM jobs WHERE state IN ('queued', 'running')",
            )
            .await;
        let live: Vec<String> = live.iter().map(|row| row.get(0)).collect();
        let runs = self
            .sql(
                "SELECT provider || ' ' || state || ' ' || COALESCE(phase, 'no phase') || ', done: ' || done || ', failures: ' \
                 || failures_in_a_row FROM sync_runs WHERE finished_at IS NULL",
            )
            .await;
        let runs: Vec<String> = runs.iter().map(|row| row.get(0)).collect();
        panic!("jobs are still queued or running after 20 seconds: {live:?}, imports: {runs:?}");
    }

    /// Waits until no job is at work; what waits for the clock stays. Before the clock of a busy application is moved: a job
    /// whose lease ends in the middle of its work is another worker's, after a wait that this clock never ends.
    pub(crate) async fn rest(&self) {
        for _ in 0..2000 {
            let now = self.app.clock.now().as_millis();
            let at_work = format!(
                "SELECT count(*) FROM jobs WHERE state = 'running' OR (state = 'queued' AND run_at <= {now})"
            );
            if self.sql(&at_work).await[0].get::<i64>(0) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a job is still at work after 20 seconds");
    }

    /// Whether the database holds these bytes anywhere: a SQLite file in its free pages and its log, too; what the vacuum of
    /// PostgreSQL has not come to yet does not count.
    pub(crate) async fn keeps(&self, bytes: &[u8]) -> bool {
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let dump = self.database.dump().await;
        if dump.iter().any(|(_, rows)| rows.contains(&hex)) {
            return true;
        }
        ["ringfence.db", "ringfence.db-wal"].iter().any(|file| {
            let held = std::fs::read(self.folder.join(file)).unwrap_or_default();
            held.windows(bytes.len()).any(|window| window == bytes)
        })
    }

    /// Runs SQL on the database itself: for looking behind the product's back, and for tampering.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<Row> {
        self.database.sql(sql).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let database = self.database.clone();
        let is_checked = !std::thread::panicking() && !self.is_without_jobs;
        let is_last = self.temp.is_some();
        let remaining = block_on(async move {
            let mut remaining = 0;
            if is_checked {
                let sql = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')";
                remaining = database.sql(sql).await[0].get::<i64>(0);
            }
            if is_last {
                database.remove().await;
            }
            remaining
        });
        assert_eq!(remaining, 0, "the test left jobs behind; call settle()");
    }
}
