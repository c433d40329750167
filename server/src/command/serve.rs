//! `ringfence serve` and `ringfence sandbox`.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use super::{DataLock, build, say};
use crate::{
    accounts::set_up,
    api_keys::usage,
    app::App,
    config::{Config, Options},
    health, http, jobs,
    providers::ProviderKind,
    sandbox::{Sandbox, sample_keys},
};

/// Jobs may take this long to reach the end of their page when the server stops.
const JOB_GRACE: Duration = Duration::from_secs(20);

/// Serves until it is told to stop.
pub async fn serve(options: &Options) -> Result<()> {
    let mut config = Config::load(options)?;
    let _lock = DataLock::take(&config)?;
    let listener = bind(config.listen).await?;
    let address = listener.local_addr()?;
    settle_port(&mut config, address)?;
    let app = build(config, None).await?;
    if let Some(token) = set_up::open(&app).await? {
        // To the terminal, not to the log: whoever has the token owns the installation.
        let url = app.config.public_url.as_str().trim_end_matches('/');
        say(&format!(
            "Nobody is here yet. Make the first owner within 30 minutes:\n\n  {url}/set-up?token={token}\n\n\
             The link works once; a restart makes a new one."
        ))?;
    }
    say(&format!(
        "Ringfence listens on http://{address} for {}",
        app.config.public_url
    ))?;
    run(&app, listener).await
}

/// Binds the address, or says how to choose another.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} cannot be listened on; choose another with --listen"))
}

/// Where port 0 asked for any free one, the public URL gets the one that it became.
pub(crate) fn settle_port(config: &mut Config, address: SocketAddr) -> Result<()> {
    if config.public_url.port() == Some(0) {
        config
            .public_url
            .set_port(Some(address.port()))
            .map_err(|()| anyhow::anyhow!("the public URL takes no port"))?;
    }
    Ok(())
}

/// Runs jobs and the server until a signal, then stops both in order.
pub(crate) async fn run(app: &App, listener: TcpListener) -> Result<()> {
    jobs::start(app).await?;
    health::watch(app);
    usage::watch(app);
    let stopper = app.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    app.spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stopper.shutdown.cancelled() => {}
        }
        tracing::info!("stopping: running requests and pages end first");
        stopper.shutdown.cancel();
    });
    let served = http::serve(app, listener).await;
    // The requests have ended; what they used is written before the database closes.
    usage::write(app).await;
    app.stop(JOB_GRACE).await;
    served.context("the server ended")
}

/// Runs the provider sandbox alone.
pub async fn sandbox(listen: SocketAddr) -> Result<()> {
    let sandbox = Sandbox::start(listen).await?;
    say(&format!(
        "The provider sandbox listens on http://{}",
        sandbox.address()
    ))?;
    for &kind in ProviderKind::ALL {
        let samples = sample_keys().iter().filter(|key| key.provider == kind);
        let mut samples = samples.peekable();
        if samples.peek().is_some() {
            say(&format!(
                "{}: set {}_BASE_URL to {}. Keys:",
                kind.display_name(),
                kind.as_str().to_uppercase(),
                sandbox.base_url(kind)
            ))?;
        }
        for sample in samples {
            say(&format!("  {:<36} {}", sample.key, sample.outcome))?;
        }
    }
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    sandbox.stop().await;
    Ok(())
}
