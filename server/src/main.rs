//! The `ringfence` command: what may be said on the command line, and nothing else.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use ringfence::{
    command::{self, DemoOptions},
    config::{Config, Options},
    vault::hardening,
};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

/// Bring-your-own-key control plane for voice-AI agencies.
#[derive(Parser)]
#[command(name = "ringfence", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the master key, the session secret and the data folder of a new installation.
    Init {
        #[command(flatten)]
        options: Options,
        /// Write the recovery kit to this new file (mode 0600) instead of the terminal.
        #[arg(long, value_name = "FILE")]
        recovery_kit: Option<PathBuf>,
    },
    /// Serve the web app, GraphQL and the background jobs.
    Serve {
        #[command(flatten)]
        options: Options,
    },
    /// Serve a demo agency with a provider sandbox, on this machine only.
    Demo {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        demo: DemoOptions,
    },
    /// Run the provider sandbox alone, on this machine only.
    Sandbox {
        /// Address to listen on.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
        listen: SocketAddr,
    },
    /// Print the GraphQL schema.
    Schema,
    /// What the operator does for agencies.
    #[command(subcommand)]
    Admin(Admin),
    /// Check the audit log.
    #[command(subcommand)]
    Audit(Audit),
}

#[derive(Subcommand)]
enum Admin {
    /// Make an agency.
    CreateAgency {
        #[command(flatten)]
        options: Options,
        /// Its name.
        name: String,
        /// starter, agency or enterprise.
        #[arg(long, default_value = "agency")]
        plan: String,
    },
    /// Make a person; the password is read from standard input.
    CreateUser {
        #[command(flatten)]
        options: Options,
        /// Slug of the agency.
        #[arg(long)]
        agency: String,
        /// Email address, to log in with.
        #[arg(long)]
        email: String,
        /// Name.
        #[arg(long)]
        name: String,
        /// owner, admin or staff.
        #[arg(long, default_value = "staff")]
        role: String,
    },
    /// Give a person another password, read from standard input, and end their sessions.
    ResetPassword {
        #[command(flatten)]
        options: Options,
        /// Email address of the person.
        email: String,
    },
    /// Change an agency's plan.
    SetPlan {
        #[command(flatten)]
        options: Options,
        /// Slug of the agency.
        agency: String,
        /// starter, agency or enterprise.
        plan: String,
    },
}

#[derive(Subcommand)]
enum Audit {
    /// Print the head of the chain, to keep elsewhere.
    Head {
        #[command(flatten)]
        options: Options,
    },
    /// Walk the chain: a changed, removed, reordered or cut-off entry is found.
    Verify {
        #[command(flatten)]
        options: Options,
        /// A head that was printed earlier: finds a cut-off end too.
        #[arg(long, value_name = "HEAD")]
        head: Option<String>,
    },
}

fn main() -> ExitCode {
    match start(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            drop(writeln!(std::io::stderr(), "ringfence: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<()> {
    hardening::disable_core_dumps()?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("the TLS provider cannot be installed"))?;
    start_log(&cli.command)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(cli.command))
}

/// Log lines go to standard error; only commands that serve have any.
fn start_log(command: &Command) -> anyhow::Result<()> {
    let (Command::Serve { options } | Command::Demo { options, .. }) = command else {
        return Ok(());
    };
    let config = Config::load(options)?;
    let registry = tracing_subscriber::registry().with(command::log_filter(&config.log_filter)?);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if config.log_json {
        registry.with(lines.json().flatten_event(true)).init();
    } else {
        registry.with(lines.with_target(false)).init();
    }
    Ok(())
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Init {
            options,
            recovery_kit,
        } => command::init(&options, recovery_kit.as_deref()).await,
        Command::Serve { options } => command::serve(&options).await,
        Command::Demo { options, demo } => command::demo(&options, &demo).await,
        Command::Sandbox { listen } => command::sandbox(listen).await,
        Command::Schema => command::schema(),
        Command::Admin(Admin::CreateAgency {
            options,
            name,
            plan,
        }) => command::create_agency(&options, &name, &plan).await,
        Command::Admin(Admin::CreateUser {
            options,
            agency,
            email,
            name,
            role,
        }) => command::create_user(&options, &agency, &email, &name, &role).await,
        Command::Admin(Admin::ResetPassword { options, email }) => {
            command::reset_password(&options, &email).await
        }
        Command::Admin(Admin::SetPlan {
            options,
            agency,
            plan,
        }) => command::set_plan(&options, &agency, &plan).await,
        Command::Audit(Audit::Head { options }) => command::audit_head(&options).await,
        Command::Audit(Audit::Verify { options, head }) => {
            command::audit_verify(&options, head.as_deref()).await
        }
    }
}
