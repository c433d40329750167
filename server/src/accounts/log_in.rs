//! Log-in and log-out (H2). Failed attempts are throttled per email, per address and per both; an unknown email takes as long as a
//! wrong password, and the answer does not tell them apart.

use std::net::IpAddr;

use secrecy::SecretString;

use crate::{
    access::{Viewer, password, session},
    app::App,
    audit::{Action, Actor, Entry},
    clock::Timestamp,
    error::{Error, Result},
    id::SessionId,
    keys::words,
    store,
};

/// Opens a session for whoever knows the password.
pub(crate) async fn log_in(
    app: &App,
    email: &str,
    password: SecretString,
    address: Option<IpAddr>,
    user_agent: Option<&str>,
) -> Result<(SessionId, Timestamp)> {
    let now = app.clock.now();
    let email_key = store::users::email_key(email);
    let address_key = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    let throttles = &app.throttles;
    let pair_key = format!("{email_key} {address_key}");
    throttles
        .log_ins_by_pair
        .attempt(&pair_key, now)
        .and_then(|()| throttles.log_ins_by_email.attempt(&email_key, now))
        .and_then(|()| throttles.log_ins_by_address.attempt(&address_key, now))
        .map_err(|retry_after| Error::TooManyAttempts {
            message: format!(
                "Too many log-ins have failed. Try again in {}.",
                words::wait(retry_after)
            ),
            retry_after,
        })?;
    let mut conn = app.db.read().await?;
    let found = store::users::find_credentials(&mut conn, email).await?;
    drop(conn);
    let (user, hash, is_suspended) = match found {
        Some(row) => (
            Some((row.id, row.name)),
            Some(row.password_hash),
            row.suspended_at.is_some(),
        ),
        None => (None, None, false),
    };
    let fits = password::verify(password, hash).await?;
    let Some((user, name)) = user.filter(|_| fits && !is_suspended) else {
        return Err(Error::WrongCredentials);
    };
    throttles.log_ins_by_pair.forget(&pair_key);
    throttles.log_ins_by_email.forget(&email_key);
    throttles.log_ins_by_address.forget(&address_key);
    let mut tx = app.db.begin().await?;
    let session = session::open(&mut tx, &user, user_agent, now).await?;
    for membership in store::agencies::list_memberships(&mut tx, &user).await? {
        let entry = Entry {
            agency: Some(&membership.agency.id),
            actor: Actor::Named {
                id: user.as_str(),
                name: &name,
            },
            action: Action::LoggedIn,
            subject: user.as_str(),
            provider: None,
            summary: "Logged in.".to_owned(),
        };
        app.audit.append(&mut tx, entry, now).await?;
    }
    tx.commit().await?;
    Ok(session)
}

/// Ends this session.
pub(crate) async fn log_out(app: &App, viewer: &Viewer) -> Result<()> {
    let mut tx = app.db.begin().await?;
    store::sessions::delete(&mut tx, &viewer.session_id).await?;
    tx.commit().await
}

/// Ends all sessions of the person; how many there were.
pub(crate) async fn log_out_everywhere(app: &App, viewer: &Viewer) -> Result<u64> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let count = store::sessions::delete_all(&mut tx, &viewer.user_id).await?;
    for membership in store::agencies::list_memberships(&mut tx, &viewer.user_id).await? {
        let entry = Entry {
            agency: Some(&membership.agency.id),
            actor: Actor::Person(viewer),
            action: Action::LoggedOutEverywhere,
            subject: viewer.user_id.as_str(),
            provider: None,
            summary: "Logged out everywhere.".to_owned(),
        };
        app.audit.append(&mut tx, entry, now).await?;
    }
    tx.commit().await?;
    Ok(count)
}
