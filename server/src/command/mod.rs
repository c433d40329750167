//! What the command line does: one function per command, over the same [`App`] that the server uses. Answers go to
//! standard output, log lines to standard error.

mod demo;
mod init;
mod serve;

pub use demo::{DemoOptions, demo};
pub use init::init;
pub use serve::{sandbox, serve};

use std::{
    fs::{File, TryLockError},
    io::Write,
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use crate::{
    access::Role,
    accounts::admin::{self, NewUser, Plan},
    app::App,
    audit::{Head, Verdict},
    clock::Clock,
    config::{Config, Options},
    demo::DemoInfo,
    store::DatabaseLocation,
    vault::{MasterKey, SessionSecret},
};

/// Prints a line for whoever typed the command.
pub(crate) fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Prints the schema.
pub fn schema() -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(crate::graphql::sdl().as_bytes())?;
    Ok(())
}

/// Which log lines are written: those of the setting, without the frames of sockets. They hold what people send, and
/// somebody may have put a key into a document.
pub fn log_filter(setting: &str) -> Result<EnvFilter> {
    let filter = EnvFilter::try_new(setting).map_err(|error| {
        anyhow::anyhow!("log: {error}; use a filter such as info or ringfence=debug")
    })?;
    ["tungstenite=info", "tokio_tungstenite=info"]
        .into_iter()
        .try_fold(filter, |filter, ceiling| {
            Ok(filter.add_directive(ceiling.parse()?))
        })
}

/// Keeps a second server away from a SQLite file for as long as it is held.
pub(crate) struct DataLock(#[expect(dead_code, reason = "held, never read")] Option<File>);

impl DataLock {
    /// Takes the lock of the data folder; PostgreSQL needs none.
    pub(crate) fn take(config: &Config) -> Result<Self> {
        if matches!(config.database, DatabaseLocation::Postgres(_)) {
            return Ok(Self(None));
        }
        let path = config.data_dir.join("ringfence.lock");
        let file =
            File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(Some(file))),
            Err(TryLockError::WouldBlock) => bail!(
                "another Ringfence server uses the data folder {}; stop it, or name another folder with --data-dir",
                config.data_dir.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).context("the data folder cannot be locked")
            }
        }
    }
}

/// Builds the application over the key files that `init` made.
pub(crate) async fn build(config: Config, demo: Option<DemoInfo>) -> Result<App> {
    let missing = |what: &str, path: &PathBuf| {
        format!(
            "{what} {} cannot be used; `ringfence init` makes the files of a new installation",
            path.display()
        )
    };
    let master_key = MasterKey::read(&config.master_key_file)
        .with_context(|| missing("the master key", &config.master_key_file))?;
    let session_secret = SessionSecret::read(&config.session_secret_file)
        .with_context(|| missing("the session secret", &config.session_secret_file))?;
    Ok(App::build(config, Clock::System, master_key, &session_secret, demo).await?)
}

/// For commands that look at the database of a stopped or running server.
async fn open(options: &Options) -> Result<App> {
    build(Config::load(options)?, None).await
}

/// `admin create-agency`.
pub async fn create_agency(options: &Options, name: &str, plan: &str) -> Result<()> {
    let app = open(options).await?;
    let slug = admin::create_agency(&app, name, parse_plan(plan)?).await?;
    app.db.close().await;
    say(&format!("Agency {name:?} is there; its slug is {slug}."))
}

/// A password from standard input, so that it stands in no process list and no history.
fn read_password() -> Result<SecretString> {
    let mut line = String::new();
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        say("Password (at least 12 characters; it shows while you type):")?;
    }
    std::io::stdin().read_line(&mut line)?;
    let password = SecretString::from(line.trim_end_matches(['\r', '\n']));
    zeroize::Zeroize::zeroize(&mut line);
    Ok(password)
}

/// `admin create-user`; the password is read from standard input.
pub async fn create_user(
    options: &Options,
    agency: &str,
    email: &str,
    name: &str,
    role: &str,
) -> Result<()> {
    let Some(role) = Role::parse(role).filter(|role| Role::AGENCY.contains(role)) else {
        bail!("--role is owner, admin or staff")
    };
    let password = read_password()?;
    let app = open(options).await?;
    let user = NewUser {
        email: email.to_owned(),
        name: name.to_owned(),
        password,
        role,
    };
    admin::create_user(&app, agency, user).await?;
    app.db.close().await;
    say(&format!(
        "{email} can log in as {} of {agency}.",
        role.as_str()
    ))
}

/// `admin reset-password`; the password is read from standard input.
pub async fn reset_password(options: &Options, email: &str) -> Result<()> {
    let password = read_password()?;
    let app = open(options).await?;
    let ended = admin::reset_password(&app, email, password).await?;
    app.db.close().await;
    let sessions = match ended {
        0 => "They were not logged in anywhere.".to_owned(),
        1 => "The one session that they had is ended.".to_owned(),
        count => format!("The {count} sessions that they had are ended."),
    };
    say(&format!(
        "{email} logs in with the new password. {sessions}"
    ))
}

/// `admin set-plan`.
pub async fn set_plan(options: &Options, agency: &str, plan: &str) -> Result<()> {
    let app = open(options).await?;
    admin::set_plan(&app, agency, parse_plan(plan)?).await?;
    app.db.close().await;
    say(&format!("{agency} is on the plan {plan}."))
}

fn parse_plan(text: &str) -> Result<Plan> {
    Plan::parse(text)
        .with_context(|| format!("{text:?} is no plan; use starter, agency or enterprise"))
}

/// `audit head`: what a later `audit verify --head` is measured against.
pub async fn audit_head(options: &Options) -> Result<()> {
    let app = open(options).await?;
    let head = app.audit.head(&app.db).await?;
    app.db.close().await;
    say(&head.to_string())
}

/// `audit verify`: walks the whole chain.
pub async fn audit_verify(options: &Options, head: Option<&str>) -> Result<()> {
    let expected: Option<Head> = head
        .map(str::parse)
        .transpose()
        .map_err(|error: String| anyhow::anyhow!("--head: {error}"))?;
    let app = open(options).await?;
    let verdict = app.audit.verify(&app.db, expected.as_ref()).await?;
    app.db.close().await;
    match verdict {
        Verdict::Whole { head } => say(&format!(
            "The audit log is whole: {} entries.\nIts head, to keep elsewhere: {head}",
            head.sequence
        )),
        Verdict::Changed { sequence } => bail!("the audit log was changed at entry {sequence}"),
        Verdict::Missing { sequence } => bail!("entry {sequence} of the audit log is missing"),
        Verdict::CutOff { after } => bail!("the audit log was cut off after entry {after}"),
    }
}
