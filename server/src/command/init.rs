//! `ringfence init`: makes the data folder, the master key and the session secret of a new installation (E6). It never
//! overwrites a key, makes a master key only where no database is sealed with one, and none whose recovery kit is not kept.

use std::{
    fs::{self, DirBuilder},
    io::IsTerminal,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use anyhow::{Context, Result, bail};

use super::say;
use crate::{
    config::{Config, Options},
    store::{self, DatabaseLocation, Db},
    vault::{MasterKey, SessionSecret},
};

/// Makes what is missing; `recovery_kit` is a file for the recovery kit, which otherwise goes to the terminal.
pub async fn init(options: &Options, recovery_kit: Option<&Path>) -> Result<()> {
    let config = Config::load(options)?;
    if recovery_kit.is_none()
        && !std::io::stdout().is_terminal()
        && !config.master_key_file.exists()
    {
        bail!(
            "the recovery kit is shown once, and standard output is no terminal here; name a file for it with \
             --recovery-kit FILE"
        );
    }
    match prepare(&config, recovery_kit).await? {
        None => say(&format!(
            "The master key {} is there already; nothing was changed.",
            config.master_key_file.display()
        ))?,
        Some(key) => say(&format!(
            "Made the master key {}: {}",
            key.id(),
            config.master_key_file.display()
        ))?,
    }
    say(&format!(
        "The session secret: {}",
        config.session_secret_file.display()
    ))
}

/// Makes a master key whose recovery kit is kept first: a kit without its key opens nothing and can be made anew, a key
/// without its kit would be used until the day that the kit is needed.
fn make_master_key(config: &Config, kit_file: Option<&Path>) -> Result<MasterKey> {
    let key = MasterKey::generate()?;
    let kit = key.recovery_kit();
    match kit_file {
        Some(file) => kit.write_new(file).context("no master key was made")?,
        None => say(&format!("\n{}", kit.expose()))?,
    }
    if let Err(error) = key.write_new(&config.master_key_file) {
        // The file is ours for certain: a kit never goes to one that is there.
        let what_stays = match kit_file.map(fs::remove_file) {
            Some(Ok(())) => "no master key was made, and the recovery kit was removed again",
            Some(Err(_)) | None => "no master key was made; its recovery kit opens nothing",
        };
        return Err(error).context(what_stays);
    }
    if let Some(file) = kit_file {
        say(&format!(
            "Wrote the recovery kit: {}. Move it off this machine; without it a lost master key means that every \
             provider key has to be entered again.",
            file.display()
        ))?;
    }
    Ok(key)
}

/// Makes the folder and the missing files; the master key when it is new. Its recovery kit goes to the file, or to standard
/// output.
pub(crate) async fn prepare(
    config: &Config,
    recovery_kit: Option<&Path>,
) -> Result<Option<MasterKey>> {
    if !config.data_dir.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&config.data_dir)
            .with_context(|| {
                format!(
                    "the data folder {} cannot be made",
                    config.data_dir.display()
                )
            })?;
    }
    let made = if config.master_key_file.exists() {
        MasterKey::read(&config.master_key_file)?;
        None
    } else {
        if is_sealed(config).await? {
            bail!(
                "there is a database with sealed keys, and its master key {} is missing. A new one would not open them: \
                 put the master key back, or the text of its recovery kit, in that file with mode 0600",
                config.master_key_file.display()
            );
        }
        Some(make_master_key(config, recovery_kit)?)
    };
    if config.session_secret_file.exists() {
        SessionSecret::read(&config.session_secret_file)?;
    } else {
        SessionSecret::create(&config.session_secret_file)?;
    }
    Ok(made)
}

/// Whether a database of these settings holds anything that a master key sealed.
async fn is_sealed(config: &Config) -> Result<bool> {
    if let DatabaseLocation::Sqlite(path) = &config.database
        && !path.exists()
    {
        return Ok(false);
    }
    let db = Db::connect(&config.database).await?;
    let mut conn = db.read().await?;
    let is_sealed = store::facts::has_sealed_rows(&mut conn).await?;
    drop(conn);
    db.close().await;
    Ok(is_sealed)
}
