//! Log-in and log-out (H2). Failed attempts are throttled per email, per address and per both; an unknown email takes as long as a
//! wrong password, and the answer does not tell them apart. What a stranger sends is bounded before it is counted.

use std::net::IpAddr;

use secrecy::SecretString;

use crate::{
    access::{
        Viewer, password, session,
        throttle::{Throttle, attempt_all, network_of},
    },
    accounts::MAX_EMAIL_LENGTH,
    app::{App, Throttles},
    audit::{Action, Actor, Entry},
    clock::Timestamp,
    error::{Error, Result},
    id::{SessionId, UserId},
    keys::words,
    store,
};

/// No account has a longer one (`check_email`), so a longer one is not worth counting or looking up.
fn check_length(email: &str) -> Result<&str> {
    let email = email.trim();
    if email.len() > MAX_EMAIL_LENGTH {
        return Err(Error::invalid(
            "email",
            "Enter an email address such as ann@example.com.",
        ));
    }
    Ok(email)
}

/// An attempt that was counted as failed until it is forgiven.
struct Attempt<'a> {
    throttles: &'a Throttles,
    address: String,
    email: String,
    pair: String,
    at: Timestamp,
}

impl<'a> Attempt<'a> {
    /// Counts the attempt everywhere or nowhere. The address comes first: whoever is refused there leaves nothing behind
    /// under the emails that they made up.
    fn count(
        throttles: &'a Throttles,
        email: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Self> {
        let email = store::users::email_key(email);
        let address = address.map_or_else(
            || "unknown".to_owned(),
            |address| network_of(address).to_string(),
        );
        let attempt = Self {
            throttles,
            pair: format!("{email} {address}"),
            address,
            email,
            at: now,
        };
        match attempt_all(&attempt.counters(), now) {
            Ok(()) => Ok(attempt),
            Err((_, retry_after)) => Err(Error::TooManyAttempts {
                message: format!(
                    "Too many log-ins have failed. Try again in {}.",
                    words::wait(retry_after)
                ),
                retry_after,
            }),
        }
    }

    fn counters(&self) -> [(&'a Throttle, &str); 3] {
        [
            (&self.throttles.log_ins_by_address, &self.address),
            (&self.throttles.log_ins_by_email, &self.email),
            (&self.throttles.log_ins_by_pair, &self.pair),
        ]
    }

    /// The password was right: this person's own mistakes from here are forgotten. What others tried from this address or
    /// with this email stays, or whoever owns an account could try other people's without end between two log-ins.
    fn forgive(&self) {
        self.throttles
            .log_ins_by_address
            .take_back(&self.address, self.at);
        self.throttles
            .log_ins_by_email
            .take_back(&self.email, self.at);
        self.throttles.log_ins_by_pair.forget(&self.pair);
    }
}

/// Whose password it is, counted as an attempt to log in. `WrongCredentials` when it is not theirs, or when there is nobody.
pub(crate) async fn prove(
    app: &App,
    email: &str,
    password: SecretString,
    address: Option<IpAddr>,
) -> Result<(UserId, String)> {
    let email = check_length(email)?;
    let now = app.clock.now();
    let attempt = Attempt::count(&app.throttles, email, address, now)?;
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
    let Some(proven) = user.filter(|_| fits && !is_suspended) else {
        return Err(Error::WrongCredentials);
    };
    attempt.forgive();
    Ok(proven)
}

/// Opens a session for whoever knows the password.
pub(crate) async fn log_in(
    app: &App,
    email: &str,
    password: SecretString,
    address: Option<IpAddr>,
    user_agent: Option<&str>,
) -> Result<(SessionId, Timestamp)> {
    let (user, name) = prove(app, email, password, address).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let session = session::open(&mut tx, &user, user_agent, now).await?;
    for membership in store::agencies::list_memberships(&mut tx, &user).await? {
        let agency = &membership.agency.id;
        store::agencies::touch_membership(&mut tx, agency, &user, now).await?;
        let entry = Entry {
            agency: Some(agency),
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
    let session = viewer.session().ok_or(Error::NotForApiKeys)?;
    let mut tx = app.db.begin().await?;
    store::sessions::delete(&mut tx, session).await?;
    tx.commit().await
}

/// Ends all sessions of the person; how many there were.
pub(crate) async fn log_out_everywhere(app: &App, viewer: &Viewer) -> Result<u64> {
    viewer.session().ok_or(Error::NotForApiKeys)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// H2, H3: an address that is refused leaves nothing behind under the emails that it makes up, and an email that is
    /// refused costs the address nothing.
    #[test]
    fn a_refused_attempt_is_counted_nowhere() {
        let throttles = Throttles::default();
        let now = Timestamp::from_millis(0);
        let here = Some(IpAddr::from([203, 0, 113, 7]));
        let attempt = |email: &str| Attempt::count(&throttles, email, here, now).is_ok();
        for number in 0..30 {
            assert!(attempt(&format!("{number}@example.com")));
        }
        for number in 30..40 {
            assert!(!attempt(&format!("{number}@example.com")));
        }
        assert_eq!(throttles.log_ins_by_email.count(), 30);
        assert_eq!(throttles.log_ins_by_pair.count(), 30);

        let throttles = Throttles::default();
        let attempt = |email: &str| Attempt::count(&throttles, email, here, now).is_ok();
        for _ in 0..5 {
            assert!(attempt("ann@example.com"));
        }
        for _ in 0..100 {
            assert!(!attempt("ann@example.com"));
        }
        for number in 0..25 {
            assert!(attempt(&format!("{number}@example.com")));
        }
        assert!(!attempt("25@example.com"));
    }

    /// H2: a good log-in forgives the person's own mistakes and nobody else's.
    #[test]
    fn a_good_log_in_clears_nothing_of_others() {
        let throttles = Throttles::default();
        let now = Timestamp::from_millis(0);
        let here = Some(IpAddr::from([203, 0, 113, 7]));
        let there = Some(IpAddr::from([203, 0, 113, 8]));
        for number in 0..26 {
            let email = format!("{number}@example.com");
            assert!(Attempt::count(&throttles, &email, here, now).is_ok());
        }
        let own = |address| Attempt::count(&throttles, "ann@example.com", address, now);
        for _ in 0..3 {
            assert!(own(here).is_ok());
        }
        own(here).expect("the fourth").forgive();
        assert!(own(here).is_ok(), "one place is left at this address");
        assert!(own(here).is_err());
        // Four mistakes from here stay counted for the email, and so do the guesses of strangers.
        for number in 0..45 {
            let stranger = Some(IpAddr::from([198, 51, 100, number]));
            assert!(own(stranger).is_ok());
        }
        own(there).expect("the fiftieth").forgive();
        assert!(own(there).is_ok());
        assert!(own(there).is_err(), "the strangers' guesses stay");
    }

    /// H2: no account has a longer email; what is longer is not looked at.
    #[test]
    fn an_email_that_no_account_has_is_refused_by_its_length() {
        let email = |length: usize| format!("{}@example.com", "a".repeat(length - 12));
        assert!(check_length(&email(MAX_EMAIL_LENGTH)).is_ok());
        let refused = check_length(&email(MAX_EMAIL_LENGTH + 1)).expect_err("too long");
        assert_eq!(refused.field(), Some("email"));
    }
}
