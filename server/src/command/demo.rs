//! `ringfence demo`: a server with a demo agency, three people and a provider sandbox, all on this machine (H6).

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Result;

use super::{
    DataLock, build,
    init::prepare,
    say,
    serve::{bind, run, settle_port},
};
use crate::{
    accounts::admin::{self, NewUser, Plan},
    app::App,
    config::{Config, Options, Region},
    demo::{DEMO_AGENCY, DEMO_LOG_INS, DemoInfo},
    providers::ProviderKind,
    sandbox::{Sandbox, sample_keys},
    store::{self, DatabaseLocation},
};

/// The sandbox takes this long for a page, so that the demo's progress can be seen.
const PAGE_DELAY: Duration = Duration::from_millis(600);

/// What `demo` takes beside the usual settings.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoOptions {
    /// Address of the provider sandbox.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub sandbox_listen: SocketAddr,
    /// Answers of the sandbox take this many milliseconds.
    #[arg(long, value_name = "MS")]
    pub sandbox_delay: Option<u64>,
}

/// Serves the demo until it is told to stop.
pub async fn demo(options: &Options, demo: &DemoOptions) -> Result<()> {
    let mut options = options.clone();
    options
        .data_dir
        .get_or_insert_with(|| PathBuf::from("data/demo"));
    let mut config = Config::load(&options)?;
    config.require_loopback("the demo")?;
    require_own_data(&options, &config)?;
    prepare(&config, Some(&config.data_dir.join("recovery-kit.txt"))).await?;
    let lock = DataLock::take(&config)?;
    let sandbox = Sandbox::start(demo.sandbox_listen).await.map_err(|error| {
        anyhow::anyhow!("the provider sandbox cannot listen on {}: {error}; choose another with --sandbox-listen", demo.sandbox_listen)
    })?;
    let delay = demo.sandbox_delay.map_or(PAGE_DELAY, Duration::from_millis);
    sandbox.control().set_page_delay(delay);
    for &kind in ProviderKind::ALL {
        let host = sandbox.base_url(kind);
        config.hosts.set(kind, Region::Default, host);
    }
    let listener = bind(config.listen).await?;
    let address = listener.local_addr()?;
    // A public URL of the surroundings belongs to another server; only one that was typed for the demo is meant for it.
    if options.public_url.is_none() {
        config.public_url = format!("http://{address}").parse()?;
    }
    settle_port(&mut config, address)?;
    let info = DemoInfo {
        log_ins: DEMO_LOG_INS.to_vec(),
        sample_keys: sample_keys(),
    };
    let app = build(config, Some(info)).await?;
    seed(&app).await?;
    introduce(&app, &sandbox, address)?;
    run(&app, listener).await?;
    sandbox.stop().await;
    drop(lock);
    Ok(())
}

/// A database or a master key of the surroundings belongs to a real installation, whose keys must never be sent to a
/// sandbox; only those that were typed for the demo are meant for it.
fn require_own_data(typed: &Options, config: &Config) -> Result<()> {
    let is_shared = matches!(config.database, DatabaseLocation::Postgres(_));
    anyhow::ensure!(
        typed.database_url.is_some() || !is_shared,
        "database_url is set in the environment or the settings file, and the demo keeps to data of its own: unset \
         RINGFENCE_DATABASE_URL, or give the demo a database with --database-url"
    );
    let is_own_key = config.master_key_file.starts_with(&config.data_dir);
    anyhow::ensure!(
        typed.master_key_file.is_some() || is_own_key,
        "master_key_file is set in the environment or the settings file, and the demo keeps to a key of its own: unset \
         RINGFENCE_MASTER_KEY_FILE, or give the demo a key with --master-key-file"
    );
    Ok(())
}

/// Makes the demo agency and its people, once.
async fn seed(app: &App) -> Result<()> {
    let mut conn = app.db.read().await?;
    let is_empty = store::users::is_empty(&mut conn).await?;
    drop(conn);
    if !is_empty {
        return Ok(());
    }
    let slug = admin::create_agency(app, DEMO_AGENCY, Plan::Agency).await?;
    for log_in in &DEMO_LOG_INS {
        let user = NewUser {
            email: log_in.email.to_owned(),
            name: log_in.name.to_owned(),
            password: log_in.password.into(),
            role: log_in.role,
        };
        admin::create_user(app, &slug, user).await?;
    }
    Ok(())
}

fn introduce(app: &App, sandbox: &Sandbox, address: SocketAddr) -> Result<()> {
    say("\nLog in with")?;
    for log_in in &DEMO_LOG_INS {
        say(&format!(
            "  {:<18} {:<22} {}",
            log_in.email,
            log_in.password,
            log_in.role.as_str()
        ))?;
    }
    for &kind in ProviderKind::ALL {
        let samples = sample_keys().iter().filter(|key| key.provider == kind);
        let mut samples = samples.peekable();
        if samples.peek().is_some() {
            let name = kind.display_name();
            say(&format!("\nSandbox keys for Settings → API keys → {name}"))?;
        }
        for sample in samples {
            say(&format!("  {:<36} {}", sample.key, sample.outcome))?;
        }
    }
    say(&format!(
        "\nProvider sandbox: http://{} (faults: /__control)",
        sandbox.address()
    ))?;
    say(&format!("Data folder: {}", app.config.data_dir.display()))?;
    let url = app.config.public_url.as_str().trim_end_matches('/');
    let listening = format!("http://{address}");
    if listening != url {
        say(&format!("Listening on {listening}"))?;
    }
    say(&format!("\nRingfence is ready at {url}\n"))
}
