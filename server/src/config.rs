//! The settings: flags over `RINGFENCE_…` environment variables over a TOML file over defaults, checked once at start
//! with errors that name the setting. Provider hosts come from `VAPI_BASE_URL` and its kin. Secrets are never settings,
//! only the paths of the files that hold them.

mod api_limits;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use ipnet::{IpNet, Ipv4Net};
use lettre::message::Mailbox;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::{
    providers::{ProviderKind, http::check_base_url},
    store::DatabaseLocation,
    vault::Cipher,
};

pub use api_limits::{ApiLimit, ApiLimits};

/// What may be said on the command line; each has an environment variable and a key in the file.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Settings file in TOML [env: `RINGFENCE_CONFIG`].
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Folder of the SQLite database [env: `RINGFENCE_DATA_DIR`] [default: ./data].
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// File of the master key, which seals the stored keys [env: `RINGFENCE_MASTER_KEY_FILE`] [default: master.key in the data folder].
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key_file: Option<PathBuf>,
    /// File of the secret that signs session cookies [env: `RINGFENCE_SESSION_SECRET_FILE`] [default: session.secret in the data folder].
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_secret_file: Option<PathBuf>,
    /// PostgreSQL URL; without one SQLite is used [env: `RINGFENCE_DATABASE_URL`].
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// Address to listen on [env: `RINGFENCE_LISTEN`] [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// The address that people type, such as <https://keys.example.com> [env: `RINGFENCE_PUBLIC_URL`].
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// How new keys are sealed: xchacha20-poly1305 or aes-256-gcm [env: `RINGFENCE_CIPHER`].
    #[arg(long, value_name = "CIPHER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cipher: Option<String>,
    /// Networks of proxies whose forwarded headers count, comma-separated [env: `RINGFENCE_TRUSTED_PROXIES`].
    #[arg(long, value_name = "NETWORKS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<String>,
    /// Hours between scheduled syncs of an account, 0 for none [env: `RINGFENCE_SYNC_INTERVAL_HOURS`] [default: 6].
    #[arg(long, value_name = "HOURS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_interval_hours: Option<u32>,
    /// Hours between checks of a stored key, 0 for none [env: `RINGFENCE_HEALTH_CHECK_INTERVAL_HOURS`] [default: 24].
    #[arg(long, value_name = "HOURS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_interval_hours: Option<u32>,
    /// Requests that one API key may make in any 60 seconds, by plan [env: `RINGFENCE_API_REQUESTS_PER_KEY`] [default: agency=100,enterprise=100].
    #[arg(long, value_name = "PLAN=COUNT,…")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_requests_per_key: Option<String>,
    /// Requests that all API keys of an agency together may make in any 60 seconds, by plan [env: `RINGFENCE_API_REQUESTS_PER_AGENCY`] [default: agency=500,enterprise=500].
    #[arg(long, value_name = "PLAN=COUNT,…")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_requests_per_agency: Option<String>,
    /// Calls of one API key that may be under way at once, by plan [env: `RINGFENCE_API_CALLS_PER_KEY`] [default: agency=10,enterprise=10].
    #[arg(long, value_name = "PLAN=COUNT,…")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_calls_per_key: Option<String>,
    /// Calls of an agency that may be under way at once, by plan; those that people place count too [env: `RINGFENCE_CALLS_PER_AGENCY`] [default: starter=100,agency=100,enterprise=100].
    #[arg(long, value_name = "PLAN=COUNT,…")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_agency: Option<String>,
    /// File with the address of a mail server, such as <smtps://user:password@mail.example.com> [env: `RINGFENCE_SMTP_URL_FILE`, or the address itself in `RINGFENCE_SMTP_URL`].
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_url_file: Option<PathBuf>,
    /// Who alerts come from by email, such as `Ringfence <alerts@example.com>` [env: `RINGFENCE_EMAIL_FROM`].
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_from: Option<String>,
    /// Log lines as `json` or `text` [env: `RINGFENCE_LOG_FORMAT`] [default: text on a terminal, else json].
    #[arg(long, value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<String>,
    /// Which log lines, such as `info` or `ringfence=debug` [env: `RINGFENCE_LOG`] [default: info].
    #[arg(long, value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// A region of a provider: one of the hosts that the operator configured (K1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, async_graphql::Enum)]
pub enum Region {
    /// The provider's usual host.
    Default,
    /// The provider's European host.
    Eu,
}

impl Region {
    /// As the database keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Eu => "eu",
        }
    }

    /// What [`Region::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Default, Self::Eu]
            .into_iter()
            .find(|region| region.as_str() == text)
    }
}

/// Checked settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of the database and of whatever else is kept.
    pub data_dir: PathBuf,
    /// Where the master key lies.
    pub master_key_file: PathBuf,
    /// Where the session secret lies.
    pub session_secret_file: PathBuf,
    /// SQLite file or PostgreSQL URL.
    pub database: DatabaseLocation,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The address that people type; its scheme decides whether cookies are `Secure`.
    pub public_url: Url,
    /// How new keys are sealed.
    pub cipher: Cipher,
    /// Proxies whose forwarded headers count (H6).
    pub trusted_proxies: Vec<IpNet>,
    /// Time between scheduled syncs; `None` switches them off.
    pub sync_interval: Option<Duration>,
    /// Time between checks of a stored key; `None` switches them off. A refusal is followed up all the same.
    pub health_check_interval: Option<Duration>,
    /// How many requests API keys may make.
    pub api_limits: ApiLimits,
    /// How alerts go out by email; `None`: they do not.
    pub email: Option<EmailConfig>,
    /// JSON log lines instead of text.
    pub log_json: bool,
    /// Which log lines.
    pub log_filter: String,
    /// The hosts of the providers.
    pub hosts: ProviderHosts,
}

/// The mail server, and who writes.
#[derive(Clone, Debug)]
pub struct EmailConfig {
    /// With the password, which is why no setting of the command line or the settings file holds it.
    pub smtp_url: SecretString,
    /// The sender.
    pub from: Mailbox,
}

/// Where each provider's API is, by region.
#[derive(Clone, Debug)]
pub struct ProviderHosts(BTreeMap<(ProviderKind, Region), Url>);

impl ProviderHosts {
    /// The host of a provider's region, if the operator has configured it.
    pub fn get(&self, provider: ProviderKind, region: Region) -> Option<&Url> {
        self.0.get(&(provider, region))
    }

    /// The regions that can be chosen.
    pub fn regions(&self, provider: ProviderKind) -> Vec<Region> {
        self.0
            .keys()
            .filter(|(kind, _)| *kind == provider)
            .map(|(_, region)| *region)
            .collect()
    }

    /// Points a provider somewhere else: the demo and the tests use the sandbox.
    pub fn set(&mut self, provider: ProviderKind, region: Region, url: Url) {
        self.0.insert((provider, region), url);
    }
}

/// A setting that is wrong, and how to mend it.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConfigError {
    setting: String,
    problem: String,
}

fn wrong(setting: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError {
        setting: setting.to_owned(),
        problem: problem.into(),
    }
}

/// The environment variable that carries a provider's host, and the host when it is not set.
const HOSTS: [(&str, ProviderKind, Region, Option<&str>); 4] = [
    (
        "VAPI_BASE_URL",
        ProviderKind::Vapi,
        Region::Default,
        Some("https://api.vapi.ai"),
    ),
    ("VAPI_EU_BASE_URL", ProviderKind::Vapi, Region::Eu, None),
    (
        "RETELL_BASE_URL",
        ProviderKind::Retell,
        Region::Default,
        Some("https://api.retellai.com"),
    ),
    (
        "BLAND_BASE_URL",
        ProviderKind::Bland,
        Region::Default,
        Some("https://api.bland.ai"),
    ),
];

impl Config {
    /// Reads flags, environment and file, and checks them together.
    pub fn load(options: &Options) -> Result<Self, ConfigError> {
        let file = options
            .config
            .clone()
            .or_else(|| environment("RINGFENCE_CONFIG").map(PathBuf::from));
        let mut figment = Figment::new();
        if let Some(file) = &file {
            if !file.is_file() {
                return Err(wrong(
                    "config",
                    format!("{} is not a file.", file.display()),
                ));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let merged: Options = figment
            .merge(Env::prefixed("RINGFENCE_").ignore(&["config", "log_in", "smtp_url"]))
            .merge(Serialized::defaults(options))
            .extract()
            .map_err(|error| {
                let setting = error.path.join(".");
                let setting = if setting.is_empty() {
                    "settings"
                } else {
                    &setting
                };
                wrong(setting, format!("{}.", error.kind))
            })?;
        Self::check(merged)
    }

    fn check(options: Options) -> Result<Self, ConfigError> {
        let api_limits = ApiLimits::parse(&options)?;
        let data_dir = options.data_dir.unwrap_or_else(|| PathBuf::from("data"));
        let listen: SocketAddr = options
            .listen
            .as_deref()
            .unwrap_or("127.0.0.1:8080")
            .parse()
            .map_err(|_| {
                wrong(
                    "listen",
                    "needs an address and a port, such as 127.0.0.1:8080.",
                )
            })?;
        let public_url = match options.public_url {
            Some(text) => parse_public_url(&text)?,
            None if listen.ip().is_loopback() => Url::parse(&format!("http://{listen}"))
                .map_err(|error| wrong("public_url", error.to_string()))?,
            None => {
                return Err(wrong(
                    "public_url",
                    "is needed when the server listens beyond this machine: set RINGFENCE_PUBLIC_URL to the https address that people type.",
                ));
            }
        };
        let cipher = match options.cipher.as_deref() {
            None => Cipher::XChaCha20Poly1305,
            Some(name) => Cipher::parse(name)
                .map_err(|_| wrong("cipher", "is xchacha20-poly1305 or aes-256-gcm."))?,
        };
        let log_json = match options.log_format.as_deref() {
            None => !std::io::IsTerminal::is_terminal(&std::io::stderr()),
            Some("json") => true,
            Some("text") => false,
            Some(_) => return Err(wrong("log_format", "is json or text.")),
        };
        let database = match options.database_url {
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                DatabaseLocation::Postgres(url)
            }
            Some(_) => {
                return Err(wrong(
                    "database_url",
                    "starts with postgres://. Leave it out to use SQLite in the data folder.",
                ));
            }
            None => DatabaseLocation::Sqlite(data_dir.join("ringfence.db")),
        };
        let sync_hours = options.sync_interval_hours.unwrap_or(6);
        let check_hours = options.health_check_interval_hours.unwrap_or(24);
        Ok(Self {
            master_key_file: options
                .master_key_file
                .unwrap_or_else(|| data_dir.join("master.key")),
            session_secret_file: options
                .session_secret_file
                .unwrap_or_else(|| data_dir.join("session.secret")),
            data_dir,
            database,
            listen,
            public_url,
            cipher,
            trusted_proxies: parse_networks(options.trusted_proxies.as_deref())?,
            sync_interval: hours(sync_hours),
            health_check_interval: hours(check_hours),
            api_limits,
            email: email_config(
                options.smtp_url_file.as_deref(),
                options.email_from.as_deref(),
            )?,
            log_json,
            log_filter: options.log.unwrap_or_else(|| "info".to_owned()),
            hosts: provider_hosts()?,
        })
    }

    /// Whether a cookie may travel over https only.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Refuses anything but this machine (H6): for the demo and the sandbox.
    pub fn require_loopback(&self, what: &str) -> Result<(), ConfigError> {
        if self.listen.ip().is_loopback() {
            return Ok(());
        }
        Err(wrong(
            "listen",
            format!("{what} listens on this machine only, such as 127.0.0.1:8080."),
        ))
    }
}

/// The mail server from its file or the environment. No error repeats the address, which holds a password.
fn email_config(
    file: Option<&Path>,
    from: Option<&str>,
) -> Result<Option<EmailConfig>, ConfigError> {
    let text = match file {
        Some(file) => Some(std::fs::read_to_string(file).map_err(|error| {
            wrong(
                "smtp_url_file",
                format!("{} cannot be read: {}.", file.display(), error.kind()),
            )
        })?),
        None => environment("RINGFENCE_SMTP_URL"),
    };
    let Some(text) = text.map(Zeroizing::new) else {
        return Ok(None);
    };
    let text = text.trim();
    let url = Url::parse(text).map_err(|_| {
        wrong(
            "smtp_url",
            "needs an address such as smtps://user:password@mail.example.com.",
        )
    })?;
    let is_required = url
        .query_pairs()
        .any(|(name, value)| name == "tls" && value == "required");
    let is_safe = match url.scheme() {
        "smtps" => true,
        "smtp" => is_required || names_loopback(&url),
        _ => return Err(wrong("smtp_url", "begins with smtps:// or smtp://.")),
    };
    if !is_safe {
        return Err(wrong(
            "smtp_url",
            "would send the password and the alerts unencrypted. Use smtps://, or add ?tls=required to smtp://.",
        ));
    }
    let from = from.ok_or_else(|| {
        wrong(
            "email_from",
            "is needed beside a mail server: who the alerts come from, such as alerts@example.com.",
        )
    })?;
    let from = from.parse::<Mailbox>().map_err(|_| {
        wrong(
            "email_from",
            "needs an email address, such as Ringfence <alerts@example.com>.",
        )
    })?;
    Ok(Some(EmailConfig {
        smtp_url: SecretString::from(text),
        from,
    }))
}

/// The hosts of schemes that the URL library does not know are plain text to it.
fn names_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    })
}

/// An interval; zero hours are none.
fn hours(count: u32) -> Option<Duration> {
    (count > 0).then(|| Duration::from_secs(u64::from(count) * 3600))
}

fn parse_public_url(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|_| {
        wrong(
            "public_url",
            "needs an address such as https://keys.example.com.",
        )
    })?;
    let is_plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !is_plain || url.username() != "" || url.password().is_some() {
        return Err(wrong(
            "public_url",
            "is scheme, host and port alone, without a path.",
        ));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback_host(&url) => Ok(url),
        _ => Err(wrong(
            "public_url",
            "starts with https://, or with http:// on this machine.",
        )),
    }
}

/// Whether a URL names this machine.
pub(crate) fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(url::Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

fn parse_networks(text: Option<&str>) -> Result<Vec<IpNet>, ConfigError> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.parse::<IpNet>()
                .or_else(|_| part.parse::<IpAddr>().map(IpNet::from))
                .map(canonical)
                .map_err(|_| {
                    wrong(
                        "trusted_proxies",
                        format!("{part} is no network such as 10.0.0.0/8."),
                    )
                })
        })
        .collect()
}

/// Addresses are compared in their canonical form, so an IPv4 network in its IPv6 spelling has to be too.
fn canonical(network: IpNet) -> IpNet {
    match network {
        IpNet::V6(v6) => v6
            .addr()
            .to_ipv4_mapped()
            .zip(v6.prefix_len().checked_sub(96))
            .and_then(|(address, length)| Ipv4Net::new(address, length).ok())
            .map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    }
}

fn provider_hosts() -> Result<ProviderHosts, ConfigError> {
    let mut hosts = BTreeMap::new();
    for (variable, provider, region, usual) in HOSTS {
        let Some(text) = environment(variable).or_else(|| usual.map(str::to_owned)) else {
            continue;
        };
        let url = Url::parse(&text)
            .map_err(|_| wrong(variable, "needs an address such as https://api.vapi.ai."))?;
        check_base_url(&url).map_err(|error| wrong(variable, format!("{error}.")))?;
        hosts.insert((provider, region), url);
    }
    Ok(ProviderHosts(hosts))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one reader of the environment"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H6: an IPv4 network is the same in its IPv6 spelling, as addresses are.
    #[test]
    fn an_ipv4_network_is_one_in_both_spellings() {
        let networks = |text: &str| parse_networks(Some(text)).expect("networks");
        let spelt = networks("::ffff:10.0.0.0/104, ::ffff:127.0.0.1, 2001:db8::/32");
        assert_eq!(spelt, networks("10.0.0.0/8, 127.0.0.1, 2001:db8::/32"));
        assert_eq!(networks("::/0"), ["::/0".parse::<IpNet>().expect("all")]);
    }
}
