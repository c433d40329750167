//! The first owner. While nobody is there, the server prints the address of the set-up page with a token that works once
//! and lives 30 minutes; only its hash is kept. With the first person the page is closed for good.

use std::time::Duration;

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;

use crate::{
    access::{Role, password, session},
    accounts::admin::{NewUser, Plan, insert_agency, insert_user},
    app::App,
    clock::Timestamp,
    error::{Error, Result},
    id::SessionId,
    store,
};

/// A token opens the set-up page for this long.
pub const TOKEN_LIFE: Duration = Duration::from_mins(30);

/// Makes a token when nobody is there yet; earlier ones die.
pub async fn open(app: &App) -> Result<Option<String>> {
    let mut tx = app.db.begin().await?;
    // Of two replicas at a first start the later one's token stays, and not both.
    store::audit::lock_head(&mut tx).await?;
    if !store::users::is_empty(&mut tx).await? {
        return Ok(None);
    }
    let mut bytes = [0u8; 24];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::internal("no randomness"))?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let expires_at = app.clock.now().plus(TOKEN_LIFE);
    store::facts::replace_set_up_token(&mut tx, &hash(&token), expires_at).await?;
    tx.commit().await?;
    Ok(Some(token))
}

fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.trim().as_bytes()).as_ref().to_vec()
}

/// What the set-up page asks for.
pub(crate) struct SetUp {
    pub(crate) token: String,
    pub(crate) agency_name: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) password: SecretString,
}

/// Makes the first agency and its owner, who is logged in at once.
pub(crate) async fn set_up(
    app: &App,
    input: SetUp,
    user_agent: Option<&str>,
) -> Result<(SessionId, Timestamp)> {
    password::check("password", &input.password)?;
    let mut conn = app.db.read().await?;
    if !store::users::is_empty(&mut conn).await? {
        return Err(closed());
    }
    drop(conn);
    let hash_of_password = password::hash(input.password.clone()).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    // Taken before the question and not with the first audit entry, so that nobody else is the first meanwhile.
    store::audit::lock_head(&mut tx).await?;
    if !store::users::is_empty(&mut tx).await? {
        return Err(closed());
    }
    if !store::facts::take_set_up_token(&mut tx, &hash(&input.token), now).await? {
        return Err(Error::SetUpClosed(
            "This token is not valid any more: each works once, for 30 minutes. Restart the server, and it prints a new one.",
        ));
    }
    let agency = insert_agency(app, &mut tx, &input.agency_name, Plan::Agency).await?;
    let user = NewUser {
        email: input.email,
        name: input.name,
        password: input.password,
        role: Role::Owner,
    };
    let user_id = insert_user(app, &mut tx, &agency.id, &user, &hash_of_password).await?;
    let session = session::open(&mut tx, &user_id, user_agent, now).await?;
    tx.commit().await?;
    Ok(session)
}

fn closed() -> Error {
    Error::SetUpClosed("This installation has been set up. Log in instead.")
}
